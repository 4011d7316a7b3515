"""A number that can be typed over: double click it, or press Return on the slider it belongs to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from nur_studio.gui.controls import NumberLabel
from nur_studio.gui.faders import Fader, PanSlider

_WIDTH = 56


class ValueLabel(NumberLabel):
    """Shows the value of `slider` in words; what is typed is read by `parse`, which answers None for nonsense."""

    def __init__(self, slider: Fader | PanSlider, parse: Callable[[str], float | None], widest: str, name: str) -> None:
        super().__init__(widest, align=Qt.AlignmentFlag.AlignRight)
        self._slider, self._parse = slider, parse
        self.editor: _Editor | None = None
        self._name = name
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setToolTip(self.tr("Double click: type it (Return on the slider)"))
        slider.edit_requested.connect(self.edit)

    def edit(self) -> None:
        """Let the value be typed."""
        strip = self.parentWidget()
        if not self.isEnabled() or self.editor is not None or strip is None:
            return
        self.editor = _Editor(strip, self._try)
        self.editor.setAccessibleName(self._name)
        self.editor.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.editor.setText(self.text)
        height = min(24, strip.height())
        corner = self.mapTo(strip, QPoint(self.width() + 6 - _WIDTH, (self.height() - height) // 2))
        self.editor.setGeometry(corner.x(), min(corner.y(), strip.height() - height), _WIDTH, height)
        self.editor.selectAll()
        self.editor.show()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self.editor.destroyed.connect(self._on_gone)

    def _try(self, text: str) -> bool:
        value = self._parse(text)
        if value is not None:
            self._slider.set_by_person(value)
        return value is not None

    def _on_gone(self, _: QObject) -> None:
        self.editor = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edit()

    def hideEvent(self, event: QEvent) -> None:
        if self.editor is not None:
            self.editor.leave()


class _Editor(QLineEdit):
    """Over the number for as long as one types. Return takes it, Esc and a click elsewhere leave it as it was."""

    def __init__(self, parent: QWidget, take: Callable[[str], bool]) -> None:
        super().__init__(parent)
        self._take, self._left = take, False
        self._before = parent.window().focusWidget()
        self.setProperty("role", "value")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape or (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._take(self.text())
        ):
            self.leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.setProperty("invalid", True)
            self.style().unpolish(self)
            self.style().polish(self)
            self.selectAll()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its context menu
            self.leave(give_back=False)

    def leave(self, *, give_back: bool = True) -> None:
        """Close, and give the focus back to who had it."""
        if not self._left:
            self._left = True
            if give_back and self._before is not None:
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            self.close()
