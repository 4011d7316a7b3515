"""The part of the settings that names another studio on the network: its address, its token, whether it answers."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QWidget

_MOST = 200
_LINES = 2


class ServerSection(QObject):
    """Fields for a form to place. `chosen` tells address and token when their editing is over.

    Where `fixed`, the environment's address is in force, and the fields only show it.
    """

    chosen = Signal(object)  # dict of settings
    test_requested = Signal()

    def __init__(self, address: str, token: str, fixed: str, parent: QObject) -> None:
        super().__init__(parent)
        self._told = (address, token)
        self.address = QLineEdit(fixed or address, maxLength=_MOST)
        self.address.setPlaceholderText("studio.local")
        self.token = QLineEdit("" if fixed else token, maxLength=_MOST)
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText(_tr("the one it was started with"))
        for field in (self.address, self.token):
            field.setEnabled(not fixed)
            field.editingFinished.connect(self.tell)
        if fixed:
            self.address.setToolTip(_tr("NUR_STUDIO_SERVER says so: the settings are not asked"))
        else:
            self.address.setToolTip(_tr("Its engines are listed beside yours; what they make comes into your library"))
        self.answer = QLabel(wordWrap=True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.answer.setMinimumHeight(_LINES * self.answer.fontMetrics().lineSpacing())
        self.answer.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = QPushButton(_tr("Test"), autoDefault=False)
        self.button.setToolTip(_tr("Ask whether a studio answers there, and what it makes music with"))
        self.button.clicked.connect(self._on_test)
        self.line = QWidget()
        row = QHBoxLayout(self.line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.answer, 1)
        self.say(_tr("Start one there with `nur-studio serve`; see packaging/API.md."), "dim")

    def tell(self) -> None:
        """Hand on what was typed, where it is something else."""
        typed = (self.address.text().strip(), self.token.text().strip())
        if typed != self._told and self.address.isEnabled():
            self._told = typed
            self.chosen.emit({"server": typed[0], "server_token": typed[1]})

    def say(self, sentence: str, role: str) -> None:
        """Say how it stands, in the colour of `role`: dim, good or error."""
        self.answer.setProperty("role", role)
        self.answer.style().unpolish(self.answer)
        self.answer.style().polish(self.answer)
        self.answer.setText(sentence)
        self.button.setEnabled(True)

    def _on_test(self) -> None:
        self.tell()
        self.say(_tr("Asking …"), "dim")
        self.button.setEnabled(False)
        self.test_requested.emit()


def _tr(text: str) -> str:
    return QCoreApplication.translate("server", text)
