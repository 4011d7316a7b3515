"""The folder of a track: what is written, that it sums, what is measured, and that it can be stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from nur_studio.audio import whole
from nur_studio.audio.files import read_audio
from nur_studio.audio.loudness import integrated_lufs, master, true_peak_dbtp
from nur_studio.audio.masters import mix_path, peaks_path, stem_path, waveform_path, write_masters
from nur_studio.audio.peaks import load_peaks
from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.progress import CancelToken, Progress

RATE = 44100


def band(seconds: int = 10) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(8)
    frames = seconds * RATE + 7
    drums = np.zeros((frames, 2), np.float32)
    hit = (np.exp(-np.arange(6000) / 900) * random.standard_normal(6000)).astype(np.float32)
    for beat in range(int(seconds * 120 / 60) - 1):
        drums[beat * RATE // 2 :][:6000] += hit[:, None]
    bass = (0.2 * np.sin(2 * np.pi * 55 * np.arange(frames) / RATE))[:, None].repeat(2, axis=1).astype(np.float32)
    stems = {"drums": drums, "bass": bass, "vocals": np.zeros((frames, 2), np.float32)}
    stems["other"] = (0.03 * random.standard_normal((frames, 2))).astype(np.float32)
    return master(stems, RATE)


def _open_full_disk(_: Path, buffering: int) -> BinaryIO:
    return Path("/dev/full").open("wb", buffering=0)


def total(stems: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.sum([stem.astype(np.float64) for stem in stems.values()], axis=0).astype(np.float32)


def test_everything_is_written_and_measured(tmp_path: Path) -> None:
    stems = band()
    mix = total(stems)
    heard: list[Progress] = []
    masters = write_masters(tmp_path, mix, stems, RATE, 120, heard.append, CancelToken())

    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["mix.flac", "peaks.npz", *(f"stems/{s}.flac" for s in sorted(stems)), "waveform.json"]
    assert soundfile.info(str(mix_path(tmp_path))).subtype == "PCM_24"
    decoded = np.zeros(mix.shape)
    for name in stems:
        stem, rate = read_audio(stem_path(tmp_path, name))
        assert rate == RATE
        decoded += stem
    error = np.abs(decoded - read_audio(mix_path(tmp_path))[0]).max()
    assert 20 * np.log10(error) < -120

    lanes = load_peaks(peaks_path(tmp_path))
    assert list(lanes) == ["mix", *stems]
    assert {lane.frames for lane in lanes.values()} == {len(mix)}
    assert lanes["mix"].view(0, len(mix), 1)[1][0] == pytest.approx(mix.max(), abs=1e-4)
    assert not lanes["vocals"].view(0, len(mix), 50)[1].any()
    assert json.loads(waveform_path(tmp_path).read_text())["length"] == -(-len(mix) // 256)

    assert (masters.sample_rate, masters.frames, masters.stems) == (RATE, len(mix), tuple(stems))
    assert masters.loudness_lufs == pytest.approx(integrated_lufs(mix, RATE), abs=1e-6)
    assert masters.true_peak_dbtp == pytest.approx(true_peak_dbtp(mix), abs=1e-6)
    assert masters.true_peak_dbtp <= -1.0
    assert masters.tempo_measured == pytest.approx(120.0, abs=0.1)

    fractions = [p.fraction for p in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {p.stage for p in heard} == {"writing"}


def test_without_stems_and_in_silence(tmp_path: Path) -> None:
    silence = np.zeros((5 * RATE, 2), np.float32)
    masters = write_masters(tmp_path, silence, {}, RATE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.flac", "peaks.npz", "waveform.json"]
    assert masters.stems == ()
    assert masters.tempo_measured is None
    assert masters.loudness_lufs == masters.true_peak_dbtp == -np.inf


def test_cancel_stops_the_writing(tmp_path: Path) -> None:
    stems = band(30)
    cancel = CancelToken()
    seen: list[float] = []

    def on_progress(progress: Progress) -> None:
        seen.append(progress.fraction)
        cancel.cancel()

    with pytest.raises(Cancelled):
        write_masters(tmp_path, total(stems), stems, RATE, 120, on_progress, cancel)
    assert seen[-1] < 1.0
    assert not list(tmp_path.rglob("*.part")), "nothing half written stays behind"
    with pytest.raises(Cancelled):
        write_masters(tmp_path, total(stems), stems, RATE, 120, on_progress, cancel)


def test_a_cancel_at_the_last_word_of_progress_is_heard_too(tmp_path: Path) -> None:
    short, cancel = band(1), CancelToken()

    def on_progress(progress: Progress) -> None:
        if progress.fraction == 1.0:  # everything is written by then
            cancel.cancel()

    with pytest.raises(Cancelled):
        write_masters(tmp_path, total(short), short, RATE, None, on_progress, cancel)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_create", _open_full_disk)
    stems = band()
    with pytest.raises(FileProblem, match="The disk is full"):
        write_masters(tmp_path, total(stems), stems, RATE)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="gone"):
        write_masters(tmp_path / "gone", total(band(5)), band(5), RATE)
