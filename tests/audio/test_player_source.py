"""Lanes filled from files: whole or growing, at the device's rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from nur_studio.audio.player_source import FileSource, GrowingSource

RATE = 44100


def noise(frames: int) -> NDArray[np.float32]:
    return (np.random.default_rng(3).standard_normal((frames, 2)) * 0.1).astype(np.float32)


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
    source.join(10)
    reference.join(10)
    assert source.ready == source.total
    np.testing.assert_allclose(source.audio[0], reference.audio[0], atol=1e-6)


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
