"""The player as the window holds it: orders out, a cheap state to draw from. The sound is made in another process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nur_studio.audio.player_link import PlayerLink
from nur_studio.audio.player_meters import MeterReader
from nur_studio.audio.player_state import (
    CLOCK,
    DROPOUTS,
    ENDED_SEQ,
    JUMP_SEQ,
    LOAD_SEQ,
    MAX_LANES,
    READY,
    REFUSED_SEQ,
    SEGMENT,
    WAITING,
    PlayerState,
    heard_run,
    is_through,
    position_at,
)
from nur_studio.core.mix import Mix, to_linear
from nur_studio.core.timing import Grid

__all__ = ["Player", "PlayerState"]

_CRASHED = "The audio player stopped unexpectedly. Press play to start it again."

_ANEW = frozenset(
    {"play", "load", "load_loop", "load_growing", "unload", "device"}
)  # after these an old error is no more


class Player:
    """Plays one track at a time: lanes under a mix, with seek and loop to the sample, and no click at any change.

    Every method returns at once and is meant for one thread; what cannot be done is said in `state().error`. Frames
    are those of the track. Without a device everything but the sound works, and each play tries anew.
    """

    def __init__(self, device: str = "") -> None:
        self._device = device
        self._link: PlayerLink | None = None
        self._meters: MeterReader | None = None  # of the same life
        self._mix = Mix()
        self._volume = 1.0
        self._clicks = (0.0, 0.0)  # the metronome's gain beside the music, and while it counts in
        self._count_in = False
        self._lanes: tuple[str, ...] = ()
        self._load: tuple[object, ...] | None = None  # the command that loads the track again, without its number
        self._grown = 0
        self._loop: tuple[int, int] | None = None
        self._frames = 0
        self._number = 0  # of the last command that the process acknowledges
        self._load_seq = self._jump_seq = self._play_seq = 0
        self._jump_frame = 0  # where the last jump goes; shown until the process has done it
        self._playing = False
        self._ended = False
        self._shown_run = (0.0, 0.0)  # its segment and run
        self._dropouts = 0  # of processes that are no more

    def start(self) -> None:
        """Start the process, so that the first play is immediate."""
        if self._link is None:
            self._connect()

    def load(
        self,
        sources: Sequence[tuple[str, Path]],
        sample_rate: int,
        frames: int,
        *,
        grid: Grid | None = None,
        carry_on: bool = False,
    ) -> None:
        """Make these lanes (name, file) the track, stopped at its start; playable from the first decoded block.

        With `carry_on` they take the place of the present track without stopping it, as the stems of a take do
        once it is made: position, loop and play go on. The metronome clicks on `grid`; without one it is silent.
        """
        files = _checked(sources)
        self._take([lane for lane, _ in files], frames, ("load", files, sample_rate, frames, grid), carry_on)

    def load_loop(
        self, sources: Sequence[tuple[str, Path]], sample_rate: int, frames: int, start: int, grid: Grid | None = None
    ) -> None:
        """Let a loop that was cut out of the present track take its place without stopping it: lanes as files that
        begin at frame `start` of the track. Around it there is silence: `set_loop` first.
        """
        files = _checked(sources)
        command = ("load_loop", files, sample_rate, frames, start, grid)
        self._take([lane for lane, _ in files], frames, command, True)

    def load_growing(self, path: Path, sample_rate: int, total_frames: int) -> None:
        """Make a file of raw interleaved float32 stereo that is still being written the track, as lane "mix".

        Where the playhead catches up with what `grow` has announced, it waits in silence and goes on by itself.
        """
        self._take(["mix"], total_frames, ("load_growing", Path(path), sample_rate, total_frames), False)

    def grow(self, frames_available: int) -> None:
        """Say that the growing file now holds this many frames: more, or fewer where its end is made anew."""
        self._grown = frames_available
        self._send("grow", frames_available)

    def unload(self) -> None:
        """Forget the track and its memory."""
        self._take([], 0, None, False)

    def play(self) -> None:
        """Play on; from the start (of the loop) after the end. Restarts a process that died, retries the device."""
        if self._link is not None and self._link.gone:
            self._revive()
        if self._load is None:
            return
        self._playing, self._ended = True, False
        self._play_seq = self._next()
        self._send("play", self._play_seq, self._count_in)

    def pause(self) -> None:
        self._sync()
        self._playing = False
        self._send("pause")

    def stop(self) -> None:
        """Pause and go back to the start."""
        self._sync()
        self._playing = self._ended = False
        self._jump_seq, self._jump_frame = self._next(), 0
        self._send("stop", self._jump_seq)

    def seek(self, frame: int) -> None:
        """Go to `frame`, playing on if playing. Beyond the loop's end the loop is left."""
        self._sync()
        if self._ended:
            self._playing = self._ended = False
        self._jump_seq, self._jump_frame = self._next(), min(max(int(frame), 0), self._frames)
        self._send("seek", self._jump_seq, self._jump_frame)

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Go round from `end` to `start` without a seam. A playhead past the end goes to the start at once."""
        if loop is not None and not 0 <= loop[0] < loop[1]:
            raise ValueError(f"a loop ends after it starts, not {loop}")
        self._loop = None if loop is None else (int(loop[0]), int(loop[1]))
        self._send("loop", self._loop)

    def set_mix(self, mix: Mix) -> None:
        """Mute, solo, gain and pan; heard within a block, in a glide."""
        self._mix = mix
        self._write_gains()

    def set_volume(self, volume_db: float) -> None:
        """How loud it is listened to, in a glide like a mix. The meters do not see it: they are the mix's."""
        self._volume = to_linear(volume_db)
        self._write_gains()

    def set_metronome(self, on: bool, level_db: float = 0.0, *, count_in: bool = False) -> None:
        """Click on the beats of the track's grid, from the next one on; a click that sounds rings out. `level_db` is on
        top of a click's own level. `count_in`: whatever `on` says, each play begins with a bar of clicks that leads to
        where the playhead is. Meters hear none of it.
        """
        gain = to_linear(level_db)
        self._clicks, self._count_in = (gain if on else 0.0, gain), count_in
        if self._link is not None:
            self._link.block.clicks[:] = self._clicks

    def set_device(self, name: str) -> None:
        """Play on this device ("" is the system's default) from now on, going on where it is."""
        self._device = name
        if self._link is not None and self._link.gone:
            return  # the next play starts on it
        self._send("device", name)

    def devices(self) -> list[str]:
        """Output devices as last looked up, and look again: what is new shows in the next call. Empty at first."""
        self.start()
        assert self._link is not None
        self._send("devices")
        return list(self._link.devices)

    @property
    def pid(self) -> int | None:
        """The process's, once it runs."""
        return None if self._link is None else self._link.pid

    def state(self) -> PlayerState:
        """The player now. Reads shared memory only, so 60 times a second costs nothing."""
        link = self._link
        if link is None:
            return PlayerState(position_frames=self._jump_frame, device=self._device)
        if link.gone:
            self._stand_still()
            error = link.error or _CRASHED
            return PlayerState(
                position_frames=self._jump_frame, device=self._device, error=error, dropouts=self._total_dropouts
            )
        self._sync()
        block = link.block
        loaded = block.integers[LOAD_SEQ] == self._load_seq
        assert self._meters is not None
        levels = self._meters.read(len(self._lanes), self._load_seq)
        return PlayerState(
            position_frames=self._position(),
            playing=self._playing,
            waiting=self._playing and (not loaded or bool(block.integers[WAITING])),
            ready_frames=int(block.integers[READY]) if loaded else 0,
            ended=self._ended,
            peaks=dict(zip(self._lanes, levels.peaks, strict=True)),
            rms=dict(zip(self._lanes, levels.rms, strict=True)),
            master_peaks=levels.master_peaks,
            master_rms=levels.master_rms,
            momentary_lufs=float(block.loudness[0]),
            short_term_lufs=float(block.loudness[1]),
            dropouts=self._total_dropouts,
            latency_s=float(block.latency[0]),
            device=link.device,
            error=link.error,
        )

    def close(self) -> None:
        """End the process; within a second."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _connect(self) -> None:
        self._link = PlayerLink(self._device)
        self._meters = MeterReader(self._link.block)
        self._link.block.clicks[:] = self._clicks
        self._write_gains()

    def _take(self, lanes: Sequence[str], frames: int, load: tuple[object, ...] | None, carry_on: bool) -> None:
        self._lanes, self._frames, self._load, self._grown = tuple(lanes), frames, load, 0
        self._load_seq = self._next()
        if not carry_on:
            self._playing = self._ended = False
            self._loop = None
            self._jump_seq, self._jump_frame = self._load_seq, 0
        self.start()
        self._write_gains()
        self._send_load(carry_on)

    def _send_load(self, carry_on: bool) -> None:
        if self._load is None:
            self._send("unload", self._load_seq)
        elif self._load[0] == "load_growing":
            self._send("load_growing", self._load_seq, *self._load[1:])
        else:
            self._send(str(self._load[0]), self._load_seq, *self._load[1:], carry_on)

    def _revive(self) -> None:
        """A new process in place of the dead one, with the same track, loop and playhead."""
        self._stand_still()
        position, loop = self._jump_frame, self._loop
        self._dropouts = self._total_dropouts
        if self._link is not None:
            self._link.close()
        self._connect()
        self._shown_run = (0.0, 0.0)
        if self._load is None:
            return
        self._load_seq = self._next()
        self._write_gains()
        self._send_load(False)
        if self._grown:
            self._send("grow", self._grown)
        if loop is not None:
            self._send("loop", loop)
        self._jump_seq, self._jump_frame = self._next(), position
        self._send("seek", self._jump_seq, position)

    def _send(self, name: str, *arguments: object) -> None:
        self.start()
        assert self._link is not None
        if name in _ANEW:
            self._link.error = ""
        if not self._link.gone:
            self._link.send(name, *arguments)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _sync(self) -> None:
        """Take note of a play that came to its end or was refused."""
        link = self._link
        if link is None or not self._playing:
            return
        if link.block.integers[ENDED_SEQ] == self._play_seq:
            anchor = link.block.read_anchor()
            if anchor is None or is_through(anchor, CLOCK()):
                self._playing, self._ended = False, True
        elif link.block.integers[REFUSED_SEQ] == self._play_seq:
            self._playing = False

    def _stand_still(self) -> None:
        """The process has died: keep the playhead where it was shown last."""
        if self._playing or self._shown_run != (0.0, 0.0):
            self._playing = False
            self._jump_frame = self._position()
            self._shown_run = (0.0, 0.0)

    @property
    def _total_dropouts(self) -> int:
        return self._dropouts + (0 if self._link is None else int(self._link.block.integers[DROPOUTS]))

    def _position(self) -> int:
        assert self._link is not None
        if self._ended:
            return self._frames
        block = self._link.block
        anchor = block.read_anchor() if block.integers[JUMP_SEQ] == self._jump_seq else None
        if anchor is None:
            return self._jump_frame
        segment, run = float(anchor[SEGMENT]), heard_run(anchor, CLOCK())
        if segment == self._shown_run[0]:
            run = max(run, self._shown_run[1])  # the device's clock trembles; a playhead does not
        self._shown_run = (segment, run)
        return min(position_at(anchor, run), self._frames)

    def _write_gains(self) -> None:
        if self._link is None:
            return
        self._link.block.volume[0] = self._volume
        gains = self._link.block.gains[self._load_seq % 2]
        for row, lane in enumerate(self._lanes):
            gains[row] = self._mix.gains(lane)


def _checked(sources: Sequence[tuple[str, Path]]) -> list[tuple[str, Path]]:
    if len(sources) > MAX_LANES:
        raise ValueError(f"at most {MAX_LANES} lanes, not {len(sources)}")
    return [(lane, Path(path)) for lane, path in sources]
