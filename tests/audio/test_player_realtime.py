"""The player in real time through PulseAudio: dropouts, positions, clicks, a device that vanishes."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from paper_sound_card import PulseCapture, counted, counting

from nur_studio.audio.player import Player, PlayerState
from nur_studio.core.mix import STEMS, Channel, Mix

pytestmark = pytest.mark.realtime

RATE = 44100
PERIOD = 441
NATURAL = 2 * np.pi / PERIOD  # steepest step of a 100 Hz sine of amplitude 1


@pytest.fixture
def player() -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


def wait_for(player: Player, condition: Callable[[PlayerState], bool], seconds: float = 15.0) -> PlayerState:
    until = time.monotonic() + seconds
    while not condition(state := player.state()):
        assert time.monotonic() < until, state
        time.sleep(0.002)
    return state


def written(path: Path, audio: NDArray[np.float32]) -> Path:
    soundfile.write(path, audio, RATE, subtype="PCM_24")
    return path


def sine(frames: int, amplitude: float) -> NDArray[np.float32]:
    wave = amplitude * np.sin(2 * np.pi * np.arange(frames) / PERIOD)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def test_playback_beside_two_busy_processes_does_not_stutter(
    player: Player, pulse_capture: PulseCapture, tmp_path: Path
) -> None:
    seconds = 6
    frames = seconds * RATE
    silent = np.zeros((frames, 2), np.float32)
    lanes = [
        (stem, written(tmp_path / f"{stem}.flac", counting(frames) if stem == "bass" else silent)) for stem in STEMS
    ]
    pulse_capture.record()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(2)]
    try:
        player.load(lanes, RATE, frames)
        player.play()
        wait_for(player, lambda s: s.ended, seconds + 15)
        time.sleep(0.5)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    heard = counted(pulse_capture.played())
    there = np.flatnonzero((heard >= 0) & (heard < frames))
    assert heard[there[0]] == 0 and heard[there[-1]] == frames - 1
    # None on a machine with nothing else to do; a callback that waited for anything would bring dozens.
    dropouts = np.count_nonzero((np.diff(there) != 1) | (np.diff(heard[there]) != 1))
    assert dropouts <= 2


def test_the_position_is_what_is_heard(player: Player, pulse_capture: PulseCapture, tmp_path: Path) -> None:
    frames = 5 * RATE
    player.load([("mix", written(tmp_path / "count.flac", counting(frames)))], RATE, frames)
    pulse_capture.record()
    player.play()
    wait_for(player, lambda s: s.position_frames > RATE // 2)
    said = []
    for _ in range(150):
        said.append((time.perf_counter(), player.state().position_frames))
        time.sleep(0.01)
    player.pause()
    time.sleep(0.2)
    assert all(later >= earlier for (_, earlier), (_, later) in itertools.pairwise(said))
    # When the recorder got a frame, it had been heard: latency of recording is all that lies between.
    heard = counted(pulse_capture.played())
    arrivals = pulse_capture.arrivals
    arrived = np.interp([when for when, _ in said], [when for _, when in arrivals], [n for n, _ in arrivals])
    late = np.array([position - heard[int(n) - 1] for (_, position), n in zip(said, arrived, strict=True)]) / RATE
    clock = np.polyfit([when for when, _ in said], [position for _, position in said], 1)
    straight = np.polyval(clock, [when for when, _ in said]) - [position for _, position in said]
    assert clock[0] == pytest.approx(RATE, rel=0.005)
    assert np.abs(straight).max() < 0.010 * RATE
    assert abs(np.median(late)) < 0.030  # recording is buffered by up to 20 ms


def test_a_running_stream_loops_to_the_sample_and_seeks_and_mutes_without_a_click(
    player: Player, pulse_capture: PulseCapture, tmp_path: Path
) -> None:
    frames = 400 * PERIOD
    lanes = [(stem, written(tmp_path / f"{stem}.flac", sine(frames, 0.2))) for stem in STEMS]
    player.load(lanes, RATE, frames)
    pulse_capture.record()
    player.set_loop((10 * PERIOD, 30 * PERIOD))
    player.play()
    wait_for(player, lambda s: s.playing and s.position_frames > 5 * PERIOD)
    time.sleep(1.2)  # six times round
    for change in range(12):
        mix = Mix({"drums": Channel(mute=change % 2 == 0), "bass": Channel(solo=change % 3 == 0, pan=change / 12)})
        player.set_mix(mix)
        time.sleep(0.03)
        player.seek(12 * PERIOD + 100 * change)
        time.sleep(0.05)
    player.set_mix(Mix())
    player.pause()
    time.sleep(0.3)
    heard = pulse_capture.played()
    first = int(np.flatnonzero(heard.any(axis=1))[0])
    assert np.abs(np.diff(heard[first:], axis=0)).max() < 0.8 * (NATURAL + np.pi / 2 * (1 / 192 + 1 / 256))
    expected = np.resize(4 * sine(PERIOD, 0.2), (40000, 2))  # whole periods looped: one sine without end
    np.testing.assert_allclose(heard[first - 1 : first - 1 + 40000], expected, atol=1e-5)


def test_a_growing_file_is_waited_for(player: Player, pulse_capture: PulseCapture, tmp_path: Path) -> None:
    frames = 3 * RATE
    audio = counting(frames)
    path = tmp_path / "preview.f32"
    pulse_capture.record()
    with path.open("wb") as file:
        file.write(audio[:RATE].tobytes())
        file.flush()
        player.load_growing(path, RATE, frames)
        player.grow(RATE)
        player.play()
        state = wait_for(player, lambda s: s.waiting and s.position_frames > RATE - 1024)
        assert state.playing and not state.ended
        assert state.position_frames <= RATE
        assert state.ready_frames == RATE
        file.write(audio[RATE:].tobytes())
    player.grow(frames)
    if sys.platform != "win32":
        path.unlink()  # as its owner may, once all is announced
    assert not wait_for(player, lambda s: bool(s.error) or s.ended).error
    time.sleep(0.3)
    heard = counted(pulse_capture.played())
    whole = heard[(heard >= 0) & (heard < frames)]
    assert whole[0] == 0 and whole[-1] == frames - 1
    # Nothing is left out but what the two fades made unreadable.
    assert len(np.setdiff1d(np.arange(frames), whole)) < 2 * 192


def test_finished_stems_take_over_from_the_preview_while_it_plays(
    player: Player, pulse_capture: PulseCapture, tmp_path: Path
) -> None:
    frames = 500 * PERIOD
    whole = sine(frames, 0.8)
    preview = tmp_path / "preview.f32"
    preview.write_bytes(whole.tobytes())
    stems = [(stem, written(tmp_path / f"{stem}.flac", whole / 4)) for stem in STEMS]
    pulse_capture.record()
    player.load_growing(preview, RATE, frames)
    player.grow(200 * PERIOD)
    player.play()
    wait_for(player, lambda s: s.position_frames > 50 * PERIOD)
    before = player.state().position_frames
    player.load(stems, RATE, frames, carry_on=True)
    state = player.state()
    assert state.playing and state.position_frames >= before
    state = wait_for(player, lambda s: s.peaks["drums"][0] > 0.19 and s.peaks["other"][0] > 0.19)
    assert state.playing and state.ready_frames > 0
    wait_for(player, lambda s: s.ended)
    time.sleep(0.3)
    heard = pulse_capture.played()
    loud = np.flatnonzero(heard.any(axis=1))
    assert loud[-1] - loud[0] + 2 == pytest.approx(frames, abs=3)
    assert np.abs(np.diff(heard, axis=0)).max() < 0.8 * (NATURAL + np.pi / 2 / 192) * 1.01


def test_a_device_that_vanishes_is_said_and_play_takes_it_up_again(
    player: Player, pulse_capture: PulseCapture, tmp_path: Path
) -> None:
    frames = 20 * RATE
    player.load([("mix", written(tmp_path / "long.flac", sine(frames, 0.2)))], RATE, frames)
    player.play()
    wait_for(player, lambda s: s.position_frames > RATE // 2)
    pulse_capture.unplug()
    state = wait_for(player, lambda s: bool(s.error))
    assert "vanished. Pick another one in Settings or plug it back in." in state.error
    assert not state.playing
    stood = state.position_frames
    assert RATE // 2 < stood < 4 * RATE
    pulse_capture.plug_in()
    player.play()
    state = wait_for(player, lambda s: s.position_frames > stood + RATE // 4)
    assert not state.error and state.playing
    player.set_device("default")  # changing the device goes on where it is
    before = player.state().position_frames
    state = wait_for(player, lambda s: s.position_frames > before + RATE // 4)
    assert state.playing and state.position_frames < before + 2 * RATE
