"""The marked loop, looked at beside the window: how its ends meet, and how it sounds as a file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Cancel
from nur_studio.core.track import Status, Track
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.playback import Playback
from nur_studio.gui.stage import Stage
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio
from nur_studio.studio.clips import Loop
from nur_studio.studio.exporting import STEMS_PART
from nur_studio.studio.parts import MIX_PART

_AFTER_MS = 300  # of rest: an edge that is being dragged is not looked at on its way


@dataclass(frozen=True, slots=True)
class _Span:
    """Whole bars of a take with these lanes, which begin at a frame of it."""

    track_id: str
    lanes: tuple[str, ...]
    start: int
    start_bar: int
    bars: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """A loop that was looked at in this mix; with the folder that it was written to, where it is to be heard."""

    span: _Span
    mix: Mix
    loop: Loop
    folder: tempfile.TemporaryDirectory[str] | None = None


class LoopDesk(QObject):
    """Between timeline, studio and player. What is heard as exported gives way to the take as soon as the loop is
    another one, is switched off, or the playhead leaves it."""

    failed = Signal(object)

    def __init__(self, studio: Studio, playback: Playback, view: TrackView, stage: Stage, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._playback, self._view = studio, playback, view
        self._note = view.transport.loop_note
        self._queue: JobQueue | None = None  # its thread starts when there is a first loop
        self._job: Job | None = None
        self._span: _Span | None = None  # what is marked
        self._known: tuple[_Span, Mix] | None = None  # what the note speaks of
        self._heard: _Seen | None = None  # what the player has in place of the take
        self._later = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._later.timeout.connect(self._look)
        view.timeline.loop_changed.connect(self._on_changed)
        view.mix_changed.connect(self._on_changed)
        view.seek_requested.connect(self._on_seek)
        view.stop_requested.connect(self._on_stop)
        stage.opened.connect(self._on_opened)
        self._note.hear_toggled.connect(self._on_hear)

    @property
    def hearing(self) -> bool:
        """Whether the player plays the loop as it would be exported."""
        return self._heard is not None

    def close(self) -> None:
        """End what runs and throw its files away."""
        self._later.stop()
        if self._queue is not None:
            self._queue.close()
        self._forget()

    # -- what is marked --------------------------------------------------------------------------------------------

    def _marked(self) -> _Span | None:
        track, timeline = self._view.track, self._view.timeline
        region = timeline.loop or timeline.effective_loop
        if track is None or track.status is not Status.COMPLETED or region is None:
            return None
        bars = timeline.bars_of(region)
        return None if bars is None else _Span(track.id, track.lanes, region[0], *bars)

    @Slot()
    def _on_changed(self) -> None:
        span = self._marked()
        if span is None or not self._view.timeline.loop_on:
            self._note.setChecked(False)
        if self._heard is not None and (span != self._heard.span or not self._note.isChecked()):
            self._give_back()
        if span != self._span:
            self._span = span
            self._stop_looking()
            if span is None:
                self._note.clear()
            else:
                self._note.show_bars(span.bars)
        if span is not None and not self._done:
            self._later.start()

    @property
    def _done(self) -> bool:
        """Whether note and player have what they should."""
        heard = self._heard is not None or not self._note.isChecked()
        return heard and self._known == (self._span, self._view.mix)

    @Slot(object)
    def _on_opened(self, _: Track) -> None:
        self._forget()  # the player has the take itself now
        self._span = self._known = None
        self._on_changed()

    @Slot(object)
    def _on_seek(self, frame: int) -> None:
        heard = self._heard
        if heard is not None and not heard.span.start <= frame < heard.span.start + heard.loop.frames:
            self._note.setChecked(False)
            self._give_back()

    @Slot()
    def _on_stop(self) -> None:
        self._on_seek(0)

    @Slot(bool)
    def _on_hear(self, on: bool) -> None:
        timeline = self._view.timeline
        if on and self._span is not None:
            timeline.set_loop(timeline.loop, on=True)
            self._look()
        else:
            self._give_back()

    # -- looking and hearing ---------------------------------------------------------------------------------------

    def _stop_looking(self) -> None:
        self._later.stop()
        if self._job is not None and self._queue is not None:
            self._queue.remove(self._job)
        self._job = None

    @Slot()
    def _look(self) -> None:
        span, mix = self._span, self._view.mix
        if span is None or self._done:
            return
        self._stop_looking()
        hear = self._note.isChecked() and self._heard is None
        job = Job(lambda _progress, cancel: self._work(span, mix, hear, cancel), self)
        job.finished.connect(self._on_seen)
        job.failed.connect(self._on_failed)
        self._queue = self._queue or JobQueue(self, "loops")
        self._job = self._queue.submit(job)

    def _work(self, span: _Span, mix: Mix, hear: bool, cancel: Cancel) -> _Seen:
        studio = self._studio
        if not hear:
            return _Seen(span, mix, studio.look_at_loop(span.track_id, span.start_bar, span.bars, mix, cancel))
        folder = tempfile.TemporaryDirectory(prefix="nur-studio-loop-", ignore_cleanup_errors=True)
        try:
            loop = studio.export_loop(
                span.track_id,
                Path(folder.name),
                span.start_bar,
                span.bars,
                parts=(STEMS_PART if span.lanes else MIX_PART,),
                encoding=Encoding("wav", "PCM_24"),
                mix=mix,
                cancel=cancel,
            )
            cancel.check()  # there may be nobody left to take the files
        except BaseException:
            folder.cleanup()
            raise
        return _Seen(span, mix, loop, folder)

    @Slot(object)
    def _on_seen(self, seen: _Seen) -> None:
        self._job = None
        if seen.span != self._span:
            _clean(seen)
            return
        self._known = (seen.span, seen.mix)
        self._note.show_score(seen.loop.score.score)
        if seen.folder is not None:
            if self._note.isChecked():
                self._play(seen)
            else:
                _clean(seen)
        if not self._done:
            self._later.start()

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._job = None
        self._known = None if self._span is None else (self._span, self._view.mix)
        if isinstance(error, StudioError):
            self._note.show_fault(str(error))
        else:
            self._note.setChecked(False)
            self.failed.emit(error)

    def _play(self, seen: _Seen) -> None:
        track = self._view.track
        if track is None or self._playback.loaded != track.id:
            _clean(seen)
            return
        self._forget()
        self._heard = seen
        lanes = seen.span.lanes or (MIX_PART,)
        sources = list(zip(lanes, seen.loop.files, strict=True))
        self._playback.load_loop(track, sources, seen.span.start, seen.loop.frames)

    def _give_back(self) -> None:
        """The take itself in place of the loop."""
        heard, track = self._heard, self._view.track
        if heard is None:
            return
        if track is not None and track.id == heard.span.track_id == self._playback.loaded:
            self._playback.load(track)
        self._forget()

    def _forget(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            _clean(heard)


def _clean(seen: _Seen) -> None:
    """Files that the player still reads go with the system's other temporary ones, where it does not let them go."""
    if seen.folder is not None:
        seen.folder.cleanup()
