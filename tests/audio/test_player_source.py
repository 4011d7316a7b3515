"""Lanes filled from files: whole or growing, at the device's rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from nur_studio.audio.player_source import FileSource, GrowingSource, LoopSource

RATE = 44100


def noise(frames: int) -> NDArray[np.float32]:
    return (np.random.default_rng(3).standard_normal((frames, 2)) * 0.1).astype(np.float32)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_lanes_are_the_files_and_a_shorter_one_ends_in_silence(tmp_path: Path) -> None:
    long, short = noise(100_000), noise(60_000)
    for name, audio in (("long", long), ("short", short)):
        soundfile.write(tmp_path / f"{name}.wav", audio, RATE, subtype="FLOAT")
    source = FileSource([(name, tmp_path / f"{name}.wav") for name in ("long", "short")], RATE, 100_000, RATE)
    source.start()
    source.join(10)
    assert source.ready == source.ready_track_frames == 100_000
    np.testing.assert_array_equal(source.audio[0], long)
    np.testing.assert_array_equal(source.audio[1][:60_000], short)
    assert not source.audio[1][60_000:].any()


def test_another_rate_keeps_place_and_length(tmp_path: Path) -> None:
    time_s = np.arange(2 * RATE) / RATE
    wave = (0.5 * np.sin(2 * np.pi * 441 * time_s)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([wave, wave], axis=1), RATE, subtype="FLOAT")
    source = FileSource([("mix", tmp_path / "a.wav")], RATE, 2 * RATE, RATE).at_rate(48000)
    source.start()
    source.join(10)
    assert source.ready == source.total == 2 * 48000
    assert source.ready_track_frames == 2 * RATE
    assert source.at_out_rate(RATE) == 48000
    expected = 0.5 * np.sin(2 * np.pi * 441 * np.arange(2 * 48000) / 48000)
    np.testing.assert_allclose(source.audio[0][2000:-2000, 0], expected[2000:-2000], atol=1e-4)


@pytest.mark.parametrize("out_rate", [RATE, 48000, 96000])
def test_a_loop_lies_in_its_place_and_its_end_meets_its_beginning(tmp_path: Path, out_rate: int) -> None:
    start, frames = 10_007, 100 * 441
    wave = (0.5 * np.sin(2 * np.pi * np.arange(frames) / 441 + 1.0)).astype(np.float32)
    soundfile.write(tmp_path / "loop.wav", wave, RATE, subtype="FLOAT")
    source = LoopSource([("mix", tmp_path / "loop.wav")], RATE, 2 * RATE, RATE, start, None).at_rate(out_rate)
    source.start()
    source.join(10)
    assert source.ready == source.total == 2 * out_rate and not source.fault
    first, end = source.at_out_rate(start), source.at_out_rate(start + frames)
    audio = source.audio[0]
    assert not audio[:first].any() and not audio[end + 64 :].any()
    expected = 0.5 * np.sin(2 * np.pi * np.arange(end - first + 64) / 441 * RATE / out_rate + 1.0)
    np.testing.assert_allclose(audio[first : end + 64, 0], expected, atol=1e-4)


@pytest.mark.parametrize("out_rate", [RATE, 48000])
def test_a_growing_file_becomes_the_same_as_a_whole_one(tmp_path: Path, out_rate: int) -> None:
    audio = noise(90_001)
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, audio, RATE, subtype="FLOAT")
    reference = FileSource([("mix", whole)], RATE, len(audio), out_rate)
    reference.start()
    path = tmp_path / "preview.f32"
    source = GrowingSource(path, RATE, len(audio), out_rate)
    source.start()
    with path.open("wb", buffering=0) as file:
        for first in range(0, len(audio), 12_345):
            file.write(audio[first : first + 12_345].tobytes())
            source.grow(min(first + 12_345, len(audio)))
    reference.join(10)
    until(lambda: source.ready == source.total)
    np.testing.assert_allclose(source.audio[0], reference.audio[0], atol=1e-6)
    source.stop()
    source.join(10)


@pytest.mark.parametrize("out_rate", [RATE, 48000])
@pytest.mark.parametrize("first_length", [90_000, 150_000])
def test_a_growing_file_may_be_cut_back_and_written_anew(tmp_path: Path, out_rate: int, first_length: int) -> None:
    """Also where all of it was read already: the last part of a take is judged when it is whole."""
    first, kept = noise(150_000), 61_234
    final = np.concatenate((first[:kept], -first[: 150_000 - kept]))
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, final, RATE, subtype="FLOAT")
    reference = FileSource([("mix", whole)], RATE, len(final), out_rate)
    reference.start()
    path = tmp_path / "preview.f32"
    path.write_bytes(first[:first_length].tobytes())
    source = GrowingSource(path, RATE, len(final), out_rate)
    source.start()
    source.grow(first_length)
    until(lambda: source.ready_track_frames > first_length - 3000)
    with path.open("r+b") as file:
        file.truncate(kept * 8)
    source.grow(kept)
    until(lambda: source.ready_track_frames <= kept)
    assert source.ready_track_frames > kept - 5000, "what was there before the cut is still there"
    with path.open("ab", buffering=0) as file:
        for position in range(kept, len(final), 20_000):
            file.write(final[position : position + 20_000].tobytes())
            source.grow(min(position + 20_000, len(final)))
    reference.join(10)
    until(lambda: source.ready == source.total)
    np.testing.assert_allclose(source.audio[0], reference.audio[0], atol=1e-6)
    source.stop()
    source.join(10)
    assert source.fault == ""


def test_a_file_cut_back_before_that_is_told_is_no_fault(tmp_path: Path) -> None:
    audio = noise(40_000)
    path = tmp_path / "preview.f32"
    path.write_bytes(audio[:10_000].tobytes())
    source = GrowingSource(path, RATE, len(audio), RATE)
    source.start()
    source.grow(30_000)  # it was so, a moment ago
    until(lambda: source.ready == 10_000)
    source.grow(10_000)
    path.write_bytes(audio.tobytes())
    source.grow(40_000)
    until(lambda: source.ready == source.total)
    np.testing.assert_array_equal(source.audio[0], audio)
    source.stop()
    source.join(10)
    assert source.fault == ""


def test_a_stopped_source_ends_its_thread(tmp_path: Path) -> None:
    (tmp_path / "preview.f32").write_bytes(b"")
    source = GrowingSource(tmp_path / "preview.f32", RATE, 1000, RATE)
    source.start()
    assert source.is_alive()
    source.stop()
    source.join(5)
    assert not source.is_alive()


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "six.wav", np.zeros((100, 6)), RATE)
    for name, reason in (("six.wav", "six.wav has 6 channels"), ("none.flac", "none.flac is missing from its folder")):
        source = FileSource([("mix", tmp_path / name)], RATE, 100, RATE)
        source.start()
        source.join(5)
        assert source.fault == f"The track cannot be played: {reason}."
    source_growing = GrowingSource(tmp_path / "none.f32", RATE, 100, RATE)
    source_growing.grow(50)
    source_growing.start()
    source_growing.join(5)
    assert source_growing.fault == "The track cannot be played: none.f32 is missing from its folder."
