"""Between compose panel and the rest: what the engine offers, which audio a take starts from, early ends, notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.audio.masters import stem_path
from nur_studio.core.mix import STEMS
from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO
from nur_studio.core.story import tempo_story
from nur_studio.core.track import COMBINED, IMPORTED, Status, Track
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.models import MODELS
from nur_studio.gui.compose_panel import ComposePanel
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.making import Growth, Maker
from nur_studio.gui.reference_field import Source, selection
from nur_studio.gui.stage import Stage
from nur_studio.gui.toast import Toast
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio


@dataclass(frozen=True, slots=True)
class _Found:
    track: Track
    part: str
    stems: bool


class Composing(QObject):
    """Panels show and emit; this looks up in the studio what they need."""

    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        queue: JobQueue,
        *,
        compose: ComposePanel,
        maker: Maker,
        stage: Stage,
        view: TrackView,
        library: LibraryPanel,
        toast: Toast,
    ) -> None:
        super().__init__(compose)
        self._studio, self._queue = studio, queue
        self._compose, self._maker, self._stage = compose, maker, stage
        self._view, self._library, self._toast = view, library, toast
        self._running: frozenset[str] = frozenset()  # what the one at work can
        compose.set_describe(studio.description_for)
        compose.keep_requested.connect(maker.keep)
        reference = compose.steering.reference
        reference.shown_requested.connect(self._on_shown_requested)
        reference.take_dropped.connect(self._on_take_dropped)
        library.start_from_requested.connect(self._on_start_from)
        maker.begun.connect(self._on_begun)
        maker.started.connect(self._on_started)
        maker.grew.connect(self._on_grew)
        maker.made.connect(self._on_made)
        maker.separating.connect(self._on_separating)
        view.extend_requested.connect(self.extend_shown)

    @Slot(object)
    def on_engine(self, engine: EngineInfo) -> None:
        """This engine is chosen now: offer what it can."""
        titles = {info.name: info.title for info in self._studio.engines()}
        titles |= {IMPORTED: self.tr("Imported"), COMBINED: self.tr("Combined")}
        self._view.header.engine_titles.update({model.name: model.title for model in MODELS} | titles)
        self._compose.set_abilities(engine.can)
        self._view.header.set_extendable("continue" in engine.can)
        self._library.starts_from = bool(engine.can & {"continue", "melody"})

    # -- starting from audio -------------------------------------------------------------------------------------

    @Slot()
    def extend_shown(self) -> None:
        """Go on from the take on show, or from what is marked of it, in its own words and tempo."""
        track = self._stage.track
        if track is None or track.status is not Status.COMPLETED:
            return
        self._use(track, self._stage.has_stems, use="continue")
        if track.engine != IMPORTED and track.prompt != self._compose.prompt.toPlainText().strip():
            self._compose.use_prompt(track.prompt)
        if MIN_TEMPO <= track.tempo <= MAX_TEMPO:
            self._compose.form.tempo.set_value(track.tempo)
        self._compose.bring_in_sight(self._compose.steering.reference)
        self._compose.form.length.setFocus()
        self._compose.form.length.selectAll()

    @Slot()
    def _on_shown_requested(self) -> None:
        track = self._stage.track
        if track is None or track.status is not Status.COMPLETED:
            self._compose.steering.reference.say(self.tr("Open a finished take first: then it can be used here."))
        else:
            self._use(track, self._stage.has_stems)

    @Slot(str)
    def _on_start_from(self, track_id: str) -> None:
        self._on_take_dropped(track_id, "mix")
        self._compose.bring_in_sight(self._compose.steering.reference)

    @Slot(str, str)
    def _on_take_dropped(self, track_id: str, part: str) -> None:
        on_show = self._stage.track
        if on_show is not None and on_show.id == track_id:
            self._use(on_show, self._stage.has_stems, part)
            return

        def work() -> _Found:
            track = self._studio.library.get(track_id)
            stems = all(stem_path(track.folder, stem).is_file() for stem in STEMS)
            return _Found(track, part, stems)

        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(self._on_found)
        job.failed.connect(self.failed)
        self._queue.submit(job)

    @Slot(object)
    def _on_found(self, found: _Found) -> None:
        self._use(found.track, found.stems, found.part)

    def _use(self, track: Track, stems: bool, part: str = "mix", use: Literal["", "continue"] = "") -> None:
        on_show = self._view.track
        start, end = 0.0, None
        if on_show is not None and on_show.id == track.id:
            start, end = selection(self._view.timeline.loop, track.frames, track.sample_rate)
        source = Source(track.id, track.title, STEMS if stems else (), start, end)
        self._compose.steering.reference.set_source(source, use, part)

    # -- while a take is made --------------------------------------------------------------------------------------

    @Slot()
    def _on_begun(self) -> None:
        name = self._maker.engine
        name = name or self._studio.default_engine()
        info = next((info for info in self._studio.engines() if info.name == name), None)
        self._running = info.can if info is not None else frozenset()
        self._view.expects_stems = info is None or info.stems
        self._offer_keeping(0.0)

    @Slot(object)
    def _on_started(self, _: Track) -> None:
        self._offer_keeping(0.0)

    @Slot(object)
    def _on_grew(self, growth: Growth) -> None:
        self._offer_keeping(growth.frames / growth.sample_rate)

    @Slot(object)
    def _on_separating(self, _: Track) -> None:
        """There is nothing to keep: the take is kept already."""
        self._compose.bar.set_kept(None)

    def _offer_keeping(self, seconds: float) -> None:
        if self._maker.making:  # what comes late is of a take that is over
            self._compose.bar.set_kept(seconds if "keep" in self._running else None)

    @Slot(object)
    def _on_made(self, track: Track) -> None:
        note, story = track.recipe.get("note"), tempo_story(track)
        asks = story is not None and story.open  # the header says it, and asks what to do
        if isinstance(note, str) and note and not asks:
            self._toast.say(note)
