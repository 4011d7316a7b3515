"""The lanes of a track side by side, any of them picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from nur_studio.gui.lane_names import in_order, lane_title


class LanePicker(QWidget):
    """At least one stays picked."""

    changed = Signal()

    def __init__(self, lanes: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for lane in in_order(lanes):
            button = QPushButton(lane_title(lane))
            button.setCheckable(True)
            button.setProperty("role", "chip")
            button.setAccessibleName(lane_title(lane))
            button.clicked.connect(lambda _on, lane=lane: self._on_clicked(lane))
            self._buttons[lane] = button
            row.addWidget(button)
        row.addStretch(1)

    @property
    def picked(self) -> tuple[str, ...]:
        """In the order they stand."""
        return tuple(lane for lane, button in self._buttons.items() if button.isChecked())

    def pick(self, lanes: Iterable[str]) -> None:
        """Pick these, and tell nobody."""
        wanted = set(lanes)
        for lane, button in self._buttons.items():
            button.setChecked(lane in wanted)

    def button(self, lane: str) -> QPushButton:
        return self._buttons[lane]

    def _on_clicked(self, lane: str) -> None:
        if not self.picked:
            self._buttons[lane].setChecked(True)
        self.changed.emit()
