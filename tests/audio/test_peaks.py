"""Peaks: true to the samples, steady while panning, fast at every zoom, readable by others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nur_studio.audio.peaks import GrowingPeaks, PeakPyramid, load_peaks, save_peaks, write_waveform_json
from nur_studio.core.errors import FileProblem

STEP = 1.01 / 32767


def sound(frames: int, seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    swell = np.abs(np.sin(np.arange(frames) / 3000))[:, None]
    return (random.uniform(-0.9, 0.9, (frames, 2)) * swell).astype(np.float32)


@pytest.mark.parametrize(
    ("start", "end", "columns"),
    [
        (0, 100_003, 100),
        (0, 100_003, 1500),
        (33_333, 44_444, 37),
        (50_000, 50_640, 10),
        (10, 99_000, 1),
        (96_000, 100_003, 7),
    ],
)
def test_view_is_the_real_extent_to_one_block(start: int, end: int, columns: int) -> None:
    audio = sound(100_003)
    low, high = PeakPyramid.from_audio(audio).view(start, end, columns)
    assert low.shape == high.shape == (columns,)
    assert low.dtype == high.dtype == np.float32
    width = (end - start) / columns
    first = int(np.floor(start / width + 0.5))
    for column in range(columns):
        a, b = (first + column) * width, (first + column + 1) * width
        inner = audio[int(np.ceil(a)) : max(int(np.ceil(a)) + 1, int(b))]
        outer = audio[max(0, int(a) - 64) : int(b) + 65]
        if len(inner):
            assert low[column] <= inner.min() + STEP
            assert high[column] >= inner.max() - STEP
        assert low[column] >= outer.min() - STEP
        assert high[column] <= outer.max() + STEP


def test_a_single_sample_shows_at_any_zoom() -> None:
    audio = np.zeros((1_000_000, 2), np.float32)
    audio[654_321, 1] = -0.75
    peaks = PeakPyramid.from_audio(audio)
    for columns in (1, 10, 1500, 20_000):
        low, high = peaks.view(0, len(audio), columns)
        assert low.min() == pytest.approx(-0.75, abs=STEP)
        assert np.flatnonzero(low)[0] == pytest.approx(654_321 / len(audio) * columns, abs=2.3)
        assert not high.any()


@pytest.mark.parametrize("span", [1_000_000.0, 123_456.7, 3_000.5])
def test_panning_moves_the_picture_and_changes_nothing(span: float) -> None:
    peaks = PeakPyramid.from_audio(sound(1_200_000))
    columns = 700
    width = span / columns
    before = peaks.view(5000.0, 5000.0 + span, columns)
    moved_at_all = False
    for step in range(1, 40):
        start = 5000.0 + step * 0.23 * width
        now = peaks.view(start, start + span, columns)
        shift = int(np.floor(start / width + 0.5)) - int(np.floor(5000.0 / width + 0.5))
        moved_at_all |= shift > 0
        for old, new in zip(before, now, strict=True):
            assert (old[shift:] == new[: columns - shift]).all()
    assert moved_at_all


def test_outside_of_the_sound_is_silence() -> None:
    peaks = PeakPyramid.from_audio(np.full((6400, 2), 0.5, np.float32))
    low, high = peaks.view(-6400, 12_800, 300)
    assert not high[:99].any()
    assert not high[201:].any()
    assert high[101:199] == pytest.approx(0.5, abs=STEP)
    assert low[101:199] == pytest.approx(0.5, abs=STEP)
    nothing = PeakPyramid.from_audio(np.zeros((0, 2), np.float32))
    for view in (peaks.view(20_000, 30_000, 10), peaks.view(5, 5, 10), nothing.view(0, 9, 10)):
        assert not view[0].any()
        assert view[0].shape == (10,)
    assert peaks.view(0, 100, 0)[0].shape == (0,)


def test_growing_peaks_end_as_if_made_at_once() -> None:
    audio = sound(50_000, seed=3)
    growing = GrowingPeaks(len(audio))
    random = np.random.default_rng(1)
    position = 0
    while position < len(audio):
        count = int(random.integers(1, 3000))
        growing.append(audio[position : position + count])
        position = min(len(audio), position + count)
        assert growing.frames == position
        now = growing.view(0, len(audio), 200)
        then = PeakPyramid.from_audio(audio[:position]).view(0, len(audio), 200)
        assert (now[0] == then[0]).all()
        assert (now[1] == then[1]).all()
    growing.append(audio[:1000])
    assert growing.frames == 51_000, "more than was expected is kept too"
    assert growing.view(50_000, 51_000, 1)[1][0] > 0


@pytest.mark.parametrize("cut", [0, 12_800, 12_837, 29_999])
def test_growing_peaks_forget_what_is_taken_back(cut: int) -> None:
    old, new = sound(30_000, seed=3), sound(30_000, seed=4) * np.float32(0.2)
    growing = GrowingPeaks(40_000)
    growing.append(old)
    growing.rewind(cut)
    assert growing.frames == cut
    after = -(-cut // 64) * 64
    assert not growing.view(after, 40_000, (40_000 - after) // 64)[1].any()
    for first in range(cut, 30_000, 777):
        growing.append(new[first : min(30_000, first + 777)])
    assert growing.frames == 30_000
    whole = PeakPyramid.from_audio(np.concatenate((old[:cut], new[cut:])))
    blocks = 30_000 // 64
    now, then = growing.view(0, blocks * 64, blocks), whole.view(0, blocks * 64, blocks)
    differ = np.flatnonzero((now[0] != then[0]) | (now[1] != then[1]))
    assert set(differ.tolist()) <= {cut // 64}, "but for the block that is cut in two"
    growing.rewind(50_000)
    assert growing.frames == 30_000, "nothing to take back there"


def test_saved_and_loaded(tmp_path: Path) -> None:
    lanes = {name: PeakPyramid.from_audio(sound(44_111 + i, seed=i)) for i, name in enumerate(("mix", "drums", "bass"))}
    path = tmp_path / "peaks.npz"
    save_peaks(path, lanes)
    loaded = load_peaks(path)
    assert list(loaded) == list(lanes)
    for name, peaks in lanes.items():
        assert loaded[name].frames == peaks.frames
        for old, new in zip(peaks.view(0, 44_111, 777), loaded[name].view(0, 44_111, 777), strict=True):
            assert (old == new).all()
    assert list(tmp_path.iterdir()) == [path]
    save_peaks(path, {})
    assert load_peaks(path) == {}


def test_damaged_or_missing_peaks_are_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "peaks.npz"
    with pytest.raises(FileProblem, match="There is no file"):
        load_peaks(path)
    save_peaks(path, {"mix": PeakPyramid.from_audio(sound(9999))})
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (b"", b"no archive", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(FileProblem, match="damaged"):
            load_peaks(path)
    np.savez(path, lanes=np.array(["mix"]), layout=np.array([[6400, 64]]), peaks=np.zeros(5, np.int16))
    with pytest.raises(FileProblem, match="damaged"):
        load_peaks(path)
    np.savez(path, lanes=np.array([{"code": 1}], dtype=object), layout=np.zeros((1, 2)), peaks=np.zeros(5, np.int16))
    with pytest.raises(FileProblem, match="damaged"):
        load_peaks(path)


def test_waveform_json_is_audiowaveforms_version_2(tmp_path: Path) -> None:
    audio = np.zeros((256 * 3 + 10, 2), np.float32)
    audio[5] = (0.5, 0.5)
    audio[300] = (-1.0, -1.0)
    audio[301] = (1.0, 1.0)
    audio[600] = (0.8, 0.0)  # mono: the mean of the channels
    audio[-1] = (-0.25, -0.25)
    path = tmp_path / "waveform.json"
    write_waveform_json(path, audio, 44100)
    content = json.loads(path.read_text("utf-8"))
    data = content.pop("data")
    assert content == {
        "version": 2,
        "channels": 1,
        "sample_rate": 44100,
        "samples_per_pixel": 256,
        "bits": 8,
        "length": 4,
    }
    # Lowest, highest, lowest, highest …: 2 · length · channels numbers, as readers of the format check.
    assert data == pytest.approx([0, 64, -128, 127, 0, 51, -32, 0], abs=1)
    assert all(isinstance(value, int) and -128 <= value <= 127 for value in data)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileProblem):
        write_waveform_json(tmp_path / "gone" / "waveform.json", audio, 44100)
