"""Tiny models of every family, made and loaded once; without torch and audiocraft the tests here are skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from parity import Family

    from nur_studio.engines.musicgen.loading import ModelFolders

_MISSING = [name for name in ("torch", "transformers", "audiocraft") if importlib.util.find_spec(name) is None]


class _SkippedModule(pytest.Module):
    def collect(self) -> list[Any]:
        pytest.skip(f"needs {', '.join(_MISSING)}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    return _SkippedModule.from_parent(parent, path=module_path) if _MISSING else None


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # tiny products only wait for each other on more


@pytest.fixture(scope="session")
def all_folders(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> dict[str, ModelFolders]:
    from tiny_musicgen import make_musicgen

    folder = tmp_path_factory.mktemp("models")
    return {
        "text": make_musicgen(folder, "text"),
        "stereo": make_musicgen(folder, "stereo"),
        "melody": make_musicgen(folder, "melody", own_codec=True),
        "stereo-melody": make_musicgen(folder, "stereo-melody"),
    }


@pytest.fixture(scope="session")
def families(all_folders: dict[str, ModelFolders]) -> dict[str, Family]:
    from parity import family_of

    return {name: family_of(name, folders) for name, folders in all_folders.items()}


@pytest.fixture(params=["text", "stereo", "melody", "stereo-melody"])
def family(families: dict[str, Family], request: pytest.FixtureRequest) -> Family:
    return families[request.param]


@pytest.fixture
def text(families: dict[str, Family]) -> Family:
    return families["text"]


@pytest.fixture(scope="session")
def weights_folder(all_folders: dict[str, ModelFolders], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights as a person has it after importing: a tiny small, stereo-small and melody."""
    import shutil

    from nur_studio.core.progress import CancelToken, ignore_progress
    from nur_studio.engines.importing import import_folder
    from nur_studio.engines.weights import WeightStore

    disk = tmp_path_factory.mktemp("disk")
    names = {"text": "musicgen-small", "stereo": "musicgen-stereo-small", "melody": "musicgen-melody"}
    for family, name in names.items():
        shutil.copytree(all_folders[family].checkpoint, disk / name)
    text = all_folders["text"]
    assert text.codec is not None
    shutil.copytree(text.text_encoder, disk / "t5-base")
    shutil.copytree(text.codec, disk / "encodec_32khz")
    store = WeightStore(tmp_path_factory.mktemp("weights"))
    assert set(import_folder(store, disk, ignore_progress, CancelToken())) == set(names.values())
    return store.folder
