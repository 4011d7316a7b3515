"""Tiny models in a store, as an import leaves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_demucs import make_demucs

from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.demucs.engine import DemucsEngine
from nur_studio.engines.importing import import_folder
from nur_studio.engines.weights import WeightStore

MakeEngine = Callable[..., DemucsEngine]


@pytest.fixture
def make_engine(tmp_path: Path) -> MakeEngine:
    """Makes a tiny model in the published layout, imports it, and gives the engine that loads it."""

    def make(name: str = "htdemucs", layout: str = "torch") -> DemucsEngine:
        store = WeightStore(tmp_path / "models")
        published = make_demucs(tmp_path / "disk" / name, name, layout=layout)
        assert import_folder(store, published, ignore_progress, CancelToken()) == (name,)
        return DemucsEngine(name, str(store.folder), "cpu")

    return make
