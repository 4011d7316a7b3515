"""Suggestions for the prompt: words that fit the genre heard, or whole examples while nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from nur_studio.core.genres import Genre, words
from nur_studio.core.prompt import PromptReading
from nur_studio.gui.fields import FlowLayout

_SHOWN = 6
_HEIGHT = 2 * 24 + 6
_EXAMPLES = ("lo-fi", "techno", "ambient", "jazz", "cinematic", "synthwave")


def suggestions(prompt: str, reading: PromptReading, genres: Sequence[Genre]) -> list[tuple[str, str]]:
    """(text, what it puts into the prompt) to offer now: examples at first, then what the prompt does not say yet."""
    if not prompt:
        by_name = {genre.name: genre for genre in genres}
        return [(name, by_name[name].example) for name in _EXAMPLES if name in by_name]
    genre = next((genre for genre in genres if genre.name == reading.genre), None)
    if genre is None:
        return []
    said = set(words(prompt))
    fitting = [
        chip
        for chip in genre.chips
        if not set(words(chip)) <= said
        and not (reading.tempo_heard and chip.endswith("bpm"))
        and not (reading.key and chip.startswith("in "))
    ]
    return [(chip, chip) for chip in fitting[:_SHOWN]]


class Chips(QWidget):
    """Small buttons in a flow; what is picked goes into the prompt."""

    picked = Signal(str, bool)  # text for the prompt, whether it is a whole prompt

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self, spacing=6, most_rows=2)
        self._shown: list[tuple[str, str]] = []
        self._whole = False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)  # always two rows: the form below must not jump while one types

    def show_chips(self, chips: list[tuple[str, str]], *, whole: bool) -> None:
        """Offer `chips`; unchanged ones stay, so that none flickers while one types."""
        if chips == self._shown and whole == self._whole:
            return
        self._shown, self._whole = chips, whole
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for text, inserted in chips:
            button = QPushButton(text)
            button.setProperty("role", "chip")
            button.setProperty("inserted", inserted)
            tip = self.tr("Start with: {text}") if whole else self.tr("Add: {text}")
            button.setToolTip(tip.format(text=inserted))
            button.clicked.connect(self._on_clicked)
            self._flow.addWidget(button)
            button.show()
        self.updateGeometry()

    def texts(self) -> list[str]:
        return [text for text, _ in self._shown]

    def click(self, text: str) -> None:
        """Pick the chip called `text`, as a click does."""
        for number in range(self._flow.count()):
            item = self._flow.itemAt(number)
            button = item.widget() if item else None
            if isinstance(button, QPushButton) and button.text() == text:
                button.click()
                return
        raise KeyError(text)

    def _on_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.picked.emit(str(button.property("inserted")), self._whole)
