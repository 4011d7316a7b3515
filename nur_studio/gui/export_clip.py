"""The export dialog's page for pieces of a take: the marked part as it is, or whole bars that go round as a loop."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from nur_studio.audio.bars import MOST_LOOP_BARS
from nur_studio.core.mix import Mix
from nur_studio.core.timing import format_time
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice
from nur_studio.gui.export_page import ExportPage, add_row, remark
from nur_studio.gui.fields import NumberField
from nur_studio.gui.lane_picker import LanePicker
from nur_studio.gui.loop_note import seam_word
from nur_studio.gui.segments import SegmentedControl
from nur_studio.studio.clips import Loop, where_of, whole_bars

_LOOK_AFTER_MS = 250
_USUAL_BARS = 4


@dataclass(frozen=True, slots=True)
class LoopQuestion:
    """How well would these bars of a take loop, with the mix set like this?"""

    track_id: str
    bars: tuple[int, int]
    mix: Mix | None


class ClipPage(ExportPage):
    """`span` is what is marked, in frames; None where nothing is."""

    looked_for = Signal(object)  # LoopQuestion

    def __init__(self, track: Track, mix: Mix, span: tuple[int, int] | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._track, self._mix, self._span = track, mix, span
        self._seen: LoopQuestion | None = None
        self._later = QTimer(self, singleShot=True, interval=_LOOK_AFTER_MS)
        self._later.timeout.connect(self._on_later)
        self.part = SegmentedControl([("clip", self.tr("Marked part")), ("loop", self.tr("Loop of whole bars"))])
        self.part.button("clip").setEnabled(span is not None)
        self.part.button("loop").setEnabled(track.has_tempo)
        self.part.set_value("loop" if span is None or whole_bars(track, *span) is not None else "clip")
        self.part.chosen.connect(self._on_changed)
        self.marked = remark()
        self.first, self.count = NumberField(1, 9999, 1), NumberField(1, MOST_LOOP_BARS, _USUAL_BARS)
        self.first.setAccessibleName(self.tr("First bar"))
        self.count.setAccessibleName(self.tr("How many bars"))
        bars = self._bars_marked()
        self.first.set_value(bars[0] + 1)
        self.count.set_value(bars[1])
        self.bars = QWidget()
        row = QHBoxLayout(self.bars)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for words, field in ((self.tr("from bar"), self.first), (self.tr("for bars"), self.count)):
            row.addWidget(QLabel(words))
            field.setFixedWidth(72)
            field.changed.connect(self._on_changed)
            row.addWidget(field)
        row.addWidget(remark(self.tr("of {n}").format(n=self._whole_bars())))
        row.addStretch(1)
        kinds = [("mix", self.tr("Mix"))]
        if mix != Mix():
            kinds.append(("heard", self.tr("Mix as heard")))
        if track.lanes:
            kinds.append(("stems", self.tr("Stems")))
        self.of = SegmentedControl(kinds)
        self.of.chosen.connect(self._on_changed)
        self.lanes = LanePicker(track.lanes)
        self.lanes.pick(track.lanes)
        self.lanes.changed.connect(self._on_changed)
        self.seam = remark()
        add_row(self.form, 0, self.tr("Piece"), self.part)
        self.form.addWidget(self.marked, 1, 1)
        self.form.addWidget(self.bars, 1, 1)
        add_row(self.form, 2, self.tr("Of"), self.of)
        self._which = add_row(self.form, 3, self.tr("Which"), self.lanes)
        self._seam_label = add_row(self.form, 4, self.tr("Seam"), self.seam)
        self._show_what()

    def offer(self, what: str, lanes: tuple[str, ...] = ()) -> None:
        """Begin with the marked part ("clip") or a "loop" of these lanes; of the mix without any."""
        if self.part.button(what).isEnabled():
            self.part.set_value(what)
        self.of.set_value("stems" if lanes else "mix")
        if lanes:
            self.lanes.pick(lanes)
        self._on_changed()

    def fill(self, choice: ExportChoice) -> ExportChoice:
        mix = self._mix if self.of.value == "heard" else None
        lanes = self.lanes.picked if self.of.value == "stems" else ()
        if self.part.value == "loop":
            return replace(choice, what="loop", mix=mix, lanes=lanes, bars=self._bars() or (0, 0))
        return replace(choice, what="clip", mix=mix, lanes=lanes, span=self._span or (0, 0))

    def why_not(self) -> str:
        if self.part.value == "clip" and self._span is None:
            return self.tr("Nothing is marked: drag over the waveform first.")
        if self.part.value == "clip":
            return ""
        if not self._track.has_tempo and self._span is None:
            return self.tr(
                "No steady tempo is heard, so there are no bars; and nothing is marked: drag over the waveform first."
            )
        if not self._track.has_tempo:
            return self.tr("No steady tempo is heard, so there are no bars.")
        bars = self._bars()
        if bars is None or bars[0] < 0 or not 1 <= bars[1] <= MOST_LOOP_BARS:
            return self.tr("A loop begins at a bar, and has 1 to {most} of them.").format(most=MOST_LOOP_BARS)
        return ""

    def ask(self) -> None:
        """Have its seam looked at, a moment after the last change."""
        if self._question() is None:
            self._later.stop()
        elif self._question() != self._seen:
            self.seam.setText(self.tr("listening to it …"))
            self._later.start()

    def show_seam(self, question: LoopQuestion, loop: Loop | str) -> None:
        """How its ends meet, or why there is no such loop; an answer that came too late is dropped."""
        if question == self._question():
            self._seen = question
            self.seam.setText(loop if isinstance(loop, str) else seam_text(loop))

    def _question(self) -> LoopQuestion | None:
        bars = self._bars()
        if self.part.value != "loop" or bars is None or self.why_not():
            return None
        return LoopQuestion(self._track.id, bars, self._mix if self.of.value == "heard" else None)

    def _bars(self) -> tuple[int, int] | None:
        first, count = self.first.value(), self.count.value()
        return (first - 1, count) if isinstance(first, int) and isinstance(count, int) else None

    def _whole_bars(self) -> int:
        track = self._track
        return max(0, int(track.grid.beat_at(track.duration_s) / track.beats_per_bar + 1e-3))

    def _bars_marked(self) -> tuple[int, int]:
        """The bars that are marked, or that lie nearest to it: some to begin with where nothing is."""
        most = max(1, min(self._whole_bars(), MOST_LOOP_BARS))
        if self._span is None or not self._track.has_tempo:
            return 0, min(_USUAL_BARS, most)
        rate, bar = self._track.sample_rate, self._track.beats_per_bar
        first, last = (max(0, round(self._track.grid.beat_at(frame / rate) / bar)) for frame in self._span)
        return first, max(1, min(last - first, most))

    def _on_changed(self) -> None:
        self._show_what()
        self.changed.emit()

    def _on_later(self) -> None:
        if (question := self._question()) is not None:
            self.looked_for.emit(question)

    def _show_what(self) -> None:
        loop = self.part.value == "loop"
        self.bars.setVisible(loop and self._track.has_tempo)
        self.marked.setVisible(not loop and self._span is not None)
        asked, stems = self._question() is not None, self.of.value == "stems"
        for widget, shown in (
            (self._seam_label, asked), (self.seam, asked), (self._which, stems), (self.lanes, stems)
        ):  # fmt: skip
            widget.setVisible(shown)
        if self._span is not None:
            rate = self._track.sample_rate
            times = " – ".join(format_time(frame / rate) for frame in self._span)
            in_bars = whole_bars(self._track, *self._span) is not None
            self.marked.setText(f"{where_of(self._track, *self._span)} · {times}" if in_bars else times)


def seam_text(loop: Loop) -> str:
    """How the ends of a loop meet, and how well, in words for the window."""
    how = {
        "tail": _tr("what rings past its end goes on over its beginning"),
        "from before": _tr("its end fades into what comes before its beginning"),
        "into after": _tr("its beginning fades in from what comes after its end"),
        "faded": _tr("both ends are faded: there is nothing around it"),
    }[loop.seam]
    score = loop.score.score
    return _tr("{score:.2f} of 1, {word}: {how}").format(score=score, word=seam_word(score)[0], how=how)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ExportDialog", text)
