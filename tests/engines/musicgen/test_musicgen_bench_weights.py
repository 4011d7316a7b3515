"""The bench's random weights: made once, whole or not there, and read as a published checkpoint is."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.models import MusicModel, music_model
from nur_studio.engines.musicgen.bench_weights import BenchWeights

Usage = namedtuple("Usage", "total used free")


def tiny(name: str = "musicgen-small") -> MusicModel:
    return replace(music_model(name), dim=64, heads=4, layers=2, parameters=1_000_000)


def prepared(folder: Path, info: MusicModel) -> str:
    return BenchWeights(folder).prepare(info, ignore_progress, CancelToken())


@pytest.mark.parametrize("name", ["musicgen-small", "musicgen-stereo-melody"])
def test_they_are_made_once_and_are_the_model(tmp_path: Path, name: str) -> None:
    info, weights = tiny(name), BenchWeights(tmp_path / "bench")
    told: list[Progress] = []
    assert weights.prepare(info, told.append, CancelToken()) == ""
    assert told
    path = weights.path(info)
    made = path.stat().st_mtime_ns
    told.clear()
    assert weights.prepare(info, told.append, CancelToken()) == ""
    assert not told
    assert path.stat().st_mtime_ns == made
    assert list(path.parent.iterdir()) == [path], "nothing is left beside it"
    stored = weights.read(info)
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    model = weights.model(info, torch.device("cpu"), "fp32", cancel=CancelToken())
    assert (len(model.layers), model.facts.melody, model.facts.codebooks) == (2, info.melody, info.codebooks)
    rows = torch.randn(2, 64)
    heads = torch.cat([stored[f"linears.{book}.weight"] for book in range(info.codebooks)]).float()
    assert torch.allclose(model.heads(rows), rows @ heads.T, atol=1e-5)
    assert float(heads.std()) == pytest.approx(0.02, rel=0.05)
    few = weights.model(info, torch.device("cpu"), "fp32", 1, cancel=CancelToken())
    assert len(few.layers) == 1


@pytest.mark.parametrize("damage", ["cut", "other sizes", "someone else's", "noise"])
def test_a_file_that_is_not_right_is_made_anew_and_said(tmp_path: Path, damage: str) -> None:
    info, weights = tiny(), BenchWeights(tmp_path)
    prepared(tmp_path, info)
    path = weights.path(info)
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:-1])
    elif damage == "other sizes":
        path.unlink()
        prepared(tmp_path, replace(info, layers=3))
    elif damage == "someone else's":
        path.write_bytes(whole.replace(b"nur-studio bench", b"another program!"))
    else:
        path.write_bytes(b"noise")
    assert prepared(tmp_path, info) == f"{path} was damaged or something else, and was made anew."
    assert path.read_bytes() == whole


def test_what_is_cancelled_or_has_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info, weights, cancel = tiny(), BenchWeights(tmp_path), CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        weights.prepare(info, stop, cancel)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2, 1, 1))
    with pytest.raises(FileProblem, match="not enough room"):
        prepared(tmp_path, info)
    assert not list(tmp_path.iterdir())


def test_a_cache_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(FileProblem, match="cannot be written"):
        prepared(tmp_path / "cache" / "bench", tiny())


def test_forgetting_takes_all_and_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    weights = BenchWeights(tmp_path)
    assert BenchWeights(tmp_path / "nowhere").forget() == 0
    prepared(tmp_path, tiny())
    prepared(tmp_path, tiny("musicgen-melody"))
    (tmp_path / ".musicgen-small-1.12345678.part").write_bytes(b"1234")
    (tmp_path / "notes.txt").write_text("a person's")
    size = sum(weights.disk_bytes(weights.path(tiny(name))) for name in ("musicgen-small", "musicgen-melody"))
    assert weights.forget() == size + 4
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
