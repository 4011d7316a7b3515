"""What the track view shows: a take that was opened, one that is being made, one that failed, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.audio.masters import lane_peaks
from nur_studio.audio.peaks import GrowingPeaks, PeakPyramid
from nur_studio.core.errors import FileProblem, TrackNotFound
from nur_studio.core.track import Status, Track
from nur_studio.gui.jobs import Job, JobQueue, deleted_meanwhile
from nur_studio.gui.making import Growth
from nur_studio.gui.mix_desk import MixDesk
from nur_studio.gui.playback import Playback
from nur_studio.gui.track_view import TrackView
from nur_studio.library.library import Library
from nur_studio.studio.parts import MIX_PART, master
from nur_studio.studio.recipe import SEPARATION


@dataclass(frozen=True, slots=True)
class _Opened:
    track: Track
    takes: Sequence[Track]
    peaks: Mapping[str, PeakPyramid]


class Stage(QObject):
    """Reads what the view needs beside the window and hands it over; follows a generation unless one is listening."""

    opened = Signal(object)  # Track now on show
    cleared = Signal()  # nothing is on show any more
    failed = Signal(object)  # an error
    offered = Signal(object)  # a finished Track that was not opened: something else is playing
    vanished = Signal(object)  # the Track that was on show: another program has deleted it

    def __init__(
        self,
        view: TrackView,
        playback: Playback,
        library: Library,
        queue: JobQueue,
        mixes: MixDesk,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._playback, self._library, self._queue = view, playback, library, queue
        self._mixes = mixes
        self._wanted = ""  # the id last asked for: a slower answer to an older wish is dropped
        self._growing: tuple[Track, GrowingPeaks | None] | None = None
        self._track: Track | None = None
        self._takes: Sequence[Track] = ()
        self._before = ""  # the id of what was opened last: it comes back when a take that is made is cancelled
        view.show_empty()

    @property
    def track(self) -> Track | None:
        """The track on show, or None."""
        return self._track

    @property
    def has_stems(self) -> bool:
        return self._track is not None and bool(self._track.lanes)

    def open(self, track_id: str) -> None:
        """Show a track, once its peaks are read."""
        self._wanted = track_id
        self._mixes.save()  # on the same queue: what is read then is what is heard now

        def work() -> _Opened:
            track = self._library.get(track_id)
            takes = self._library.list(group=track.group_id, limit=26) if track.group_id else [track]
            done = track.status is Status.COMPLETED
            return _Opened(track, takes, _peaks(track) if done else {})

        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(self._on_read)
        job.failed.connect(lambda error: self._on_read_failed(track_id, error))
        self._queue.submit(job)

    def update(self, track: Track) -> None:
        """The track on show was renamed or starred."""
        if self._track is not None and self._track.id == track.id:
            self._track = track
            self._takes = [track if take.id == track.id else take for take in self._takes]
            self._view.header.show_track(track, self._takes)

    @Slot()
    def recheck(self) -> None:
        """The library has changed, maybe by another program: what is on show follows its track."""
        shown = self._track
        if shown is None or (self._growing is not None and self._growing[0].id == shown.id):
            return

        def work() -> Track | None:
            try:
                return self._library.get(shown.id)
            except TrackNotFound:
                return None

        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(lambda now: self._on_rechecked(shown, now))
        job.failed.connect(self.failed)
        self._queue.submit(job)

    def forget(self, ids: Sequence[str]) -> None:
        """These were deleted."""
        if self._before in ids:
            self._before = ""
        if self._wanted in ids:
            self._wanted = ""
        if self._track is not None and self._track.id in ids:
            self._clear()

    # -- a generation ----------------------------------------------------------------------------------------------

    @Slot(object)
    def on_started(self, track: Track) -> None:
        """A take is begun. It takes the stage unless somebody listens to something else."""
        if self._playback.playing:
            self._growing = None
            return
        self._growing = (track, None)
        others = [take for take in self._takes if track.group_id and take.group_id == track.group_id]
        self._track, self._takes, self._wanted = track, [*others, track], track.id
        self._playback.unload()
        self._show_growing(track, GrowingPeaks(max(1, round(track.duration_s * track.sample_rate))))

    def _show_growing(self, track: Track, peaks: GrowingPeaks) -> None:
        self._view.show_growing(track, peaks)
        self._view.header.show_track(track, self._takes)  # its finished siblings stay at hand

    @Slot(object)
    def on_grew(self, growth: Growth) -> None:
        if self._growing is None or self._growing[0].id != growth.track_id or self._wanted != growth.track_id:
            return
        track, peaks = self._growing
        if peaks is None:
            track = replace(track, sample_rate=growth.sample_rate)  # only now is it known
            total = round(track.duration_s * growth.sample_rate)
            peaks = GrowingPeaks(total)
            self._growing = (track, peaks)
            self._show_growing(track, peaks)
            self._playback.load_growing(track, growth.path, growth.sample_rate, total)
        peaks.rewind(growth.frames - len(growth.audio))
        peaks.append(growth.audio)
        self._playback.grow(track.id, growth.frames)
        self._view.grown()

    @Slot(object)
    def on_made(self, track: Track) -> None:
        """A take is finished: show it, unless the person has gone on to another."""
        following = self._growing is not None and self._growing[0].id == track.id and self._wanted == track.id
        self._growing = None
        if following or not self._playback.playing:
            self.open(track.id)
        else:
            self.offered.emit(track)

    @Slot(object)
    def on_separated(self, track: Track) -> None:
        """A finished take has stems now: the one on show gets its lanes, and goes on playing from them."""
        if self._track is not None and self._track.id == track.id and self._wanted == track.id:
            self.open(track.id)

    @Slot(object)
    def on_cancelled(self, track: Track | None) -> None:
        """Nothing is kept of a cancelled take, on the stage neither: what was there before comes back."""
        self._growing = None
        if self._track is not None and track is not None and self._track.id == track.id:
            self._clear()
            if self._before:
                self.open(self._before)

    @Slot(object)
    def on_take_failed(self, track: Track) -> None:
        self._growing = None
        if self._wanted == track.id:
            self.open(track.id)

    # -- within ----------------------------------------------------------------------------------------------------

    def _on_rechecked(self, before: Track, now: Track | None) -> None:
        shown = self._track
        if shown is None or shown.id != before.id or self._wanted != before.id or self._growing is not None:
            return  # the person has gone on
        if now is None:
            self._clear()
            self.vanished.emit(shown)
        elif _sounding(now) != _sounding(shown):
            self.open(now.id)
        elif (now.title, now.starred) != (shown.title, shown.starred):
            self.update(now)

    def _clear(self) -> None:
        self._track, self._takes, self._wanted = None, (), ""
        self._playback.unload()
        self._view.show_empty()
        self.cleared.emit()

    @Slot(object)
    def _on_read(self, opened: _Opened) -> None:
        track = opened.track
        if track.id != self._wanted:
            return
        self._track, self._takes, self._before = track, opened.takes, track.id
        if track.status is Status.COMPLETED:
            self._view.show_track(replace(track, mix=self._mixes.mix_of(track)), opened.takes, opened.peaks)
            self._playback.load(track)
        elif track.status is Status.FAILED:
            self._playback.unload()
            self._view.show_failed(track, opened.takes)
        elif self._growing is None or self._growing[0].id != track.id:
            self._playback.unload()
            self._view.show_track(track, opened.takes, {})
        self.opened.emit(track)

    def _on_read_failed(self, track_id: str, error: BaseException) -> None:
        shown = self._track is not None and self._track.id == track_id
        if deleted_meanwhile(error) and (shown or self._wanted != track_id):
            return
        self.failed.emit(error)


def _sounding(track: Track) -> tuple[object, ...]:
    """What of a track its lanes are made of: others are to be read anew."""
    return track.status, track.frames, track.lanes, track.recipe.get(SEPARATION)


def _peaks(track: Track) -> Mapping[str, PeakPyramid]:
    try:
        return lane_peaks(track.folder)
    except FileProblem:
        master(track, MIX_PART)  # has the better sentence where all of it is gone
        raise
