"""Two processes that import the same model at the same moment: neither takes the other's files away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import model
from nur_studio.engines.weights import WeightStore
from tests.tiny_musicgen import make_musicgen


def test_an_import_in_the_middle_of_another_leaves_both_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    make_musicgen(disk, "text")
    (disk / "text").rename(disk / "musicgen-small")
    store = WeightStore(tmp_path / "models")
    begun = []

    def another(progress: Progress) -> None:
        if not begun:
            begun.append(progress)
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda: 4_000_001)
                assert import_folder(store, disk, ignore_progress, CancelToken()) == ("musicgen-small",)

    assert import_folder(store, disk, another, CancelToken()) == ("musicgen-small",)
    assert begun
    store.verify(model("musicgen-small"), ignore_progress, CancelToken())
    assert sorted(path.name for path in store.folder.iterdir()) == ["encodec_32khz", "musicgen-small", "t5-base"]
