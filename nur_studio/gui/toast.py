"""A sentence that passes by at the foot of the window, with one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from nur_studio.gui.controls import icon_button

_STAYS_MS = 6000
_MARGIN = 16
_WIDEST = 640


class Toast(QFrame):
    """One at a time: a new sentence takes the place of the old one. It waits while the pointer is on it."""

    def __init__(self, window: QWidget, over: QWidget) -> None:
        super().__init__(window)
        self._over = over  # the part of the window at whose foot it stands
        self.setProperty("role", "toast")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._window = window
        self._act: Callable[[], object] | None = None
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._button = QPushButton()
        self._button.setProperty("role", "link")
        self._button.clicked.connect(self._on_clicked)
        self._close: QToolButton = icon_button("close", self.tr("Close this message"), role="icon-flat", size=14)
        self._close.clicked.connect(self.hide)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(self._close)
        self._timer = QTimer(self, singleShot=True, interval=_STAYS_MS)
        self._timer.timeout.connect(self.hide)
        window.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text() if self.isVisible() else ""

    @property
    def button(self) -> QPushButton:
        return self._button

    def say(self, sentence: str, action: str = "", act: Callable[[], object] | None = None) -> None:
        """Show `sentence`; `action` is the button's word and `act` what it does."""
        self._text.setText(sentence)
        self._act = act
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self.setAccessibleName(sentence)
        self.show()
        self.raise_()
        self._place()
        self._timer.start()

    def take_back(self, sentence: str) -> None:
        """This is no longer so; anything else that is on show stays."""
        if self.text == sentence:
            self.hide()

    def _place(self) -> None:
        window = self._window
        widest = min(_WIDEST, self._over.width() - 2 * _MARGIN)
        one_line = self._text.fontMetrics().horizontalAdvance(self._text.text()) + 8
        chrome = 16 + 8 + 12 + self._close.sizeHint().width()
        if self._button.text():
            chrome += 12 + self._button.sizeHint().width()
        self.setFixedWidth(min(widest, one_line + chrome))
        height = self._row.heightForWidth(self.width())
        self.resize(self.width(), max(height, 44))
        left = self._over.mapTo(window, QPoint(0, 0)).x() + (self._over.width() - self.width()) // 2
        self.move(left, window.height() - self.height() - _MARGIN)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self.isVisible():
            self._timer.start()

    def _on_clicked(self) -> None:
        act = self._act
        self.hide()
        if act is not None:
            act()
