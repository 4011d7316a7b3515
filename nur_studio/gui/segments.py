"""A few words side by side, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QWidget


class _Segment(QPushButton):
    """One word. Left and right go to its neighbours and choose them, as radio buttons do."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        group = self.group()
        if way is None or group is None:
            super().keyPressEvent(event)
            return
        neighbour = group.button(group.id(self) + way)
        if neighbour is not None and not neighbour.isHidden():
            neighbour.setFocus(Qt.FocusReason.TabFocusReason)
            neighbour.click()


class SegmentedControl(QFrame):
    """One choice of a few."""

    chosen = Signal(object)  # the value, when a person chose it

    def __init__(self, options: Sequence[tuple[object, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "segments")
        self._values = [value for value, _ in options]
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for number, (_, text) in enumerate(options):
            button = _Segment(text)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            button.setAccessibleName(text)
            self._group.addButton(button, number)
            row.addWidget(button, 1)
        self._group.idClicked.connect(self._on_clicked)
        self._check(0)

    @property
    def value(self) -> object:
        return self._values[self._group.checkedId()]

    def set_value(self, value: object) -> None:
        """Choose `value`; one that is not offered changes nothing."""
        if value in self._values:
            self._check(self._values.index(value))

    def button(self, value: object) -> QPushButton:
        button = self._group.button(self._values.index(value))
        assert isinstance(button, QPushButton)
        return button

    def _check(self, number: int) -> None:
        self._group.button(number).setChecked(True)
        self._one_tab_stop()

    def _one_tab_stop(self) -> None:
        for button in self._group.buttons():
            chosen = button.isChecked()
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if chosen else Qt.FocusPolicy.ClickFocus)
            if chosen:
                self.setFocusProxy(button)

    def _on_clicked(self, number: int) -> None:
        self._one_tab_stop()
        self.chosen.emit(self._values[number])
