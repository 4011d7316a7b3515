"""The folder of weights: what is ready, what is missing, checked, removed; and what is taken in from other folders."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from nur_studio.core.errors import Cancelled, FileProblem, UnknownEngine
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import CODEC, MODELS, TEXT_ENCODER, WEIGHTS_LICENCE, model
from nur_studio.engines.tensor_files import read_tensors
from nur_studio.engines.weights import MANIFEST, WeightStore, read_manifest, write_manifest

SMALL = model("small")


def tensors(path: Path, names: dict[str, bytes]) -> None:
    """A safetensors file of bytes."""
    header: dict[str, Any] = {}
    place = 0
    for name, data in names.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(names.values()))


def archive(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(content))


def plant_checkpoint(folder: Path) -> None:
    archive(folder / "state_dict.bin", "weights")
    archive(folder / "compression_state_dict.bin", "codec")


def plant_text_encoder(folder: Path) -> None:
    tensors(folder / "model.safetensors", {"shared.weight": b"words"})
    (folder / "config.json").write_text('{"model_type": "t5"}')
    (folder / "spiece.model").write_bytes(b"pieces")


def plant_codec(folder: Path) -> None:
    tensors(folder / "model.safetensors", {"decoder.weight": b"sound"})
    (folder / "config.json").write_text('{"model_type": "encodec"}')


def plant_all(disk: Path) -> None:
    plant_checkpoint(disk / "musicgen-small")
    plant_text_encoder(disk / "t5-base")
    plant_codec(disk / "encodec_32khz")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "models")


def take(store: WeightStore, disk: Path) -> tuple[str, ...]:
    return import_folder(store, disk, ignore_progress, CancelToken())


# -- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_published_model_is_there_with_its_licence() -> None:
    names = {info.name for info in MODELS}
    sizes = ("small", "medium", "large", "melody", "melody-large")
    assert names >= {f"musicgen-{size}" for size in sizes}
    assert names >= {f"musicgen-stereo-{size}" for size in sizes}
    assert all(info.licence == WEIGHTS_LICENCE and not info.sellable for info in MODELS)
    assert all("NC" in part.licence for info in MODELS for part in (info.own, CODEC))
    assert all(info.stereo == ("stereo" in info.name) and info.melody == ("melody" in info.name) for info in MODELS)


def test_larger_models_need_more() -> None:
    small, medium, large = (model(name) for name in ("small", "medium", "large"))
    assert small.download_bytes < medium.download_bytes < large.download_bytes
    assert small.memory_bytes(2) < small.memory_bytes(4) < medium.memory_bytes(4) < large.memory_bytes(4)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownEngine, match="no model 'tiny'; known: musicgen-small"):
        model("tiny")


# -- the folder ------------------------------------------------------------------------------------------------------


def test_states_go_from_missing_over_partial_to_ready(store: WeightStore, disk: Path) -> None:
    assert store.state(SMALL) == "missing"
    assert "not on this machine" in store.why_not(SMALL)
    assert store.missing_bytes(SMALL) == SMALL.download_bytes
    plant_checkpoint(disk / "musicgen-small")
    assert take(store, disk) == ("musicgen-small",)
    assert store.state(SMALL) == "partial"
    assert "t5-base and encodec_32khz" in store.why_not(SMALL)
    with pytest.raises(FileProblem, match="not complete"):
        store.paths(SMALL)
    plant_all(disk)
    take(store, disk)
    assert (store.state(SMALL), store.why_not(SMALL), store.missing_bytes(SMALL)) == ("ready", "", 0)
    assert store.paths(SMALL).text_encoder == store.folder / "t5-base"
    assert store.state(model("medium")) == "partial" or store.state(model("medium")) == "missing"


@pytest.mark.parametrize("damage", ["shorter", "gone", "manifest", "leads out"])
def test_a_folder_that_lost_something_is_not_ready(store: WeightStore, disk: Path, damage: str) -> None:
    plant_all(disk)
    take(store, disk)
    own = store.folder / "musicgen-small"
    if damage == "shorter":
        (own / "state_dict.bin").write_bytes(b"")
    elif damage == "gone":
        (own / "state_dict.bin").unlink()
    elif damage == "manifest":
        (own / MANIFEST).write_text("{")
    else:
        write_manifest(own, {"../t5-base/spiece.model": {"bytes": 6, "sha256": ""}}, "x")
        assert read_manifest(own) == {}
    assert store.state(SMALL) != "ready"


def test_verify_finds_the_file_that_changed(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    take(store, disk)
    told: list[Progress] = []
    store.verify(SMALL, told.append, CancelToken())
    assert told[-1].fraction == 1.0
    weights = store.folder / "t5-base" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(FileProblem, match=r"t5-base.*checksum differs"):
        store.verify(SMALL, ignore_progress, CancelToken())
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        store.verify(SMALL, ignore_progress, cancel)


def test_a_file_swapped_for_another_of_its_size_is_found_before_it_is_loaded(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    take(store, disk)
    weights = store.folder / "t5-base" / "model.safetensors"
    whole = weights.read_bytes()
    store.verify(SMALL, ignore_progress, CancelToken(), changed_only=True)
    os.utime(weights, ns=(1, 1))  # touched, the same: found right once, then believed
    store.verify(SMALL, ignore_progress, CancelToken(), changed_only=True)
    assert read_manifest(weights.parent)["model.safetensors"]["mtime_ns"] == 1
    weights.write_bytes(whole[:-2] + b"\0\0")
    with pytest.raises(FileProblem, match="checksum differs"):
        store.verify(SMALL, ignore_progress, CancelToken(), changed_only=True)


def test_what_a_killed_import_left_goes_with_the_model(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    take(store, disk)
    (store.folder / "musicgen-small.4711.part").mkdir()
    store.remove(SMALL)
    assert not list(store.folder.iterdir())


def test_removing_keeps_what_another_model_needs(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    plant_checkpoint(disk / "musicgen-melody")
    take(store, disk)
    assert store.remove(SMALL) > 0
    assert store.state(model("melody")) == "ready"
    store.remove(model("melody"))
    assert sorted(path.name for path in store.folder.iterdir()) == []
    assert store.remove(SMALL) == 0


# -- importing -------------------------------------------------------------------------------------------------------


def test_a_cache_of_another_program_is_understood(store: WeightStore, disk: Path) -> None:
    """Links from a snapshot to the files themselves, as the hub's own cache has them."""
    for repository, plant in (
        ("facebook--musicgen-small", plant_checkpoint),
        ("google-t5--t5-base", plant_text_encoder),
        ("facebook--encodec_32khz", plant_codec),
    ):
        snapshot, blobs = (disk / f"models--{repository}" / part for part in ("snapshots/abc", "blobs"))
        plant(blobs)
        snapshot.mkdir(parents=True)
        for blob in blobs.iterdir():
            (snapshot / blob.name).symlink_to(os.path.relpath(blob, snapshot))
        if repository.startswith("facebook--musicgen"):
            shutil.move(str(blobs / "state_dict.bin"), str(blobs / "1"))
            (snapshot / "state_dict.bin").unlink()
            (snapshot / "state_dict.bin").symlink_to("../../blobs/1")
    assert take(store, disk) == ("musicgen-small",)
    assert store.state(SMALL) == "ready"
    assert not any(path.is_symlink() for path in store.folder.rglob("*"))
    assert take(store, disk / "models--facebook--musicgen-small" / "snapshots" / "abc") == ("musicgen-small",)


def test_the_folder_of_one_model_is_enough(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    assert take(store, disk / "musicgen-small") == ("musicgen-small",)
    assert take(store, disk / "t5-base") == ("musicgen-small",)
    take(store, disk / "encodec_32khz")
    assert store.state(SMALL) == "ready"


def test_a_model_of_transformers_is_taken_apart(store: WeightStore, disk: Path) -> None:
    whole = disk / "musicgen-stereo-small"
    tensors(
        whole / "model.safetensors",
        {"decoder.a": b"12", "text_encoder.b": b"345", "audio_encoder.c": b"6", "enc_to_dec_proj.weight": b"78"},
    )
    config = {
        "model_type": "musicgen",
        "text_encoder": {"model_type": "t5"},
        "audio_encoder": {"model_type": "encodec"},
    }
    (whole / "config.json").write_text(json.dumps(config))
    (whole / "spiece.model").write_bytes(b"pieces")
    (whole / "pytorch_model.bin").write_bytes(pickle.dumps("never opened"))
    assert take(store, disk) == ("musicgen-stereo-small",)
    assert store.state(model("stereo-small")) == "ready"
    parts = {
        name: sorted(read_tensors(store.folder / name / "model.safetensors"))
        for name in ("musicgen-stereo-small", TEXT_ENCODER.name, CODEC.name)
    }
    assert list(parts.values()) == [["decoder.a", "enc_to_dec_proj.weight"], ["b"], ["c"]]
    assert (store.folder / TEXT_ENCODER.name / "model.safetensors").read_bytes().endswith(b"345")
    assert not list(store.folder.rglob("pytorch_model.bin"))
    store.verify(model("stereo-small"), ignore_progress, CancelToken())


def test_a_whole_repository_brings_all_three(store: WeightStore, disk: Path) -> None:
    """The published ones hold both layouts: audiocraft's model is taken, and the rest from transformers'."""
    whole = disk / "musicgen-small"
    plant_checkpoint(whole)
    tensors(whole / "model.safetensors", {"decoder.a": b"1", "text_encoder.b": b"2", "audio_encoder.c": b"3"})
    config = {"model_type": "musicgen", "text_encoder": {"model_type": "t5"}, "audio_encoder": {}}
    (whole / "config.json").write_text(json.dumps(config))
    (whole / "spiece.model").write_bytes(b"pieces")
    (store.folder / CODEC.name).mkdir(parents=True)  # broken: no reason to leave the new one out
    assert take(store, disk) == ("musicgen-small",)
    assert store.state(SMALL) == "ready"
    assert (store.folder / SMALL.name / "state_dict.bin").is_file()
    assert not (store.folder / SMALL.name / "model.safetensors").exists()
    manifest = json.loads((store.folder / CODEC.name / MANIFEST).read_text())
    for entry in manifest["files"].values():
        del entry["sha256"]
    (store.folder / CODEC.name / MANIFEST).write_text(json.dumps(manifest))
    assert store.state(SMALL) == "partial"


def test_what_was_there_gives_way_only_to_what_is_whole(store: WeightStore, disk: Path) -> None:
    plant_all(disk)
    take(store, disk)
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        import_folder(store, disk, stop, cancel)
    assert store.state(SMALL) == "ready"
    assert not list(store.folder.glob("*.part"))
    take(store, disk)
    assert store.state(SMALL) == "ready"
    assert not list(store.folder.glob("*.old"))


def test_no_room_is_said_before_anything_is_copied(
    store: WeightStore, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_all(disk)
    usage = shutil.disk_usage(disk)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(FileProblem, match="not enough room"):
        take(store, disk)
    assert not list(store.folder.iterdir())


def _bad_checkpoint(disk: Path) -> None:
    plant_checkpoint(disk / "musicgen-small")
    path = disk / "musicgen-small" / "state_dict.bin"
    path.write_bytes(path.read_bytes()[:-30])


def _pickle_for_a_checkpoint(disk: Path) -> None:
    plant_checkpoint(disk / "musicgen-small")
    (disk / "musicgen-small" / "state_dict.bin").write_bytes(pickle.dumps({"best_state": {}}))


class _Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("exit 3",)


def _hostile_checkpoint(disk: Path) -> None:
    _hostile_pickle(disk, 2)


def _hostile_checkpoint_of_a_newer_protocol(disk: Path) -> None:
    _hostile_pickle(disk, 4)


def _hostile_pickle(disk: Path, protocol: int) -> None:
    plant_checkpoint(disk / "musicgen-small")
    with zipfile.ZipFile(disk / "musicgen-small" / "compression_state_dict.bin", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"best_state": _Hostile()}, protocol))


def _pickle_cut_short(disk: Path) -> None:
    plant_checkpoint(disk / "musicgen-small")
    with zipfile.ZipFile(disk / "musicgen-small" / "state_dict.bin", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"best_state": 1})[:-2])


def _nameless(disk: Path) -> None:
    plant_checkpoint(disk / "my favourite")


def _only_a_pickle(disk: Path) -> None:
    (disk / "musicgen-small").mkdir()
    (disk / "musicgen-small" / "config.json").write_text('{"model_type": "musicgen"}')
    (disk / "musicgen-small" / "pytorch_model.bin").write_bytes(b"x")


def _lacks_a_file(disk: Path) -> None:
    folder = disk / "musicgen-small"
    tensors(folder / "model-00001-of-00002.safetensors", {"decoder.a": b"1"})
    (folder / "config.json").write_text('{"model_type": "musicgen"}')
    index = {"weight_map": {"decoder.a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _cut_short(disk: Path) -> None:
    plant_codec(disk / "encodec_32khz")
    path = disk / "encodec_32khz" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def _hostile_header(disk: Path) -> None:
    plant_codec(disk / "encodec_32khz")
    (disk / "encodec_32khz" / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}")


def _no_tokenizer(disk: Path) -> None:
    plant_text_encoder(disk / "t5-base")
    (disk / "t5-base" / "spiece.model").unlink()


def _leads_out(disk: Path) -> None:
    plant_codec(disk / "encodec_32khz")
    weights, elsewhere = disk / "encodec_32khz" / "model.safetensors", disk.parent / "elsewhere"
    weights.rename(elsewhere)
    weights.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (_leads_out, "leads out of"),
        (lambda _: None, "holds no weights that the studio knows"),
        (shutil.rmtree, "There is no folder"),
        (_bad_checkpoint, "damaged, cut short"),
        (_pickle_for_a_checkpoint, "no checkpoint"),
        (_hostile_checkpoint, "not copied: it could run code"),
        (_hostile_checkpoint_of_a_newer_protocol, "not copied: it could run code"),
        (_pickle_cut_short, "damaged, cut short"),
        (_nameless, "does not say which"),
        (_only_a_pickle, "could run code"),
        (_lacks_a_file, "model-00002-of-00002.safetensors is missing"),
        (_cut_short, "cut short"),
        (_hostile_header, "no safetensors file"),
        (_no_tokenizer, "without its tokenizer"),
    ],
)
def test_what_cannot_be_used_is_a_sentence_and_leaves_nothing(
    store: WeightStore, disk: Path, plant: Any, sentence: str
) -> None:
    plant(disk)
    with pytest.raises(FileProblem, match=sentence):
        take(store, disk)
    assert not store.folder.exists() or not list(store.folder.iterdir())
