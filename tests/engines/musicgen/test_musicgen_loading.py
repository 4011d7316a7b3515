"""Loading: the published format, from folders alone, and what is said of files that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
import torch

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.checkpoints import BadCheckpoint, read_package
from nur_studio.engines.musicgen.checkpoint import Weights, best_state
from nur_studio.engines.musicgen.codec import decode_whole
from nur_studio.engines.musicgen.decoding import Window, decode
from nur_studio.engines.musicgen.facts import UnknownModel
from nur_studio.engines.musicgen.loading import ModelFolders, MusicGenModel, load

CPU = torch.device("cpu")


@pytest.fixture
def folders(all_folders: dict[str, ModelFolders], tmp_path: Path) -> ModelFolders:
    """A copy of the text model that a test may damage."""
    source = all_folders["text"]
    assert source.codec is not None
    parts = {"checkpoint": source.checkpoint, "text_encoder": source.text_encoder, "codec": source.codec}
    return ModelFolders(**{name: Path(shutil.copytree(part, tmp_path / name)) for name, part in parts.items()})


def loaded(folders: ModelFolders) -> MusicGenModel:
    return load(folders, CPU, "fp32", ignore_progress, CancelToken())


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    package = torch.load(path, weights_only=True)
    change(package)
    torch.save(package, path)


def test_the_facts_are_the_checkpoints(family: Any) -> None:
    facts = family.model.facts
    stereo, melody = "stereo" in family.name, "melody" in family.name
    assert (facts.dim, facts.layers, facts.heads, facts.head_dim, facts.feed_forward) == (64, 3, 4, 16, 256)
    assert facts.codebooks == (8 if stereo else 4)
    assert facts.delays == ((0, 0, 1, 1, 2, 2, 3, 3) if stereo else (0, 1, 2, 3))
    assert (facts.card, facts.special, facts.stereo, facts.melody) == (512, 512, stereo, melody)
    assert facts.cross == (() if facts.melody else ("description",))
    assert facts.prepend == (("self_wav", "description") if facts.melody else ())
    assert (facts.sample_rate, facts.window_s, facts.guidance) == (32000, 30.0, 3.0)
    assert family.model.codec.frame_rate == 50
    assert family.model.window_frames == 1500


def test_nothing_asks_the_network(folders: ModelFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    model = loaded(folders)
    codes = decode(Window(model.language_model, model.conditioner("jazz"), 20), lambda done, steps: None)
    assert decode_whole(model.codec, codes)[0].shape == (20 * 640, 1)
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_loaded_model_needs_its_files_no_more(folders: ModelFolders) -> None:
    model = loaded(folders)
    before = decode(Window(model.language_model, model.conditioner("jazz"), 20), lambda done, steps: None)
    for folder in (folders.checkpoint, folders.text_encoder, folders.codec):
        assert folder is not None
        for path in folder.iterdir():
            path.write_bytes(b"\0" * path.stat().st_size)  # in place: what is mapped would change too
    after = decode(Window(model.language_model, model.conditioner("jazz"), 20), lambda done, steps: None)
    assert torch.equal(before, after)
    assert decode_whole(model.codec, after)[0].std() > 0.0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows trims mapped files by itself")
def test_weights_are_not_held_twice_while_loading(tmp_path: Path) -> None:
    path = tmp_path / "state_dict.bin"
    torch.save({"best_state": {"a": torch.arange(16_000_000.0), "b": torch.ones(3).expand(4, 3)}}, path)
    weights = Weights(best_state(read_package(path), path), path)
    process = psutil.Process()
    taken, small = weights.take("a", (16_000_000,)), weights.take("b", (4, 3))
    copy = taken.clone()
    touched = process.memory_info().rss
    weights.release()
    assert touched - process.memory_info().rss > 50_000_000
    assert torch.equal(taken, copy)  # from the file again
    assert float(small.sum()) == 12.0
    weights.check_empty()


def test_loading_tells_how_far_it_is(folders: ModelFolders) -> None:
    told: list[Progress] = []
    load(folders, CPU, "fp32", told.append, CancelToken())
    fractions = [progress.fraction for progress in told]
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)
    assert len(fractions) >= 6


def test_loading_can_be_cancelled_between_layers(folders: ModelFolders) -> None:
    class AfterALayer(CancelToken):
        layers = 0

        def check(self) -> None:
            if threading.current_thread().name.startswith("loading"):
                self.layers += 1
                self.cancel()
            super().check()

    cancel = AfterALayer()
    with pytest.raises(Cancelled):
        load(folders, CPU, "fp32", ignore_progress, cancel)
    assert cancel.layers == 1


def test_what_goes_wrong_beside_it_ends_the_reading(folders: ModelFolders, tmp_path: Path) -> None:
    told: list[Progress] = []
    with pytest.raises(BadCheckpoint, match="no text encoder"):
        load(replace(folders, text_encoder=tmp_path), CPU, "fp32", told.append, CancelToken())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loading")]


def test_nothing_of_audiocraft_stays_changed(folders: ModelFolders) -> None:
    from audiocraft.modules.conditioners import T5Conditioner

    before = list(T5Conditioner.MODELS), dict(T5Conditioner.MODELS_DIMS), sys.modules.get("demucs")
    loaded(folders)
    assert (T5Conditioner.MODELS, T5Conditioner.MODELS_DIMS, sys.modules.get("demucs")) == before


@pytest.mark.parametrize("name", ["state_dict.bin", "compression_state_dict.bin"])
def test_a_missing_file_gets_a_sentence(folders: ModelFolders, name: str) -> None:
    (folders.checkpoint / name).unlink()
    with pytest.raises(BadCheckpoint, match=f"^{name} is missing in "):
        loaded(folders)


@pytest.mark.parametrize("name", ["state_dict.bin", "compression_state_dict.bin"])
@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_a_truncated_file_gets_a_sentence(folders: ModelFolders, name: str, kept: float) -> None:
    path = folders.checkpoint / name
    data = path.read_bytes()
    path.write_bytes(data[: int(kept) if kept >= 1 else int(len(data) * kept)])
    with pytest.raises(BadCheckpoint, match=name):
        loaded(folders)


def test_a_file_that_would_run_code_is_not_opened(folders: ModelFolders, tmp_path: Path) -> None:
    trace = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(trace),)

    for name in ("state_dict.bin", "compression_state_dict.bin"):
        path = folders.checkpoint / name
        good = path.read_bytes()
        torch.save({"best_state": Hostile(), "xp.cfg": "a: 1"}, path)
        with pytest.raises(BadCheckpoint, match="could run code"):
            loaded(folders)
        path.write_bytes(good)
    assert not trace.exists()
    with torch.serialization.safe_globals([os.mkdir]):  # the file does what it says where it is let
        (folders.checkpoint / "state_dict.bin").unlink()
        torch.save({"best_state": Hostile()}, tmp_path / "hostile.bin")
        torch.load(tmp_path / "hostile.bin", weights_only=False)
    assert trace.exists()


def test_swapped_files_get_a_sentence(folders: ModelFolders) -> None:
    lm, codec = folders.checkpoint / "state_dict.bin", folders.checkpoint / "compression_state_dict.bin"
    data = lm.read_bytes()
    lm.write_bytes(codec.read_bytes())
    with pytest.raises(BadCheckpoint, match="does not say what model it holds"):
        loaded(folders)
    lm.write_bytes(data)
    codec.write_bytes(data)
    with pytest.raises(BadCheckpoint, match="not the codec"):
        loaded(folders)


def test_weights_of_another_model_get_a_sentence(folders: ModelFolders, all_folders: dict[str, ModelFolders]) -> None:
    path = folders.checkpoint / "state_dict.bin"
    good = path.read_bytes()
    edit(path, lambda package: package["best_state"].pop("transformer.layers.1.linear1.weight"))
    with pytest.raises(BadCheckpoint, match=r"lacks the weights transformer\.layers\.1\.linear1\.weight"):
        loaded(folders)
    path.write_bytes(good)
    edit(path, lambda package: package["best_state"].update({"out_norm.weight": torch.zeros(63)}))
    with pytest.raises(BadCheckpoint, match=r"out_norm\.weight is \(63,\), not \(64,\)"):
        loaded(folders)
    path.write_bytes(good)
    edit(path, lambda package: package["best_state"].update({"extra": torch.zeros(1)}))
    with pytest.raises(BadCheckpoint, match="as extra"):
        loaded(folders)
    other = torch.load(all_folders["stereo"].checkpoint / "state_dict.bin", weights_only=True)
    path.write_bytes(good)
    edit(path, lambda package: package.update({"xp.cfg": other["xp.cfg"]}))
    with pytest.raises(BadCheckpoint, match=r"lacks the weights emb\.4\.weight"):
        loaded(folders)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("{", "cannot be read"),
        ("- a\n- b\n", "does not say what model"),
        ("a: &a [1]\nb: *a\n", "in a way that audiocraft does not"),
        ("solver: musicgen\n", "description of its model cannot be read"),
        ("x: ${y}\ny: ${x}\ntransformer_lm: ${x}\n", "description of its model cannot be read"),
        ("a: !!python/object/apply:os.mkdir ['/tmp/never']\n", "cannot be read"),
    ],
)
def test_a_bad_description_gets_a_sentence(folders: ModelFolders, config: str, sentence: str) -> None:
    edit(folders.checkpoint / "state_dict.bin", lambda package: package.update({"xp.cfg": config}))
    with pytest.raises(StudioError, match=sentence):
        loaded(folders)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("dim: 64", "dim: 999999999999", "impossible size"),
        ("norm_first: true", "norm_first: false", "sets norm_first to False"),
        ("lm_model: transformer_lm", "lm_model: transformer_lm_magnet", "holds a transformer_lm_magnet"),
        ("modeling: delay", "modeling: unroll", "by unroll, not by delays"),
        ("activation: gelu", "activation: tanh", "layers use tanh"),
        ("model: t5\n", "model: clap\n", "something else than T5"),
    ],
)
def test_a_model_we_cannot_decode_is_named(folders: ModelFolders, old: str, new: str, sentence: str) -> None:
    def change(package: dict[str, Any]) -> None:
        assert old in package["xp.cfg"]
        package["xp.cfg"] = package["xp.cfg"].replace(old, new)

    edit(folders.checkpoint / "state_dict.bin", change)
    with pytest.raises(UnknownModel, match=sentence):
        loaded(folders)


def test_a_bad_text_encoder_gets_a_sentence(folders: ModelFolders) -> None:
    weights = folders.text_encoder / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:1000])
    with pytest.raises(BadCheckpoint, match=r"text encoder in .* is damaged"):
        loaded(folders)
    weights.write_bytes(good)
    config = folders.text_encoder / "config.json"
    sizes = json.loads(config.read_text())
    config.write_text(json.dumps({**sizes, "d_model": 48}))
    with pytest.raises(BadCheckpoint, match="text encoder in"):
        loaded(folders)
    config.write_text("{")
    with pytest.raises(BadCheckpoint, match=r"text encoder in .* is damaged"):
        loaded(folders)
    config.unlink()
    with pytest.raises(BadCheckpoint, match="There is no text encoder"):
        loaded(folders)


def test_a_bad_codec_gets_a_sentence(folders: ModelFolders) -> None:
    assert folders.codec is not None
    weights = folders.codec / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BadCheckpoint, match=r"codec in .* is damaged"):
        loaded(folders)
    shutil.rmtree(folders.codec)
    with pytest.raises(BadCheckpoint, match="needs the codec facebook/encodec_32khz"):
        loaded(folders)
