"""A part of a form that opens at a click on its head, and says in a word what is set while it is closed."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from nur_studio.gui.icons import icon


class Disclosure(QWidget):
    """A head with a chevron above `content`; Space or Enter on the head opens and closes it."""

    toggled = Signal(bool)

    def __init__(self, title: str, tip: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        rule = QFrame()
        rule.setProperty("role", "line")
        self.head = QToolButton()
        self.head.setText(title)
        self.head.setToolTip(tip)
        self.head.setAccessibleName(title.capitalize())
        self.head.setAccessibleDescription(tip)
        self.head.setProperty("role", "disclosure")
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setIconSize(QSize(14, 14))
        self.head.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.summary = QLabel()
        self.summary.setProperty("role", "dim")
        self.summary.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        top = QHBoxLayout()
        top.addWidget(self.head)
        top.addStretch(1)
        top.addWidget(self.summary)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(rule)
        column.addLayout(top)
        column.addWidget(content)
        self.head.toggled.connect(self._on_toggled)
        self._dress(False)

    @property
    def open(self) -> bool:
        return self.head.isChecked()

    def set_open(self, on: bool) -> None:
        self.head.setChecked(on)

    def set_summary(self, text: str) -> None:
        """What is set inside, in a word or two; shown beside the head."""
        self.summary.setText(text)

    def _on_toggled(self, on: bool) -> None:
        self._dress(on)
        self.toggled.emit(on)

    def _dress(self, on: bool) -> None:
        self._content.setVisible(on)
        self.head.setIcon(icon("chevron-down" if on else "chevron-right", "dim"))
