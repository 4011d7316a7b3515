"""The choices beside the prompt: genre, tempo, length, format, takes, seed; right or wrong, kept as they were typed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from nur_studio.core.genres import Genre
from nur_studio.core.prompt import PromptReading
from nur_studio.core.request import (
    FORMATS,
    MAX_BARS,
    MAX_DURATION,
    MAX_SEED,
    MAX_TEMPO,
    MIN_DURATION,
    MIN_TEMPO,
    GenerationRequest,
)
from nur_studio.gui.fields import FaultLabel, NumberField
from nur_studio.gui.heard import bars_text, seconds_text
from nur_studio.gui.segments import SegmentedControl
from nur_studio.gui.tap import TapTempo

_TAKES = (1, 2, 4)
_BUTTON_WIDTH = 52
_UNIT_WIDTH = 72
_USUAL_S = 30  # what stands beside bars, and is not asked for


class ComposeForm(QWidget):
    """Labels left, fields right, a sentence below a field that is wrong. Fields are named as in the request."""

    edited = Signal(str)  # field
    left = Signal(str)  # field whose editing is over

    def __init__(self, genres: Sequence[Genre], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tap = TapTempo()
        self._last_seed: int | None = None
        self._continues = False
        self._bar_s = 2.0
        self._faults: dict[str, FaultLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnMinimumWidth(0, 56)
        self._grid.setColumnStretch(1, 1)
        self._build(genres)
        self._wire()

    def _build(self, genres: Sequence[Genre]) -> None:
        self.genre = QComboBox()
        self.genre.setEditable(True)
        self.genre.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.genre.addItems([genre.name for genre in genres])
        self.genre.setCurrentIndex(-1)
        self.genre.setMinimumContentsLength(6)
        self.genre.setMaxVisibleItems(16)
        edit = self.genre.lineEdit()
        assert edit is not None
        self.genre_edit = edit
        self.genre_auto = _button(self.tr("auto"), self.tr("Hear the genre in the prompt"))
        self.genre.setToolTip(self.tr("Any genre; empty: the one heard in the prompt"))
        self._row("genre", self.tr("Genre"), self.genre, self.genre_auto)

        self.tempo = NumberField(MIN_TEMPO, MAX_TEMPO, 120)
        self.tempo.set_suffix(self.tr("BPM"))
        self.tempo.setToolTip(self.tr("Exact tempo in BPM; empty: heard in the prompt. Up and Down change it"))
        self.tap = _button(self.tr("tap"), self.tr("Tap the tempo: at least three times on the beat"))
        self._row("tempo", self.tr("Tempo"), self.tempo, self.tap)

        self.length = NumberField(MIN_DURATION, MAX_DURATION, 30)
        self.length.setText("30")
        self.unit = SegmentedControl([("s", self.tr("s")), ("bars", self.tr("bars"))])
        self.unit.setFixedWidth(_UNIT_WIDTH)
        self.unit.setToolTip(self.tr("The length in seconds, or in whole bars of the tempo, exact to the sample"))
        self.unit.setAccessibleName(self.tr("Unit of the length"))
        self._row("duration", self.tr("Length"), self.length, self.unit)

        self.end = SegmentedControl([(False, self.tr("ends")), (True, self.tr("loops"))])
        self.end.setToolTip(
            self.tr("Loops: whole bars that go round without a seam, as many as the length has room for")
        )
        self._row("loop", self.tr("Finish"), self.end)

        self.format = SegmentedControl([(name, name) for name in FORMATS])
        self.format.setToolTip(self.tr("The take's own format; every take can be exported in all of them"))
        self._row("output_format", self.tr("Format"), self.format)

        self.takes = SegmentedControl([(count, str(count)) for count in _TAKES])
        self.takes.setToolTip(self.tr("How many versions to make, each with its own seed"))
        self._row("takes", self.tr("Takes"), self.takes)

        self.seed = NumberField(0, MAX_SEED, 0)
        self.seed.setPlaceholderText(self.tr("new each time"))
        self.seed.setToolTip(self.tr("The same seed and request make the same music again"))
        self.lock = _button(self.tr("lock"), self.tr("Keep the seed of the take on show"), checkable=True)
        self._row("seed", self.tr("Seed"), self.seed, self.lock)

    def _row(self, name: str, text: str, field: QWidget, button: QWidget | None = None) -> None:
        row = self._grid.rowCount()
        label = QLabel(text)
        label.setProperty("role", "field")
        label.setBuddy(field)
        field.setAccessibleName(text)
        self._grid.addWidget(label, row, 0)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(field, 1)
        if button is not None:
            line.addWidget(button)
        self._grid.addLayout(line, row, 1)
        self._faults[name] = FaultLabel()
        self._grid.addWidget(self._faults[name], row + 1, 1)

    def _wire(self) -> None:
        self.genre_edit.textChanged.connect(self._on_genre)
        self.genre_auto.clicked.connect(self._on_genre_auto)
        self.tempo.changed.connect(self._on_tempo)
        self.length.changed.connect(self._on_length)
        self.unit.chosen.connect(self._on_unit)
        self.end.chosen.connect(self._on_end)
        self.format.chosen.connect(self._on_format)
        self.takes.chosen.connect(self._on_takes)
        self.seed.changed.connect(self._on_seed)
        self.lock.clicked.connect(self._on_lock)
        self.tap.pressed.connect(self._on_tap)
        self.tempo.editingFinished.connect(self._on_tempo_left)
        self.length.editingFinished.connect(self._on_length_left)
        self.seed.editingFinished.connect(self._on_seed_left)
        self.genre_auto.hide()
        self._dress_length()

    # -- values --------------------------------------------------------------------------------------------------

    @property
    def genre_text(self) -> str | None:
        return self.genre_edit.text().strip() or None

    def request(self, prompt: str, engine: str | None) -> GenerationRequest:
        """What the fields say; numbers that are none are carried as they were typed."""
        length: Any = self.length.value()
        bars = self.unit.value == "bars"
        tempo: Any = self.tempo.value()
        seed: Any = self.seed.value()
        return GenerationRequest(
            prompt=prompt,
            duration=_USUAL_S if bars else length,
            genre=self.genre_text,
            tempo=tempo,
            output_format=str(self.format.value),
            seed=seed,
            engine=engine,
            takes=int(str(self.takes.value)),
            bars=(length if length is not None else 0) if bars else None,
        )

    @property
    def loop(self) -> bool:
        """Whether it shall go round."""
        return self.end.value is True

    def set_request(self, request: GenerationRequest) -> None:
        """Fill every field; a seed in it is locked."""
        self.unit.set_value("s" if request.bars is None else "bars")
        self.length.set_value(request.duration if request.bars is None else request.bars)
        self.end.set_value(request.controls.loop)
        self._dress_length()
        self.genre_edit.setText(request.genre or "")
        self.tempo.set_value(request.tempo)
        self.format.set_value(request.output_format)
        self.takes.set_value(request.takes if request.takes in _TAKES else 1)
        self.seed.set_value(request.seed)

    def draft(self) -> dict[str, str]:
        """Everything as it was typed."""
        return {
            "genre": self.genre_edit.text(),
            "tempo": self.tempo.text(),
            "length": self.length.text(),
            "unit": str(self.unit.value),
            "loop": "yes" if self.loop else "no",
            "format": str(self.format.value),
            "takes": str(self.takes.value),
            "seed": self.seed.text(),
        }

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        for name, field in (
            ("genre", self.genre_edit),
            ("tempo", self.tempo),
            ("length", self.length),
            ("seed", self.seed),
        ):
            field.setText(draft.get(name, field.text()))
        self.unit.set_value(draft.get("unit"))
        if "loop" in draft:
            self.end.set_value(draft["loop"] == "yes")
        self._dress_length()
        self.format.set_value(draft.get("format"))
        takes = draft.get("takes", "")
        self.takes.set_value(int(takes) if takes.isdecimal() else None)

    def show_reading(self, reading: PromptReading, said: bool) -> None:
        """What "auto" comes to now, and how many bars the length makes; nothing `said` yet: only that it is auto."""
        auto = self.tr("auto")
        self._bar_s = reading.beats_per_bar * 60.0 / reading.tempo
        self.genre_edit.setPlaceholderText(f"{auto} · {reading.genre}" if said else auto)
        self.tempo.setPlaceholderText(f"{auto} · {reading.tempo}" if said else auto)
        self.tempo.set_start(reading.tempo)
        length = self.length.value()
        bars = self.unit.value == "bars"
        if said and isinstance(length, int):
            other = (
                seconds_text(length, reading.tempo, reading.beats_per_bar)
                if bars
                else bars_text(length, reading.tempo, reading.beats_per_bar)
            )
            self.length.set_suffix(self.tr("more · {amount}").format(amount=other) if self._continues else other)
        else:
            self.length.set_suffix(self.tr("more") if self._continues else "")

    def set_continues(self, on: bool) -> None:
        """The length is that of new music after music that is there; shown with the next reading."""
        self._continues = on

    def set_last_seed(self, seed: int) -> None:
        """What "lock" keeps."""
        self._last_seed = seed

    # -- faults --------------------------------------------------------------------------------------------------

    def say(self, field: str, sentence: str) -> QWidget:
        """Show `sentence` below `field` ("" takes it away); the label, to bring into sight."""
        label = self._label(field)
        label.say(sentence)
        mark(self.genre if field == "genre" else self.widget(field), bool(sentence))
        return label

    def fault(self, field: str) -> str:
        return self._label(field).sentence

    def _label(self, field: str) -> FaultLabel:
        return self._faults["duration" if field == "bars" else field]

    def clear_faults(self) -> None:
        for field in self._faults:
            self.say(field, "")

    def widget(self, field: str) -> QWidget | None:
        """Where `field` of the request is entered."""
        return {
            "genre": self.genre_edit,
            "tempo": self.tempo,
            "duration": self.length,
            "bars": self.length,
            "loop": self.end,
            "output_format": self.format,
            "takes": self.takes,
            "seed": self.seed,
        }.get(field)

    # -- slots ---------------------------------------------------------------------------------------------------

    def _tell(self, field: str) -> None:
        self.say(field, "")
        self.edited.emit(field)

    def _on_genre(self) -> None:
        self.genre_auto.setVisible(self.genre_text is not None)
        self._tell("genre")

    def _on_genre_auto(self) -> None:
        self.genre.setCurrentIndex(-1)
        self.genre_edit.clear()

    def _on_tempo(self) -> None:
        self._tell("tempo")

    def _on_length(self) -> None:
        self._tell("duration")

    def _on_unit(self) -> None:
        """About as long as before, in the other unit."""
        length, bar_s = self.length.value(), self._bar_s
        to_bars = self.unit.value == "bars"
        if isinstance(length, int):
            self.length.set_value(max(1, round(length / bar_s)) if to_bars else round(length * bar_s))
        self.length.set_suffix("")  # until the next reading
        self._dress_length()
        self._tell("duration")

    def _on_end(self) -> None:
        self._tell("loop")

    def _dress_length(self) -> None:
        """What the field takes, in its unit."""
        if self.unit.value == "bars":
            self.length.set_range(1, MAX_BARS)
            tip = self.tr("Length in bars, 1 to {high}, as far as that makes {low} s to {most} s")
        else:
            self.length.set_range(MIN_DURATION, MAX_DURATION)
            tip = self.tr("Length in whole seconds, {low} to {most}")
        self.length.setToolTip(tip.format(high=MAX_BARS, low=MIN_DURATION, most=MAX_DURATION))

    def _on_format(self) -> None:
        self._tell("output_format")

    def _on_takes(self) -> None:
        self._tell("takes")

    def _on_seed(self) -> None:
        self.lock.setChecked(self.seed.value() is not None)
        self._tell("seed")

    def _on_lock(self, on: bool) -> None:
        # Before any take there is none to keep: a new seed, so that the takes to come can be compared.
        seed = self._last_seed if self._last_seed is not None else random.getrandbits(32)
        self.seed.set_value(seed if on else None)

    def _on_tap(self) -> None:
        tempo = self._tap.tap()
        if tempo is not None:
            self.tempo.set_value(tempo)

    def _on_tempo_left(self) -> None:
        self.left.emit("tempo")

    def _on_length_left(self) -> None:
        self.left.emit("duration")

    def _on_seed_left(self) -> None:
        self.left.emit("seed")


def mark(field: QWidget | None, invalid: bool) -> None:
    """The error colour around a field, or no longer."""
    wanted = "true" if invalid else "false"
    if field is not None and field.property("invalid") != wanted:
        field.setProperty("invalid", wanted)
        field.style().unpolish(field)
        field.style().polish(field)


def _button(text: str, tip: str, *, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFixedWidth(_BUTTON_WIDTH)
    button.setProperty("role", "side")
    return button
