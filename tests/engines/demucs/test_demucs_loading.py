"""Demucs' files: both layouts give the same network, and nothing in a file is run or believed."""

from __future__ import annotations

import json
import os
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_demucs import make_demucs, make_network, save_safetensors, save_torch

from nur_studio.core.errors import FileProblem, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.checkpoints import BadCheckpoint
from nur_studio.engines.demucs.bag import Bag, checksum_of, network_file, read_bag
from nur_studio.engines.demucs.engine import DemucsEngine, load
from nur_studio.engines.demucs.network import read_network
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import SEPARATORS, separator_model
from nur_studio.engines.weights import WeightStore

SOURCES = ["drums", "bass", "other", "vocals"]


class Trap:
    """Pickled, it asks for a folder to be made when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def torch_file(folder: Path, **changes: Any) -> Path:
    """A network as Demucs saves one, with parts of the package replaced."""
    network = make_network(SOURCES)
    package = {
        "klass": type(network),
        "args": network._init_args_kwargs[0],
        "kwargs": dict(network._init_args_kwargs[1]),
        "state": network.state_dict(),
        **changes,
    }
    torch.save(package, folder / "5ee0.th")
    return folder / "5ee0.th"


def test_both_layouts_give_the_network_that_was_saved(tmp_path: Path) -> None:
    network = make_network(SOURCES)
    save_torch(network, tmp_path / "a.th")
    save_safetensors(network, tmp_path / "a.safetensors")
    (saved,) = tmp_path.glob("a-*.th")
    for path in (saved, tmp_path / "a.safetensors"):
        read = read_network(path)
        assert read.sources == SOURCES
        assert read.segment == Fraction(1, 2)
        assert not read.training
        for name, weight in network.state_dict().items():
            assert torch.equal(read.state_dict()[name], weight.half().float()), name


def test_demucs_itself_reads_what_the_tests_make(tmp_path: Path) -> None:
    """Or the tests would prove nothing of published files."""
    from demucs.hf import load_safetensors_model
    from demucs.pretrained import get_model

    make_demucs(tmp_path, "htdemucs_ft")
    bag = get_model("htdemucs_ft", tmp_path)
    ours = load(tmp_path, separator_model("htdemucs_ft"), torch.device("cpu"), ignore_progress, CancelToken())
    for theirs, network in zip(bag.models, ours.networks, strict=True):
        for name, weight in theirs.state_dict().items():
            assert torch.equal(weight, network.state_dict()[name])
    assert ours.weights.tolist() == bag.weights
    save_safetensors(bag.models[0], tmp_path / "x.safetensors")
    assert load_safetensors_model(tmp_path / "x.safetensors").sources == SOURCES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda trap: {"note": Trap(trap)}, "could run code"),
        (lambda trap: {"klass": Trap}, "could run code"),
        (lambda _: {"klass": torch.Size}, "no network of Demucs 4"),
        (lambda _: {"klass": "demucs.htdemucs.HTDemucs"}, "no network of Demucs 4"),
        (lambda _: {"kwargs": {"sources": SOURCES, "depth": 10**9}}, r"\(depth\)"),
        (lambda _: {"kwargs": {"sources": SOURCES, "channels": 2.5}}, r"\(channels\)"),
        (lambda _: {"kwargs": {"sources": SOURCES, "segment": float("nan")}}, r"\(segment\)"),
        (lambda _: {"kwargs": {"sources": SOURCES, "t_sparse_self_attn": True}}, r"\(t_sparse_self_attn\)"),
        (lambda _: {"kwargs": {"sources": SOURCES, "samplerate": 48000}}, r"\(samplerate\)"),
        (lambda _: {"args": [], "kwargs": {}}, "no network of Demucs 4"),
        (lambda _: {"args": [SOURCES] * 99}, "no network of Demucs 4"),
        (
            lambda _: {"kwargs": {"sources": SOURCES, "channels": 512, "growth": 4}},
            "larger|cannot be built|does not fit",
        ),
        (lambda _: {"kwargs": {"sources": SOURCES, "channels": 7}}, "cannot be built|lacks|does not fit"),
        (lambda _: {"state": {}}, "lacks the weights"),
        (lambda _: {"state": {"x": "y"}}, "no plain weights"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    trap = tmp_path / "sprung"
    with pytest.raises(BadCheckpoint, match=words):
        read_network(torch_file(tmp_path, **change(trap)))
    assert not trap.exists()


class _Call:
    """Pickles as a call of the class itself, with what a file likes."""

    def __reduce__(self) -> tuple[object, ...]:
        from demucs.htdemucs import HTDemucs

        return HTDemucs, (["a"] * 10**6,)


def test_a_file_cannot_have_a_network_built_while_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="damaged or no checkpoint"):
        read_network(torch_file(tmp_path, note=_Call()))


def test_weights_too_many_are_named(tmp_path: Path) -> None:
    state = {**make_network(SOURCES).state_dict(), "extra": torch.zeros(1)}
    with pytest.raises(BadCheckpoint, match="no place for, as extra"):
        read_network(torch_file(tmp_path, state=state))


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.999])
@pytest.mark.parametrize("layout", ["torch", "safetensors"])
def test_a_file_cut_short_is_a_sentence(tmp_path: Path, layout: str, keep: float) -> None:
    make_demucs(tmp_path, layout=layout)
    (path,) = [path for path in tmp_path.iterdir() if path.suffix != ".yaml"]
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else int(keep)])
    with pytest.raises(StudioError, match=r"damaged|could run code|not a checkpoint|cannot be read"):
        read_network(path)


def test_a_plain_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "x.th").write_bytes(pickle.dumps({"klass": Trap(tmp_path / "sprung")}))
    with pytest.raises(BadCheckpoint):
        read_network(tmp_path / "x.th")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"klass": "os.system"}, "no network of Demucs 4"),
        ({"klass": ""}, "no network of Demucs 4"),
        ({"structure": "{}"}, "quantised"),
        ({"kwargs": "{"}, "no network of Demucs 4"),
        ({"kwargs": '{"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}'}, "no network of Demucs 4"),
        ({"args": "[" * 100_000}, "no network of Demucs 4"),
    ],
)
def test_metadata_is_not_believed(tmp_path: Path, said: dict[str, str], words: str) -> None:
    save_safetensors(make_network(SOURCES), tmp_path / "x.safetensors", **said)
    with pytest.raises(BadCheckpoint, match=words):
        read_network(tmp_path / "x.safetensors")


# -- bags --------------------------------------------------------------------------------------------------------


def test_a_published_bag_is_read(tmp_path: Path) -> None:
    """Word by word what lies beside the published networks."""
    path = tmp_path / "x.yaml"
    path.write_text("models: ['f7e0c4bc', 'd12395a8']\nweights: [\n  [1., 0.],\n  [0., 1.],\n]")
    assert read_bag(path) == Bag(("f7e0c4bc", "d12395a8"), ((1.0, 0.0), (0.0, 1.0)), None)
    path.write_text("models: ['75fc33f5']\nsegment: 44\n")
    assert read_bag(path) == Bag(("75fc33f5",), None, 44.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "models: []",
        "models: ['../../x']",
        "models: [1]",
        "models: ['a']\nweights: [[1], [1]]",
        "models: ['a', 'b']\nweights: [[1, 0], [1]]",
        "models: ['a']\nweights: [[0, 1]]",
        "models: ['a']\nweights: [[-1]]",
        "models: ['a']\nweights: [[.nan]]",
        "models: ['a']\nsegment: -1",
        "a: &a ['x']\nmodels: *a",
        "!!python/object/apply:os.mkdir ['sprung']",
        "models: ['" + "a" * 70_000 + "']",
        "\x00",
    ],
)
def test_what_is_no_bag_is_a_sentence(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "htdemucs.yaml"
    path.write_text(text)
    with pytest.raises(BadCheckpoint, match="which networks"):
        read_bag(path)
    assert not (tmp_path / "sprung").exists()


def test_files_are_found_by_their_signature() -> None:
    names = ["955717e8-8726e21a.th", "955717e8.safetensors", "ab.th", "abc-12345678.th", "notes.txt"]
    assert network_file(names, "955717e8") == "955717e8.safetensors"
    assert network_file(names[:1], "955717e8") == "955717e8-8726e21a.th"
    assert network_file(names, "ab") == "ab.th"
    assert network_file(names, "a") == ""
    assert (checksum_of("955717e8-8726e21a.th"), checksum_of("ab.th")) == ("8726e21a", "")


def test_networks_that_are_another_models_are_a_sentence(tmp_path: Path) -> None:
    make_demucs(tmp_path, "htdemucs_6s")
    (tmp_path / "htdemucs_6s.yaml").rename(tmp_path / "htdemucs.yaml")
    with pytest.raises(BadCheckpoint, match="with the stems drums, bass, other, vocals, guitar, piano, not Demucs"):
        load(tmp_path, separator_model("htdemucs"), torch.device("cpu"), ignore_progress, CancelToken())
    (tmp_path / "htdemucs.yaml").write_text(json.dumps({"models": ["nothing"]}))
    with pytest.raises(BadCheckpoint, match="nothing is missing"):
        load(tmp_path, separator_model("htdemucs"), torch.device("cpu"), ignore_progress, CancelToken())


# -- importing ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "models")


def bring(store: WeightStore, folder: Path) -> tuple[str, ...]:
    return import_folder(store, folder, ignore_progress, CancelToken())


def test_torchs_own_cache_is_enough(store: WeightStore, tmp_path: Path) -> None:
    """Where Demucs before 4.1 put its downloads: networks of several models, and no bag."""
    cache = tmp_path / "checkpoints"
    cache.mkdir()
    for signature in (*SEPARATORS[0].networks, *SEPARATORS[1].networks):
        save_torch(make_network(SOURCES), cache / f"{signature}.th")
    assert bring(store, cache) == ("htdemucs", "htdemucs_ft")
    assert store.state(SEPARATORS[1]) == "ready"
    assert read_bag(store.folder / "htdemucs_ft" / "htdemucs_ft.yaml").weights == (
        (1.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 0.0, 0.0),
        (0.0, 0.0, 1.0, 0.0),
        (0.0, 0.0, 0.0, 1.0),
    )
    assert DemucsEngine("htdemucs", str(store.folder), "cpu").info.lanes == STEMS


def test_a_swapped_network_is_found_by_its_name(store: WeightStore, tmp_path: Path) -> None:
    disk = make_demucs(tmp_path / "disk")
    (path,) = disk.glob("*.th")
    path.unlink()
    save_torch(make_network(SOURCES, seed=9), disk / "other.th")
    (swapped,) = disk.glob("other-*.th")
    swapped.rename(path)
    with pytest.raises(FileProblem, match="not what its name says"):
        bring(store, disk)
    assert not list(store.folder.iterdir())


def test_a_bag_without_its_network_is_a_sentence(store: WeightStore, tmp_path: Path) -> None:
    disk = make_demucs(tmp_path / "disk", "htdemucs_ft")
    next(iter(disk.glob("5ee2-*.th"))).unlink()
    with pytest.raises(FileProblem, match="network 5ee2 is missing"):
        bring(store, disk)


def test_a_network_swapped_after_the_import_is_not_loaded(store: WeightStore, tmp_path: Path) -> None:
    bring(store, make_demucs(tmp_path / "disk"))
    (path,) = (store.folder / "htdemucs").glob("*.th")
    data = path.read_bytes()
    path.write_bytes(data[:-10] + bytes(10))
    with pytest.raises(FileProblem, match="checksum differs"):
        DemucsEngine("htdemucs", str(store.folder), "cpu").warm()
