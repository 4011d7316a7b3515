"""The player and its process, playing through PortAudio into a sound card of paper."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from numpy.typing import NDArray
from paper_sound_card import PaperSoundCard, alsa_config
from player_bench import sounding, wait_for

from nur_studio.audio.player import Player
from nur_studio.audio.player_render import CROSS_FRAMES, FADE_FRAMES
from nur_studio.audio.player_source import FileSource
from nur_studio.core.mix import STEMS, Channel, Mix

RATE = 44100
FRAMES = 2 * RATE


@pytest.fixture
def player() -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


@pytest.fixture
def stems(tmp_path: Path) -> list[tuple[str, Path]]:
    return [(stem, write(tmp_path / f"{stem}.flac", noise(seed))) for seed, stem in enumerate(STEMS)]


def noise(seed: int, frames: int = FRAMES) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal((frames, 2)) * 0.1).astype(np.float32)


def write(path: Path, audio: NDArray[np.float32], rate: int = RATE) -> Path:
    soundfile.write(path, audio, rate, subtype="PCM_24")
    return path


def read(path: Path) -> NDArray[np.float32]:
    audio: NDArray[np.float32] = soundfile.read(path, dtype="float32")[0]
    return audio


def test_stems_sound_as_their_sum_bit_for_bit(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    player.load(stems, RATE, FRAMES)
    wait_for(player, lambda s: s.ready_frames == FRAMES)  # paper plays faster than anyone can decode
    player.play()
    state = wait_for(player, lambda s: s.ended)
    assert state.position_frames == FRAMES
    assert state.ready_frames == FRAMES
    assert not state.playing
    assert not state.error
    expected = sum((read(path) for _, path in stems), np.zeros((FRAMES, 2), np.float32))
    np.testing.assert_array_equal(sounding(paper_sound_card.played()), expected)


def test_the_mix_set_before_play_is_the_mix_heard(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    mix = Mix({"drums": Channel(gain_db=-6, pan=0.5), "bass": Channel(mute=True), "other": Channel(mute=True)})
    player.set_mix(mix)
    player.load(stems, RATE, FRAMES)
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    player.play()
    state = wait_for(player, lambda s: s.master_peaks[0] > 0)
    assert state.peaks["bass"] == (0.0, 0.0)
    assert state.peaks["drums"][1] > state.peaks["drums"][0] > 0.0
    wait_for(player, lambda s: s.ended)
    drums, _, vocals, _ = (read(path) for _, path in stems)
    expected = drums * np.array(mix.gains("drums"), np.float32) + vocals
    np.testing.assert_allclose(sounding(paper_sound_card.played()), expected, atol=1e-6)


def test_seek_before_play_starts_there_and_play_after_the_end_at_the_start(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    player.load(stems[:1], RATE, FRAMES)
    player.seek(RATE)
    assert player.state().position_frames == RATE
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    player.play()
    wait_for(player, lambda s: s.ended)
    audio = read(stems[0][1])
    heard = sounding(paper_sound_card.played())
    assert len(heard) == FRAMES - RATE
    np.testing.assert_array_equal(heard[-(FRAMES - RATE - 400) :], audio[RATE + 400 :])
    player.play()
    assert player.state().playing
    wait_for(player, lambda s: s.ended)
    np.testing.assert_array_equal(sounding(paper_sound_card.played())[-FRAMES:], audio)
    player.stop()
    state = wait_for(player, lambda s: s.position_frames == 0)
    assert not state.playing and not state.ended


def test_no_call_keeps_the_window_waiting(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    def timed(call: Callable[..., object], *arguments: object) -> float:
        before = time.perf_counter()
        call(*arguments)
        return time.perf_counter() - before

    calls = [timed(player.start), timed(player.load, stems, RATE, FRAMES), timed(player.play)]
    for _ in range(50):
        calls += [timed(player.state), timed(player.seek, 1000), timed(player.set_mix, Mix(master_db=-1.0))]
        calls += [timed(player.set_loop, (0, 5000)), timed(player.set_loop, None), timed(player.devices)]
    assert sorted(calls)[-5] < 0.005, sorted(calls)[-8:]  # a shared machine may take the processor away a few times


def test_a_file_of_another_rate_or_mono_is_played_right(
    player: Player, paper_sound_card: PaperSoundCard, tmp_path: Path
) -> None:
    time_s = np.arange(48000) / 48000
    wave = (0.25 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    player.load([("mix", write(tmp_path / "mono.flac", wave, 48000))], RATE, RATE)
    wait_for(player, lambda s: s.ready_frames == RATE)
    player.play()
    wait_for(player, lambda s: s.ended)
    expected = 0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    heard = paper_sound_card.played()
    first = int(np.flatnonzero(np.abs(heard[:, 0]) > 1e-3)[0])
    middle = heard[first + 5000 : first + 30000]
    np.testing.assert_array_equal(middle[:, 0], middle[:, 1])
    errors = [np.abs(middle[:, 0] - expected[5000 + k : 30000 + k]).max() for k in range(12)]
    assert min(errors) < 1e-3


def test_a_rate_that_the_device_refuses_is_converted_also_when_the_device_comes_later(
    player: Player, tmp_path: Path
) -> None:
    rate = 800  # below what PortAudio takes anywhere
    wave = (0.25 * np.sin(2 * np.pi * 20 * np.arange(2 * rate) / rate)).astype(np.float32)
    path = tmp_path / "low.wav"
    soundfile.write(path, np.stack([wave, wave], axis=1), rate, subtype="FLOAT")
    config = tmp_path / "asound.conf"
    config.write_text("pcm.unplugged { type hw card 31 }\n")
    with alsa_config(config):
        player.load([("mix", path)], rate, 2 * rate)
        player.seek(rate)
        player.play()
        wait_for(player, lambda s: bool(s.error))
        card = PaperSoundCard(tmp_path)
        assert player.state().position_frames == rate
        player.play()
        state = wait_for(player, lambda s: s.ended or bool(s.error))
    assert not state.error
    assert state.position_frames == 2 * rate
    heard = sounding(card.played())
    spectrum = np.abs(np.fft.rfft(heard[: RATE // 2, 0]))
    assert len(heard) == pytest.approx(RATE, abs=RATE // 100)  # one second is left after the seek
    assert int(spectrum.argmax()) == 10  # 20 Hz in bins of 2 Hz


@pytest.mark.parametrize("device_rate", [44100, 48000])
def test_every_rate_keeps_pitch_length_and_place_on_a_device_of_another(
    player: Player, tmp_path: Path, device_rate: int
) -> None:
    card = PaperSoundCard(tmp_path, device_rate)
    expected = tone(device_rate)
    with alsa_config(card.config):
        for rate in (22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000):
            player.load([("mix", write(tmp_path / f"{rate}.wav", tone(rate), rate))], rate, rate)
            wait_for(player, lambda s, rate=rate: s.ready_frames == rate)  # type: ignore[misc]
            player.seek(rate // 3)
            player.play()
            state = wait_for(player, lambda s: s.ended or bool(s.error))
            assert not state.error and state.position_frames == rate
            heard = sounding(card.played())
            assert len(heard) == pytest.approx(device_rate - device_rate // 3, abs=1)
            # The steady part is the same tone at the same phase: neither pitch nor place is off by a tenth of a frame.
            steady = slice(FADE_FRAMES, 2 * device_rate // 3 - 2000)
            error = np.abs(heard[steady] - expected[round(rate // 3 * device_rate / rate) :][steady]).max()
            assert error < 0.1 * 0.25 * 2 * np.pi * 1000 / device_rate, rate


def tone(rate: int) -> NDArray[np.float32]:
    """A second of 1 kHz, faded out a little before its end so that no filter rings there."""
    wave = 0.25 * np.cos(2 * np.pi * 1000 * np.arange(rate) / rate)
    wave[rate - rate // 50 :] *= np.linspace(1, 0.1, rate // 50)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def test_seek_and_loop_are_to_the_sample_in_the_devices_rate_and_without_a_seam(player: Player, tmp_path: Path) -> None:
    card = PaperSoundCard(tmp_path, 48000)
    period = 441  # of a sine, 480 frames at the device's rate
    wave = 0.5 * np.sin(2 * np.pi * np.arange(FRAMES) / period)
    path = write(tmp_path / "sine.flac", np.repeat(wave[:, None], 2, axis=1).astype(np.float32))
    source = FileSource([("mix", path)], RATE, FRAMES, 48000)
    source.start()
    source.join()
    there = source.audio[0]
    with alsa_config(card.config):
        player.load([("mix", path)], RATE, FRAMES)
        wait_for(player, lambda s: s.ready_frames == FRAMES)
        player.seek(50 * period + 100)
        player.play()
        wait_for(player, lambda s: s.ended)
        heard = sounding(card.played())
        at = round((50 * period + 100) * 48000 / RATE)
        np.testing.assert_array_equal(heard[FADE_FRAMES:], there[at + FADE_FRAMES :][: len(heard) - FADE_FRAMES])
        player.stop()
        player.set_loop((20 * period, 60 * period))
        player.play()
        seen = []
        wait_for(player, lambda s: seen.append(s.position_frames) or len(seen) > 40)
        player.pause()
        heard = sounding(card.played())[:400_000]
    assert len(heard) > 3 * 40 * 480, "some turns"
    turns = np.concatenate((there[: 60 * 480], *[there[20 * 480 : 60 * 480]] * 25))
    begun = int(np.flatnonzero(there.any(axis=1))[0])
    count = len(heard) - FADE_FRAMES  # the pause fades the rest
    np.testing.assert_array_equal(heard[:count], turns[begun : begun + count])
    endless = 0.5 * np.sin(2 * np.pi * np.arange(begun, begun + count) / 480)  # whole periods looped
    np.testing.assert_allclose(heard[2000:count, 0], endless[2000:], atol=1e-3)


def test_a_loop_past_which_the_playhead_is_calls_it_back(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    player.load(stems[:1], RATE, FRAMES)
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    player.seek(FRAMES - 1000)
    player.set_loop((2000, 4000))
    wait_for(player, lambda s: s.position_frames == 2000)
    with pytest.raises(ValueError):
        player.set_loop((5, 5))


def test_a_loop_that_was_cut_out_takes_over_and_gives_back_without_a_gap_or_a_click(
    player: Player, paper_sound_card: PaperSoundCard, tmp_path: Path
) -> None:
    raw = write(tmp_path / "raw.flac", np.full((FRAMES, 2), 0.25, np.float32))
    cut = write(tmp_path / "cut.wav", np.full((30_000, 2), 0.5, np.float32))
    player.load([("mix", raw)], RATE, FRAMES)
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    player.set_loop((20_000, 50_000))
    player.play()
    wait_for(player, lambda s: s.master_peaks[0] == 0.25)
    player.load_loop([("mix", cut)], RATE, FRAMES, 20_000)
    wait_for(player, lambda s: s.master_peaks[0] == 0.5)
    state = wait_for(player, lambda s: s.master_peaks[0] == 0.5 and 20_000 <= s.position_frames < 50_000)
    assert state.playing and not state.waiting
    player.load([("mix", raw)], RATE, FRAMES, carry_on=True)
    player.set_loop((20_000, 50_000))  # the same: it does not hurry what waits until it can take over
    wait_for(player, lambda s: s.master_peaks[0] == 0.25)
    player.pause()
    wait_for(player, lambda s: s.master_peaks[0] == 0.0)
    heard = sounding(paper_sound_card.played())[: -FADE_FRAMES - 1, 0]
    assert heard.min() == 0.25 and heard.max() == 0.5
    assert np.abs(np.diff(heard)).max() <= 0.25 * np.pi / 2 / CROSS_FRAMES * 1.01
    player.load_loop([("mix", tmp_path / "gone.wav")], RATE, FRAMES, 20_000)
    assert "gone.wav is missing" in wait_for(player, lambda s: bool(s.error)).error


def test_a_missing_or_damaged_file_is_said(player: Player, paper_sound_card: PaperSoundCard, tmp_path: Path) -> None:
    player.load([("mix", tmp_path / "gone.flac")], RATE, FRAMES)
    player.play()
    state = wait_for(player, lambda s: bool(s.error) and not s.playing)  # said of the load, and again of the play
    assert state.error == "The track cannot be played: gone.flac is missing from its folder."
    (tmp_path / "bad.flac").write_bytes(b"no music" * 100)
    player.load([("mix", tmp_path / "bad.flac")], RATE, FRAMES)
    state = wait_for(player, lambda s: "damaged" in s.error)
    write(tmp_path / "gone.flac", noise(1))
    player.load([("mix", tmp_path / "gone.flac")], RATE, FRAMES)
    player.play()
    assert not wait_for(player, lambda s: s.ended).error


def test_a_killed_process_is_said_and_the_next_play_goes_on(
    player: Player, paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    player.load(stems, RATE, FRAMES)
    player.seek(RATE)
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    assert player.pid is not None
    os.kill(player.pid, signal.SIGKILL)
    state = wait_for(player, lambda s: bool(s.error))
    assert not state.playing
    assert state.error == "The audio player stopped unexpectedly. Press play to start it again."
    assert state.position_frames == RATE
    player.set_mix(Mix({"drums": Channel(solo=True)}))
    player.play()
    state = wait_for(player, lambda s: s.ended)
    assert not state.error
    heard = sounding(paper_sound_card.played())
    # The new process is still decoding when it starts, and paper may have to wait; not for the last piece, though.
    np.testing.assert_array_equal(heard[-20000:], read(stems[0][1])[-20000:])


def test_without_a_device_it_says_so_and_tries_again(
    player: Player, tmp_path: Path, stems: list[tuple[str, Path]]
) -> None:
    config = tmp_path / "none.conf"
    config.write_text("pcm.unplugged { type hw card 31 }\n")
    with alsa_config(config):
        player.load(stems, RATE, FRAMES)
        player.play()
        state = wait_for(player, lambda s: bool(s.error))
        assert state.error == ("This machine has no audio output device. Connect or switch one on, then press play.")
        assert not state.playing
        assert wait_for(player, lambda s: s.ready_frames == FRAMES).position_frames == 0
        # Plugging one in: ALSA reads its configuration anew with PortAudio.
        config.write_text(PaperSoundCard(tmp_path).config.read_text())
        player.play()
        assert not wait_for(player, lambda s: s.ended).error
        assert "default" in player.devices() or wait_for(player, lambda s: "default" in player.devices())
        player.set_device("Studio 24")
        player.play()
        state = wait_for(player, lambda s: bool(s.error))
        assert state.error.startswith("The output device “Studio 24” is not there.")


def test_without_portaudio_the_package_is_named(tmp_path: Path) -> None:
    """The library's name is looked up by ctypes; a lookup that finds nothing is a machine without it."""
    program = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "import multiprocessing\n"
        "from nur_studio.audio.player_output import Output\n"
        "from nur_studio.audio.player_render import Renderer\n"
        "from nur_studio.audio.player_state import Block\n"
        "from nur_studio.core.errors import AudioUnavailable\n"
        "block = Block.create(multiprocessing.get_context('spawn'))\n"
        "output = Output(Renderer(block), block)\n"
        "assert output.devices() == []\n"
        "try: output.open('', 44100)\n"
        "except AudioUnavailable as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "libportaudio2" in said.stdout


def test_dropouts_bring_a_stream_of_more_latency(paper_sound_card: PaperSoundCard) -> None:
    program = (
        "import multiprocessing\n"
        "from nur_studio.audio.player_output import Output\n"
        "from nur_studio.audio.player_render import Renderer\n"
        "from nur_studio.audio.player_state import DROPOUTS, Block\n"
        "block = Block.create(multiprocessing.get_context('spawn'))\n"
        "output = Output(Renderer(block), block)\n"
        "for dropouts in (0, 1, 0, 2, 0, 5):\n"
        "    output.open('', 44100)\n"
        "    block.integers[DROPOUTS] += dropouts\n"
        "    print(output.asked_latency_s, output.falls_behind)\n"
        "    output.close()\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    streams = [(round(float(latency), 2), word == "True") for latency, word in map(str.split, said.stdout.splitlines())]
    # One makes the next stream a slower one, two do not wait for it; there is an end to it.
    assert streams == [(0.08, False), (0.08, False), (0.14, False), (0.14, True), (0.24, False), (0.24, False)]


def test_closing_takes_under_a_second_and_leaves_no_process(
    paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]]
) -> None:
    player = Player()
    player.load(stems, RATE, FRAMES)
    player.play()
    wait_for(player, lambda s: s.position_frames > 0)
    pid = player.pid
    before = time.monotonic()
    player.close()
    assert time.monotonic() - before < 1.0
    assert pid is not None and not psutil.pid_exists(pid)
    player.close()
    for quick in range(3):  # also before the process has come up
        player = Player()
        player.start()
        time.sleep(0.02 * quick)
        before = time.monotonic()
        player.close()
        assert time.monotonic() - before < 1.0


def test_the_process_ends_with_its_window_and_nothing_is_left_behind(
    paper_sound_card: PaperSoundCard, stems: list[tuple[str, Path]], tmp_path: Path
) -> None:
    program = tmp_path / "window.py"
    program.write_text(
        "import os, sys, time\n"
        "from nur_studio.audio.player import Player\n"
        "if __name__ == '__main__':\n"
        "    player = Player()\n"
        "    player.load([('mix', sys.argv[1])], 44100, 88200)\n"
        "    while player.state().ready_frames < 88200: time.sleep(0.01)\n"
        "    print(player.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    window = subprocess.Popen(
        [sys.executable, "-W", "error", program, stems[0][1]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert window.stdout is not None and window.stderr is not None
    process = psutil.Process(int(window.stdout.readline()))
    window.kill()
    process.wait(5)
    assert window.stderr.read() == ""
    window.wait()
    window.stdout.close()
    window.stderr.close()
