"""Making takes and their stems beside the window: all waits in one queue, and tells how it goes and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal, SignalInstance, Slot

from nur_studio.core.errors import Cancelled, InvalidRequest, StudioError
from nur_studio.core.names import title_from_prompt
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.sound import Audio
from nur_studio.core.track import Track
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.studio.studio import Chunk

_HANDED_FRAMES = 65_536  # at most this much new sound per event: drawing it takes a millisecond, never a pause


class Makes(Protocol):
    """The part of the studio that makes takes."""

    def submit(self, request: GenerationRequest, *, group: str = "") -> list[Track]: ...

    def batches(self, tracks: Sequence[Track]) -> list[list[Track]]: ...

    def make_together(
        self,
        track_ids: Sequence[str],
        on_progress: OnProgress,
        on_chunk: Callable[[str, Chunk], None],
        on_ended: Callable[[str, Track | StudioError | Cancelled], None],
        cancel: Cancel,
    ) -> None: ...

    def discard(self, track_id: str) -> None: ...

    def separates(self, track: Track) -> bool: ...

    def retime(self, track_id: str, *, as_made: bool, on_progress: OnProgress, cancel: Cancel | None) -> Track: ...

    def separate(
        self, track_id: str, separator: str | None, on_progress: OnProgress, cancel: Cancel, *, force: bool = False
    ) -> Track: ...


@dataclass(frozen=True, slots=True)
class Growth:
    """More of a take: `audio` is new, `frames` are there in all, in the raw file at `path`.

    Fewer frames than the last time: what followed them was taken back, and is being made again.
    """

    track_id: str
    path: Path
    audio: Audio
    frames: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Step:
    """How far the running request is: which of its takes is on its way, and the progress of making or separating that
    one, or of all of its batch.
    """

    take: int
    takes: int
    progress: Progress


class Maker(QObject):
    """Turns requests into takes and takes into stems, one after the other on one thread. Lives in the window's thread.

    Takes that are made as one batch end one by one; one at a time is followed while it grows, the first that has not
    ended. The takes of a request are separated when all of them are made: they can be heard by then, and engine and
    separator do not push each other out of memory. Cancelling while that goes on ends only that.
    """

    begun = Signal()  # a request has its turn
    stepped = Signal(object)  # Step
    started = Signal(object)  # Track: this take is being made now, and followed
    grew = Signal(object)  # Growth
    made = Signal(object)  # Track
    take_failed = Signal(object)  # Track that could not be made
    failed = Signal(object)  # the error that ended a take or a request
    cancelled = Signal(object)  # Track that was being made, or None
    separating = Signal(object)  # Track: finished, and being separated now
    separated = Signal(object)  # Track, with its stems
    retimed = Signal(object, bool)  # Track, handed over anew, and whether as it was made
    not_separated = Signal(object, object)  # Track as it was, and the error
    refused = Signal(object, object)  # InvalidRequest, GenerationRequest
    rested = Signal()  # nothing runs any more
    queue_changed = Signal(object)  # titles of the waiting requests

    _told = Signal(object, object)  # one of these, and what it is to carry

    def __init__(self, studio: Makes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._queue = JobQueue(self, "generation")
        self._queue.changed.connect(self._on_queue_changed)
        self._running: Job | None = None
        self._step = (1, 1)
        self._apart = False  # the running job has come to separating
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self.separating.connect(self._on_separating)

    @property
    def busy(self) -> bool:
        return self._queue.current is not None

    @property
    def making(self) -> bool:
        """Whether a take is being made: not while one that is made is separated."""
        return self.busy and not self._apart and isinstance(self._current_request(), GenerationRequest)

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(job.title for job in self._queue.waiting)

    @property
    def engine(self) -> str | None:
        """The name of the engine that the running request asks for; None where it leaves that open, or none runs."""
        request = self._current_request()
        return request.engine if isinstance(request, GenerationRequest) else None

    def _current_request(self) -> object:
        return self._queue.current.property("request") if self._queue.current is not None else None

    def ask(self, request: GenerationRequest, group: str = "") -> None:
        """Queue a request; `group` is that of the takes these join. It is checked again when its turn comes."""
        job = Job(lambda on_progress, cancel: self._work(request, group, on_progress, cancel), self)
        job.title = title_from_prompt(request.prompt)
        if request.takes > 1:
            job.title = self.tr("{title} × {takes}").format(title=job.title, takes=request.takes)
        job.progressed.connect(self._on_progressed)
        job.failed.connect(self._on_failed)
        job.setProperty("request", request)
        self._queue.submit(job)

    def separate(self, track: Track, separator: str = "", *, force: bool = False) -> None:
        """Queue the separation of a finished take; "" is the separator of the settings."""
        job = Job(lambda on_progress, cancel: self._separate([track], on_progress, cancel, separator, force), self)
        job.title = self.tr("Stems of {title}").format(title=track.title)
        job.progressed.connect(self._on_progressed)
        job.failed.connect(self._on_failed)
        self._queue.submit(job)

    def retime(self, track: Track, *, as_made: bool = False) -> None:
        """Queue handing over a finished take in its asked tempo, or as it was made; stems it had are made anew."""
        job = Job(lambda on_progress, cancel: self._retime(track, as_made, on_progress, cancel), self)
        job.title = self.tr("Tempo of {title}").format(title=track.title)
        job.progressed.connect(self._on_progressed)
        job.failed.connect(self._on_failed)
        self._queue.submit(job)

    def cancel(self) -> None:
        """Stop the running request, all its takes. Those already finished stay, without stems if it was about them."""
        if self._queue.current is not None:
            self._queue.current.cancel()

    def keep(self) -> None:
        """End the running take here and keep what is made of it, where its engine can. Takes not begun are dropped."""
        if self._queue.current is not None:
            self._queue.current.keep()

    def remove(self, position: int) -> None:
        """Take a waiting request out of the queue."""
        if 0 <= position < len(self._queue.waiting):
            self._queue.remove(self._queue.waiting[position])

    def close(self) -> bool:
        return self._queue.close()

    # -- in the worker's thread: one signal crosses, nothing else does ------------------------------------------------

    def _work(self, request: GenerationRequest, group: str, on_progress: OnProgress, cancel: Cancel) -> None:
        tracks = self._studio.submit(request, group=group)
        made: list[Track] = []
        waiting = list(tracks)
        try:
            for batch in self._studio.batches(tracks):
                cancel.check()
                del waiting[: len(batch)]
                made += _Batch(self, self._studio, tracks, batch).make(on_progress, cancel)
                if cancel.enough():
                    break
        finally:
            self._discard(waiting)
        self._separate([track for track in made if self._studio.separates(track)], on_progress, cancel)

    def _retime(self, track: Track, as_made: bool, on_progress: OnProgress, cancel: Cancel) -> None:
        self._step = (1, 1)
        after = self._studio.retime(track.id, as_made=as_made, on_progress=on_progress, cancel=cancel)
        self.tell(self.retimed, after, as_made)
        if track.lanes and self._studio.separates(after):
            self._separate([after], on_progress, cancel)

    def _separate(
        self,
        tracks: Sequence[Track],
        on_progress: OnProgress,
        cancel: Cancel,
        separator: str = "",
        force: bool = False,
    ) -> None:
        for number, track in enumerate(tracks, start=1):
            cancel.check()
            self._step = (number, len(tracks))
            self.tell(self.separating, track)
            try:
                self.tell(
                    self.separated, self._studio.separate(track.id, separator or None, on_progress, cancel, force=force)
                )
            except StudioError as error:  # the take is as good as it was
                self.tell(self.not_separated, track, error)

    def _discard(self, tracks: Sequence[Track]) -> None:
        for track in tracks:
            self._studio.discard(track.id)

    def tell(self, signal: SignalInstance, *values: object) -> None:
        """Emit one of the signals above in the window's thread: listeners may come and go while it is on its way."""
        self._told.emit(signal, values)

    def on_step(self, take: int, takes: int) -> None:
        """What follows is about this take."""
        self._step = (take, takes)

    # -- in the window's thread -------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_told(self, signal: SignalInstance, values: tuple[object, ...]) -> None:
        signal.emit(*values)

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        self.stepped.emit(Step(*self._step, progress))

    @Slot(object)
    def _on_separating(self, _: Track) -> None:
        self._apart = True

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        job = self.sender()
        request = job.property("request") if job is not None else None
        if isinstance(error, InvalidRequest):
            self.refused.emit(error, request)
        else:
            self.failed.emit(error)

    @Slot()
    def _on_queue_changed(self) -> None:
        self.queue_changed.emit(self.waiting)
        if self._queue.current is not self._running:
            self._running = self._queue.current
            self._apart = False
            (self.begun if self._running is not None else self.rested).emit()


class _Batch:
    """One batch of takes while it is made, in the worker's thread: tells the maker's listeners by its signals."""

    def __init__(self, maker: Maker, studio: Makes, tracks: Sequence[Track], batch: Sequence[Track]) -> None:
        self._maker, self._studio = maker, studio
        self._takes = {track.id: (number, track) for number, track in enumerate(tracks, start=1) if track in batch}
        self._count = len(tracks)
        self._made: list[Track] = []
        self._followed = ""  # the id of the take that is on show while it grows
        self._handed = 0

    def make(self, on_progress: OnProgress, cancel: Cancel) -> list[Track]:
        """Make them; those that were finished. What else became of them is told."""
        ids = list(self._takes)
        self._follow(ids[0])
        try:
            self._studio.make_together(ids, on_progress, self._on_chunk, self._on_ended, cancel)
        except Cancelled:
            for _, track in self._takes.values():  # nothing is kept of a cancelled take; finished ones stay
                self._maker.tell(self._maker.cancelled, track)
            raise
        except BaseException:
            for _, track in self._takes.values():
                self._maker.tell(self._maker.take_failed, track)
            raise
        return self._made

    def _follow(self, track_id: str) -> None:
        number, track = self._takes[track_id]
        self._followed, self._handed = track_id, 0
        self._maker.on_step(number, self._count)
        self._maker.tell(self._maker.started, track)

    def _on_ended(self, track_id: str, outcome: Track | StudioError | Cancelled) -> None:
        _, track = self._takes.pop(track_id)
        if isinstance(outcome, Track):
            self._made.append(outcome)
            self._maker.tell(self._maker.made, outcome)
        elif isinstance(outcome, StudioError):
            self._maker.tell(self._maker.take_failed, track)
            self._maker.tell(self._maker.failed, outcome)  # the other takes may still work out
        else:
            self._maker.tell(self._maker.cancelled, track)

    def _on_chunk(self, track_id: str, chunk: Chunk) -> None:
        if self._followed not in self._takes:
            self._follow(track_id)
        if track_id == self._followed:
            self._hand_on(track_id, chunk)

    def _hand_on(self, track_id: str, chunk: Chunk) -> None:
        if chunk.frames < self._handed:
            self._handed = chunk.frames
            nothing = np.zeros((0, 2), np.float32)
            self._maker.tell(self._maker.grew, Growth(track_id, chunk.path, nothing, self._handed, chunk.sample_rate))
        while self._handed < chunk.frames:
            count = min(_HANDED_FRAMES, chunk.frames - self._handed)
            values = np.fromfile(chunk.path, np.float32, count * 2, offset=self._handed * 8)
            audio = values[: len(values) // 2 * 2].reshape(-1, 2)
            if not len(audio):
                return
            self._handed += len(audio)
            self._maker.tell(self._maker.grew, Growth(track_id, chunk.path, audio, self._handed, chunk.sample_rate))
