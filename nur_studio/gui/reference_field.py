"""What a take starts from: nothing, music to continue, or a tune to follow; from the library or an audio file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.controls import Reference
from nur_studio.core.errors import InvalidRequest
from nur_studio.gui.controls import ElidedLabel, icon_button
from nur_studio.gui.drag import dragged_takes
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.segments import SegmentedControl

Use = Literal["", "continue", "melody"]

AUDIO_FILES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff", ".w64", ".caf")
_USES: tuple[Use, ...] = ("", "continue", "melody")


@dataclass(frozen=True, slots=True)
class Source:
    """Audio as people see it: `source` is a track id or a path, `parts` the stems that a track has beside its mix.

    `start_s` to `end_s` is the part of it that is meant (None: to its end).
    """

    source: str
    title: str
    parts: tuple[str, ...] = ()
    start_s: float = 0.0
    end_s: float | None = None


def audio_file(data: QMimeData) -> Path | None:
    """The one audio file that is dragged, or None."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].suffix.lower() in AUDIO_FILES else None


class ReferenceField(QWidget):
    """A choice of what the audio is for, and a card that says which audio. It knows no library: it asks for tracks."""

    edited = Signal()
    shown_requested = Signal()  # use the take on show
    take_dropped = Signal(str, str)  # use this track of the library; "mix" or one of its stems

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source: Source | None = None
        self._can: frozenset[str] = frozenset()
        self._build()
        self.use.chosen.connect(self._on_use)
        self.shown.clicked.connect(self.shown_requested)
        self.file.clicked.connect(self._on_file)
        self.clear.clicked.connect(self._on_clear)
        self.part.currentIndexChanged.connect(self._on_part)
        self._dress()

    def _build(self) -> None:
        label = QLabel(self.tr("Start"))
        label.setProperty("role", "field")
        self.use = SegmentedControl(
            [("", self.tr("new")), ("continue", self.tr("continue")), ("melody", self.tr("melody"))]
        )
        label.setBuddy(self.use)
        self.use.setAccessibleName(self.tr("Start"))
        self.use.button("").setToolTip(self.tr("From the words alone"))
        self.use.button("continue").setToolTip(self.tr("Go on from music that is there: the take begins with it"))
        self.use.button("melody").setToolTip(self.tr("Follow the tune of other music, in a sound of its own"))
        self.title = ElidedLabel()
        self.clear = icon_button("close", self.tr("Take this audio away"), role="icon-flat", size=14, color="dim")
        self.span = QLabel()
        self.span.setProperty("role", "dim")
        self.part = QComboBox()
        self.part.setAccessibleName(self.tr("Part"))
        self.part.setToolTip(self.tr("The whole mix, or one stem of it"))
        self.shown = QPushButton(self.tr("Take on show"))
        self.shown.setToolTip(self.tr("Use the take on show; a marked loop says which part of it"))
        self.file = QPushButton(self.tr("File …"))
        self.file.setToolTip(self.tr("Use an audio file; one can also be dropped here, or a row of the library"))
        self.says = QLabel()
        self.says.setProperty("role", "dim")
        self.says.setWordWrap(True)
        self._fault = FaultLabel()
        self.card = QFrame()
        self.card.setProperty("role", "card")
        column = QVBoxLayout(self.card)
        column.setContentsMargins(12, 8, 8, 10)
        column.setSpacing(6)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.clear)
        column.addLayout(top)
        middle = QHBoxLayout()
        middle.addWidget(self.span, 1)
        middle.addWidget(self.part)
        column.addLayout(middle)
        column.addWidget(self.says)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.shown, 1)
        buttons.addWidget(self.file, 1)
        column.addLayout(buttons)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, 56)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.use, 0, 1)
        grid.addWidget(self.card, 1, 0, 1, 2)
        grid.addWidget(self._fault, 2, 0, 1, 2)

    # -- values --------------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source | None:
        return self._source

    def reference(self) -> Reference | None:
        """What was chosen; None for none, and where the engine cannot."""
        use, source = self._use(), self._source
        if not use or source is None:
            return None
        return Reference(use, source.source, str(self.part.currentData() or "mix"), source.start_s, source.end_s)

    def missing(self) -> InvalidRequest | None:
        """The fault of a use without any audio."""
        if self._use() and self._source is None:
            return InvalidRequest("reference", "nothing", self.tr("a take of the library or an audio file"))
        return None

    def _use(self) -> Use:
        value = str(self.use.value)
        return next((use for use in _USES if use == value and use in self._can), "")

    def set_source(self, source: Source | None, use: Use = "", part: str = "mix") -> None:
        """Start from `source`; `use` "" keeps the use that is chosen, or takes the first that the engine can."""
        self._source = source
        use = use or self._use() or next((other for other in _USES if other and other in self._can), "")
        if source is not None:
            self.use.set_value(use)
        blocked = self.part.blockSignals(True)
        self.part.clear()
        self.part.addItem(self.tr("Mix"), "mix")
        for name in source.parts if source is not None else ():
            self.part.addItem(name.capitalize(), name)
        self.part.setCurrentIndex(max(0, self.part.findData(part)))
        self.part.blockSignals(blocked)
        self._dress()
        self.edited.emit()

    def set_reference(self, reference: Reference | None) -> None:
        """Fill the field from a request; a track is called by its id until its title is known."""
        if reference is None:
            self.use.set_value("")
            self.set_source(None)
            return
        name = Path(reference.source).name
        parts = () if reference.part == "mix" else (reference.part,)
        source = Source(reference.source, name, parts, reference.start_s, reference.end_s)
        self.set_source(source, reference.use, reference.part)

    def set_abilities(self, can: Collection[str]) -> None:
        """Offer only what the engine can: "continue", "melody"."""
        self._can = frozenset(can)
        for use in _USES[1:]:
            self.use.button(use).setVisible(use in can)
        offered = self._can.intersection(_USES)
        if offered and self.use.value not in ("", *offered):
            self.use.set_value("")
        self.setVisible(bool(offered))
        self._dress()

    def drop(self, data: QMimeData) -> bool:
        """Take what is dropped, if it is one audio file or one row of the library."""
        if not self.takes(data):
            return False
        part, takes = dragged_takes(data)
        if len(takes) == 1:
            self.take_dropped.emit(takes[0], part)
        elif (path := audio_file(data)) is not None:
            self.set_source(Source(str(path), path.name))
        return True

    def takes(self, data: QMimeData) -> bool:
        """Whether `drop` would take it."""
        return not self.isHidden() and (len(dragged_takes(data)[1]) == 1 or audio_file(data) is not None)

    def draft(self) -> dict[str, str]:
        source = self._source or Source("", "")
        return {
            "reference_use": str(self.use.value),
            "reference": source.source,
            "reference_title": source.title,
            "reference_parts": " ".join(source.parts),
            "reference_part": str(self.part.currentData() or "mix"),
            "reference_start": f"{source.start_s:.6f}",
            "reference_end": "" if source.end_s is None else f"{source.end_s:.6f}",
        }

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        if "reference" not in draft:
            return
        start, end = _seconds(draft.get("reference_start", "")), _seconds(draft.get("reference_end", ""))
        parts = tuple(draft.get("reference_parts", "").split())
        name = draft["reference"]
        source = Source(name, draft.get("reference_title", name), parts, start or 0.0, end) if name else None
        self.set_source(source, part=draft.get("reference_part", "mix"))
        self.use.set_value(draft.get("reference_use", ""))
        self._dress()

    # -- faults --------------------------------------------------------------------------------------------------

    def say(self, sentence: str) -> QWidget:
        """Show `sentence` below ("" takes it away); the label, to bring into sight."""
        self._fault.say(sentence)
        return self._fault

    @property
    def fault(self) -> str:
        return self._fault.sentence

    # -- within --------------------------------------------------------------------------------------------------

    def _dress(self) -> None:
        use, source = self._use(), self._source
        self.card.setVisible(bool(use))
        self.say("")
        self.title.set_text(source.title if source else self.tr("No audio chosen yet"))
        self.clear.setVisible(source is not None)
        self.span.setText(_span(source, self.tr("all of it")) if source else "")
        self.span.setVisible(source is not None)
        self.part.setVisible(self.part.count() > 1)
        if use == "continue":
            self.says.setText(self.tr("The take begins with this; then follow so many seconds of new music."))
        else:
            self.says.setText(self.tr("Its tune is followed; sound and style come from the words."))

    def _on_use(self, _: object) -> None:
        self._dress()
        self.edited.emit()

    def _on_part(self, _: int) -> None:
        self.edited.emit()

    def _on_clear(self) -> None:
        self.set_source(None)
        self.use.setFocus()

    def _on_file(self) -> None:
        patterns = " ".join(f"*{ending}" for ending in AUDIO_FILES)
        path, _ = QFileDialog.getOpenFileName(
            self, self.tr("Start from an audio file"), "", self.tr("Audio ({patterns})").format(patterns=patterns)
        )
        if path:
            self.set_source(Source(path, Path(path).name))


def selection(loop: Sequence[int] | None, frames: int, sample_rate: int) -> tuple[float, float | None]:
    """A marked region in seconds; all of the track where none is marked, or all of it."""
    if loop is None or (loop[0] <= 0 and loop[1] >= frames):
        return 0.0, None
    return loop[0] / sample_rate, None if loop[1] >= frames else loop[1] / sample_rate


def _span(source: Source, whole: str) -> str:
    if source.start_s <= 0.0 and source.end_s is None:
        return whole
    end = "…" if source.end_s is None else _clock(source.end_s)
    return f"{_clock(source.start_s)} - {end}".replace(" - ", " \N{EN DASH} ")


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths // 10:02d}.{tenths % 10}"


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None
