"""A licence, whole and as it was published, to read before one agrees to it."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nur_studio.core.licences import ADDRESS, weights_licence

_COLUMNS = 76


class LicenceDialog(QDialog):
    """Shows the licence of MusicGen's weights, called `name`; `gist` says beforehand what it comes to."""

    def __init__(self, name: str, gist: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Licence {name}").format(name=name))
        head = QLabel(gist)
        head.setWordWrap(True)
        elsewhere = self.tr("Its text comes with audiocraft, not installed here, and is published at\n{address}")
        self.text = QPlainTextEdit(weights_licence() or elsewhere.format(address=ADDRESS), readOnly=True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName(self.tr("The licence's text"))
        self.text.setTabChangesFocus(True)
        close = QPushButton(self.tr("Close"))
        close.setProperty("role", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        column.addWidget(head)
        column.addWidget(self.text, 1)
        column.addLayout(foot)
        self.text.ensurePolished()  # the style sheet decides how large its letters are
        self.text.setMinimumWidth(self.text.fontMetrics().horizontalAdvance("x") * _COLUMNS + 48)
        self.resize(self.sizeHint().width(), 560)
