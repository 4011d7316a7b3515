"""Work in a row, for clients and servers: takes to make and tracks to separate, one after the other on one thread."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from nur_studio.core.errors import Cancelled, QueueFull, StudioError, TrackUnfinished
from nur_studio.core.progress import CancelToken, OnProgress, Progress, ignore_progress, metered, ranged
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status, Track
from nur_studio.studio import separating
from nur_studio.studio.jobs import Job
from nur_studio.studio.studio import Studio

log = logging.getLogger(__name__)

_REMEMBERED = 256  # jobs that have ended, for who asks a little late
_MAKING_SHARE, _SEPARATING_SHARE = 0.8, 0.95  # of the progress of takes, where stems are separated
_LEAVE_S = 5.0

CLOSED = "The studio was closed before this take was finished."


@dataclass(slots=True)
class _Errand:
    """The jobs that one request brought, and what is done for them."""

    jobs: list[Job]
    work: Callable[[_Errand], None]
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def left(self) -> list[Job]:
        return [job for job in self.jobs if not job.ended]

    def teller(self) -> OnProgress:
        """Tells all of them how far it is."""

        def tell(progress: Progress) -> None:
            for job in self.left:
                job.advance(progress)

        return metered(tell)


class Desk:
    """What is asked of one studio by many. The thread that works lives while there is work: a program that ends before
    waits for it. `limit` bounds the takes that wait or are made (0: none).

    A take counts as made once its stems are separated, where the settings ask for it, and its file is there: until
    then `shown` says that it is in the works.
    """

    def __init__(self, studio: Studio, *, limit: int = 0) -> None:
        self.studio, self.limit = studio, limit
        self._lock = threading.Lock()
        self._door = threading.Lock()  # one request at a time comes in, so that the limit holds
        self._queue: deque[_Errand] = deque()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._errands: dict[str, _Errand] = {}  # of jobs that have not ended
        self._worker: threading.Thread | None = None
        self._closed = ""

    # -- coming in -----------------------------------------------------------------------------------------------

    def generate(self, request: GenerationRequest) -> list[Track]:
        """Take a request in; its pending takes. Raises `QueueFull` and what `Studio.submit` raises."""
        with self._door:
            self._check_room(request.takes)
            tracks = self.studio.submit(request)
            try:
                self._add(_Errand([Job(track.id, "generate") for track in tracks], self._make))
            except StudioError:
                for track in tracks:
                    self.studio.discard(track.id)
                raise
        return tracks

    def separate(self, track_id: str, separator: str | None = None, *, force: bool = False) -> Track:
        """Have a finished track separated; the track as it is. Raises `QueueFull`, `TrackUnfinished` and what
        `Studio.separate` raises before it begins.
        """
        with self._door:
            track = self.studio.library.get(track_id)
            job = self.job(track_id)
            if track.status is not Status.COMPLETED or (job is not None and not job.ended):
                raise TrackUnfinished(f"{track.title!r} is not finished.", hint="Wait until it is.")
            separating.check(track, force=force)
            separating.usable(separator or self.studio.default_separator(), self.studio.separators())
            self._check_room(1)

            def work(errand: _Errand) -> None:
                made = self.studio.separate(track_id, separator, errand.teller(), errand.cancel, force=force)
                errand.jobs[0].end(made)

            self._add(_Errand([Job(track_id, "separate")], work))
        return track

    # -- looking -------------------------------------------------------------------------------------------------

    def job(self, track_id: str) -> Job | None:
        """The last work on a track, also if it has ended lately."""
        with self._lock:
            return self._jobs.get(track_id)

    def shown(self, track: Track) -> Track:
        """The track as its makers see it: not completed while its stems or its file are still to come."""
        job = self.job(track.id)
        if job is None or job.ended or job.kind != "generate" or track.status is not Status.COMPLETED:
            return track
        return replace(track, status=Status.PROCESSING)

    def ahead(self, track_id: str) -> int:
        """How many requests are before that of this track; 0 once it is begun."""
        with self._lock:
            errand = self._errands.get(track_id)
            return self._queue.index(errand) + 1 if errand is not None and errand in self._queue else 0

    @property
    def closed(self) -> bool:
        return bool(self._closed)

    # -- going ---------------------------------------------------------------------------------------------------

    def cancel(self, track_id: str) -> bool:
        """Stop the work on a track: a take on its way leaves nothing, one that is separated stays as it was. Whether
        there was any.
        """
        with self._lock:
            job, errand = self._jobs.get(track_id), self._errands.get(track_id)
            if job is None or errand is None or job.ended:
                return False
            waiting = errand in self._queue
        if job.kind == "generate":
            with contextlib.suppress(StudioError):
                self.studio.library.delete(track_id)  # out of sight at once, whatever its batch still needs
            if waiting:
                self.studio.discard(track_id)
            job.end(Cancelled())
        if job.kind == "separate" or not errand.left:
            errand.cancel.cancel()
        return True

    def delete(self, track_id: str) -> None:
        """Take a track out of sight, also one on its way here. Raises `TrackNotFound`, and `TrackUnfinished` where
        another program is making it.
        """
        track = self.studio.library.get(track_id)
        job = self.job(track_id)
        ours = job is not None and not job.ended
        if not ours and track.status in (Status.PENDING, Status.PROCESSING):
            raise TrackUnfinished(f"{track.title!r} is being made by another program.", hint="Cancel it there.")
        self.cancel(track_id)
        if not ours or (job is not None and job.kind == "separate"):
            self.studio.library.delete(track_id)

    def finish(self) -> None:
        """Wait until everything is done."""
        while (worker := self._worker) is not None:
            worker.join()

    def close(self, reason: str = CLOSED) -> None:
        """Take nothing in any more, and end what is on its way: such takes are failed with the reason. Final."""
        with self._lock:
            self._closed = reason
            left = {id(errand): errand for errand in self._errands.values()}.values()
            self._queue.clear()
            worker = self._worker
        for errand in left:
            for job in errand.left:
                if job.kind == "generate":
                    with contextlib.suppress(StudioError):  # it was just finished, or is deleted
                        self.studio.library.fail(job.track_id, reason)
                job.end(StudioError(reason))
            errand.cancel.cancel()
        if worker is not None:
            worker.join(_LEAVE_S)

    # -- within --------------------------------------------------------------------------------------------------

    def _check_room(self, takes: int) -> None:
        with self._lock:
            on_their_way = sum(not job.ended for job in self._jobs.values())
            if self.limit and on_their_way + takes > self.limit:
                raise QueueFull(self.limit)

    def _add(self, errand: _Errand) -> None:
        with self._lock:
            if self._closed:
                raise StudioError(self._closed)
            self._queue.append(errand)
            for job in errand.jobs:
                self._jobs[job.track_id] = job
                self._jobs.move_to_end(job.track_id)
                self._errands[job.track_id] = errand
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="nur-studio desk")
                self._worker.start()

    def _next(self) -> _Errand | None:
        with self._lock:
            if self._queue:
                return self._queue.popleft()
            self._worker = None
            return None

    def _run(self) -> None:
        while (errand := self._next()) is not None:
            end: StudioError | Cancelled = Cancelled()
            try:
                if errand.left:
                    errand.work(errand)
            except Cancelled:
                pass
            except StudioError as error:
                end = error
            except Exception:
                log.exception("work at the desk")
                end = StudioError("The studio met a fault of its own.", hint="Its log has the details.")
            for job in errand.jobs:
                job.end(end)
            self._forget(errand)

    def _forget(self, errand: _Errand) -> None:
        with self._lock:
            for job in errand.jobs:
                if self._errands.get(job.track_id) is errand:
                    del self._errands[job.track_id]
            ended = [track_id for track_id, job in self._jobs.items() if job.ended]
            for track_id in ended[:-_REMEMBERED]:
                del self._jobs[track_id]

    def _make(self, errand: _Errand) -> None:
        jobs = {job.track_id: job for job in errand.jobs}
        tracks: list[Track] = []
        made: list[Track] = []
        for job in errand.left:
            try:
                tracks.append(self.studio.library.get(job.track_id))
            except StudioError as error:  # deleted by another program
                job.end(error)

        def on_ended(track_id: str, outcome: Track | StudioError | Cancelled) -> None:
            if isinstance(outcome, Track):
                made.append(outcome)
            else:
                jobs[track_id].end(outcome)

        tell = errand.teller()
        making = _MAKING_SHARE if self._may_separate(tracks) else _SEPARATING_SHARE
        batches = self.studio.batches(tracks)
        try:
            for number, batch in enumerate(batches):
                ids = [track.id for track in batch if not jobs[track.id].ended]
                if ids:
                    share = ranged(tell, making * number / len(batches), making * (number + 1) / len(batches))
                    self.studio.make_together(ids, share, lambda _, __: None, on_ended, errand.cancel)
        finally:
            wanted = [track for track in made if not jobs[track.id].ended]
            self._complete(wanted, jobs, ranged(tell, making, 1.0), errand.cancel)

    def _may_separate(self, tracks: Sequence[Track]) -> bool:
        with_stems = {engine.name for engine in self.studio.engines() if engine.stems}
        return any(track.engine not in with_stems and self.studio.separates(track) for track in tracks)

    def _complete(self, made: Sequence[Track], jobs: dict[str, Job], tell: OnProgress, cancel: CancelToken) -> None:
        """Stems and a file for what is made; it is kept, and counts as made, whatever comes of these."""
        try:
            apart = [track for track in made if self.studio.separates(track)]
            if apart:
                separating.all_of(
                    apart, lambda track, on: self.studio.separate(track.id, None, on, cancel), ranged(tell, 0.0, 0.75)
                )
            for track in made:
                self._deliver(track.id, cancel)
                jobs[track.id].end(track)
        except Cancelled:
            log.info("stems or files of finished takes were cancelled")
        finally:
            for track in made:
                jobs[track.id].end(track)

    def _deliver(self, track_id: str, cancel: CancelToken) -> None:
        try:
            self.studio.delivery(track_id, ignore_progress, cancel)
        except StudioError as error:  # who asks for the file is told, too
            log.warning("the finished take %s has no file yet: %s", track_id, error)
