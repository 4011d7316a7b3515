"""The foot of a dialog that makes something: how far it is, cancel, and the button that makes it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from nur_studio.core.progress import Progress


class DialogFoot(QWidget):
    """`cancel`, and `go`, which Return presses too; between them and the edge the progress, while there is any."""

    def __init__(self, go: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = QProgressBar(textVisible=False, maximum=1000)
        self.progress.setAccessibleName(QCoreApplication.translate("DialogFoot", "Progress"))
        keep = self.progress.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(keep)
        self.progress.hide()
        self.cancel = QPushButton(QCoreApplication.translate("DialogFoot", "Cancel"))
        self.go = QPushButton(go)
        self.go.setProperty("role", "primary")
        self.go.setDefault(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.progress, 1)
        row.addSpacing(8)
        row.addWidget(self.cancel)
        row.addWidget(self.go)

    def set_running(self, running: bool) -> None:
        """Whether it is being made: the progress shows then, from its beginning."""
        self.progress.setValue(0)
        self.progress.setVisible(running)
        self.go.setEnabled(not running)

    def set_progress(self, progress: Progress) -> None:
        self.progress.setValue(round(progress.fraction * 1000))
