"""Between the track view and the player: what is pressed goes out, what is heard comes back 60 times a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from nur_studio.audio.masters import mix_path, stem_path
from nur_studio.audio.player import Player
from nur_studio.core.mix import Mix
from nur_studio.core.timing import Grid
from nur_studio.core.track import Track
from nur_studio.gui.metronome import Metronome
from nur_studio.gui.track_view import TrackView, compared

_FRAME_MS = 16
_SETTLES_S = 0.7  # after the last order: ramps and loading still show
_LOOKS_S = 1.0  # at rest: a device that vanishes or comes back is noticed within so long


class Playback(QObject):
    """Owns when the player is asked. The timer runs while something moves, and only looks in at rest."""

    faulted = Signal(str)  # a sentence of the player's
    mended = Signal(str)  # that sentence is no longer true

    def __init__(self, player: Player, view: TrackView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._player, self._view = player, view
        self._loaded: Track | None = None
        self._growing = False
        self._error = ""
        self._moving_until = 0.0
        self._timer = QTimer(self, interval=_FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_frame)
        self._look = QTimer(self, interval=round(_LOOKS_S * 1000))
        self._look.timeout.connect(self._on_frame)
        view.play_requested.connect(self.toggle)
        view.stop_requested.connect(self.stop)
        view.seek_requested.connect(self._on_seek)
        view.loop_changed.connect(self._on_loop)
        view.mix_changed.connect(self._on_mix)

    def start(self) -> None:
        """Start the player's process, so that the first play is immediate."""
        self._player.start()
        self._look.start()

    @property
    def playing(self) -> bool:
        return self._player.state().playing

    @property
    def loaded(self) -> str:
        """The id of the track the player holds, or ""."""
        return "" if self._loaded is None else self._loaded.id

    def load(self, track: Track) -> None:
        """Play `track` from its masters: its stems where it has them.

        A take that was playing while it grew, or before it had these stems, goes on; and so does one for another take
        of its request: A and B are compared at the same place.
        """
        carry_on = self._carries_on(track)
        sources: list[tuple[str, Path]] = [(stem, stem_path(track.folder, stem)) for stem in track.lanes]
        if carry_on:  # first: another loop would hurry what waits until it can take over
            self._player.set_loop(self._view.loop)
        self._player.load(
            sources or [("mix", mix_path(track.folder))],
            track.sample_rate,
            track.frames,
            grid=_grid(track),
            carry_on=carry_on,
        )
        self._loaded, self._growing = track, False
        self._player.set_loop(self._view.loop)
        self._send_mix()

    def load_loop(self, track: Track, sources: Sequence[tuple[str, Path]], start: int, frames: int) -> None:
        """Play a loop that was cut out of the track that is loaded, in its place; `load` gives the track back."""
        self._player.set_loop((start, start + frames))
        if not start <= self._player.state().position_frames < start + frames:
            self._player.seek(start)
        whole = max(track.frames, start + frames)  # the last bar of a take may be cut, that of a loop is not
        self._player.load_loop(sources, track.sample_rate, whole, start, _grid(track))
        self._send_mix()

    def _carries_on(self, track: Track) -> bool:
        before = self._loaded
        if before is None:
            return False
        if before.id == track.id:
            return True
        alike = (before.frames, before.sample_rate) == (track.frames, track.sample_rate)
        return compared(before, track) and alike and not self._growing

    def load_growing(self, track: Track, path: Path, sample_rate: int, total_frames: int) -> None:
        """Play a take while it is made."""
        self._player.load_growing(path, sample_rate, total_frames)
        self._loaded, self._growing = track, True
        self._send_mix()

    def grow(self, track_id: str, frames: int) -> None:
        if self._growing and track_id == self.loaded:
            self._player.grow(frames)
            self._move()

    def unload(self) -> None:
        if self._loaded is not None:
            self._player.unload()
            self._loaded, self._growing = None, False
            self._move()

    def set_volume(self, volume_db: float) -> None:
        """How loud it is heard; files are not touched by it."""
        self._player.set_volume(volume_db)
        self._move()

    def set_metronome(self, metronome: Metronome) -> None:
        self._player.set_metronome(metronome.on, metronome.level_db, count_in=metronome.count_in)

    def set_device(self, name: str) -> None:
        self._player.set_device(name)
        self._move()

    def devices(self) -> list[str]:
        return self._player.devices()

    def close(self) -> None:
        self._timer.stop()
        self._look.stop()
        self._player.close()

    # -- slots ---------------------------------------------------------------------------------------------------

    @Slot()
    def toggle(self) -> None:
        """Play or pause."""
        if self._loaded is None:
            return
        if self._player.state().playing:
            self._player.pause()
        else:
            self._forget_error()  # a new try may fail anew, and is then told anew
            self._player.play()
        self._move()

    def _forget_error(self) -> None:
        told, self._error = self._error, ""
        if told:
            self.mended.emit(told)

    @Slot()
    def stop(self) -> None:
        self._player.stop()
        self._move()

    @Slot(object)
    def _on_seek(self, frame: int) -> None:
        self._player.seek(frame)
        self._move()

    @Slot(object)
    def _on_loop(self, loop: tuple[int, int] | None) -> None:
        self._player.set_loop(loop)
        self._move()

    @Slot(object)
    def _on_mix(self, _: Mix) -> None:
        self._send_mix()

    def _send_mix(self) -> None:
        self._player.set_mix(self._view.mix)
        self._move()

    def _move(self) -> None:
        self._moving_until = time.monotonic() + _SETTLES_S
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _on_frame(self) -> None:
        state = self._player.state()
        self._view.set_player_state(state)
        if state.error != self._error:
            self._forget_error()
            self._error = state.error
            if state.error:
                self.faulted.emit(state.error)
        if state.playing:
            self._moving_until = time.monotonic() + _SETTLES_S
            if not self._timer.isActive():
                self._timer.start()
        elif time.monotonic() > self._moving_until and not self._view.lanes.falling:
            self._timer.stop()


def _grid(track: Track) -> Grid | None:
    """What the metronome clicks on."""
    return track.grid if track.has_tempo else None
