"""Stems on disk: they add up to their mix bit by bit, whatever a separator hands over, and loud ones lose nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nur_studio.audio.files import Encoding, read_audio, write_audio
from nur_studio.audio.masters import stem_path, write_masters
from nur_studio.audio.peaks import PeakPyramid, load_peaks
from nur_studio.core.mix import SIX_LANES, STEMS
from nur_studio.core.sound import Audio
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.engine import sketch
from nur_studio.engines.stem_files import StemFiles, summing

FULL = 1 << 23


def noise(frames: int, seed: int, loud: float = 0.3) -> Audio:
    return (loud * np.random.default_rng(seed).standard_normal((frames, 2))).astype(np.float32)


def on_grid(audio: Audio) -> Audio:
    """As 24-bit files hold it."""
    return (np.clip(np.rint(audio * FULL), -FULL, FULL - 1) / FULL).astype(np.float32)


@pytest.mark.parametrize("lanes", [STEMS, SIX_LANES])
@pytest.mark.parametrize("loud", [0.01, 0.3, 2.0])
def test_both_divisions_sum_to_the_mix(lanes: tuple[str, ...], loud: float) -> None:
    mix = on_grid(noise(5000, 0, min(loud, 0.4)))
    parts = summing({lane: noise(5000, seed, loud / 3) for seed, lane in enumerate(lanes, 1)}, mix, lanes)
    whole = np.rint(mix * FULL).astype(np.int64)
    for division in {STEMS, lanes}:
        total = np.sum([parts[lane].astype(np.int64) for lane in division], axis=0)
        assert np.array_equal(total, whole)
    assert all(-FULL <= part.min() <= part.max() < FULL for part in parts.values())


def test_what_overloads_the_rest_stays_with_those_that_have_room() -> None:
    mix = on_grid(np.full((10, 2), 0.9, np.float32))
    quiet = np.full((10, 2), -0.5, np.float32)
    parts = summing(dict.fromkeys(STEMS, quiet), mix, STEMS)
    assert parts["other"].max() == FULL - 1
    total = sum(part.astype(np.int64) for part in parts.values())
    assert np.array_equal(total, np.rint(mix * FULL).astype(np.int64))


def plant(folder: Path, mix: Audio, rate: int = 44100) -> Path:
    path = folder / "mix.flac"
    write_audio(path, mix, rate, Encoding("flac", "PCM_24"))
    return path


def test_files_and_picture_are_those_of_the_stems(tmp_path: Path) -> None:
    mix = noise(150_001, 0, 0.1)
    file = plant(tmp_path, mix, 48000)
    stems = {lane: noise(len(mix), seed, 0.05) for seed, lane in enumerate(STEMS, 1)}
    with StemFiles(tmp_path, file, STEMS) as files:
        for start in range(0, len(mix), 40_000):
            files.add({lane: stem[start : start + 40_000] for lane, stem in stems.items()})
        files.check_whole()
    peaks = load_peaks(tmp_path / "peaks.npz")
    assert list(peaks) == ["mix", *STEMS]
    for lane in STEMS:
        audio, rate = read_audio(stem_path(tmp_path, lane))
        assert rate == 48000
        if lane != "other":
            assert np.abs(audio - np.clip(stems[lane], -1, 1)).max() <= 0.51 / FULL
        assert np.array_equal(peaks[lane].stored(), PeakPyramid.from_audio(audio).stored())
    assert np.array_equal(peaks["mix"].stored(), PeakPyramid.from_audio(read_audio(file)[0]).stored())


def test_sketchs_own_stems_sum_within_minus_60_db(tmp_path: Path) -> None:
    """Of the files, as they are on disk."""
    from nur_studio.core.progress import CancelToken, ignore_progress
    from nur_studio.core.prompt import read_prompt
    from nur_studio.engines.base import Unheard

    prompt = "funk with brass"
    task = MusicTask(prompt, 3.0, 110, 7, read_prompt(prompt))
    music = sketch().generate(task, ignore_progress, Unheard(), CancelToken())
    write_masters(tmp_path, music.mix, music.stems, music.sample_rate)
    mix = read_audio(tmp_path / "mix.flac")[0].astype(np.float64)
    missing = mix - sum(read_audio(stem_path(tmp_path, stem))[0].astype(np.float64) for stem in STEMS)
    assert 20 * np.log10(np.sqrt((missing**2).mean()) / np.sqrt((mix**2).mean())) < -100


def test_a_broken_promise_is_told_and_leaves_no_stem(tmp_path: Path) -> None:
    file = plant(tmp_path, noise(1000, 0))
    good = {lane: noise(1000, 1) for lane in STEMS}
    bad = {
        "instead of": {**good, "bass": good["bass"][:-1]},
        r"\['drums'\] instead": {"drums": good["drums"]},
        "float64": {**good, "bass": good["bass"].astype(np.float64)},
        "no numbers": {**good, "bass": good["bass"] * np.float32(np.nan)},
        "more than 1000": {lane: noise(1001, 1) for lane in STEMS},
    }
    for words, stems in bad.items():
        with pytest.raises(ValueError, match=words), StemFiles(tmp_path, file, STEMS) as files:
            files.add(stems)
    with pytest.raises(ValueError, match="999 frames of stems instead of 1000"), StemFiles(tmp_path, file, STEMS) as f:
        f.add({lane: stem[:999] for lane, stem in good.items()})
        f.check_whole()
    assert list((tmp_path / "stems").iterdir()) == []
    assert not (tmp_path / "peaks.npz").exists()
    with pytest.raises(ValueError, match="no lanes"):
        StemFiles(tmp_path, file, ("drums",))
