"""Measure how long MusicGen small takes to load, and how much memory: ours against audiocraft's own `get_pretrained`.

    .venv/bin/python packaging/bench_loading.py [FOLDER] [--runs 3]

Writes random weights of the published sizes and layout once, in the layout of Hugging Face's cache, so that audiocraft
finds them as it would after a download; with FOLDER they stay there for the next time. Then both load on the CPU in
float32, each in a fresh process, in turn: seconds from the start of the process until the model is ready, seconds of
CPU until then (what the rest of the machine does disturbs these less), and the most memory the process ever held. The
files are read once before the first: the disk's cache is warm for both.

The text encoder's file holds the encoder only; the published one has T5's decoder too, which neither reads.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

MODEL, TEXT_ENCODER, CODEC = "facebook/musicgen-small", "t5-base", "facebook/encodec_32khz"
SIZES = {"card": 2048, "dim": 1024, "num_heads": 16, "num_layers": 24}
_REVISION = "0" * 40
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Load:
    """One process: seconds to ready, on the clock and of CPU; bytes of memory at most."""

    seconds: float
    cpu: float
    peak: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", choices=("write", *CHILDREN), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "write":
        write(options.folder)
    elif options.child:
        CHILDREN[options.child](options.folder)
        print(json.dumps({"ready": time.time(), "cpu": time.process_time(), "peak": peak_bytes()}))
    elif options.folder:
        measure(options.folder.resolve(), options.runs)
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), options.runs)


def measure(folder: Path, runs: int) -> None:
    """Write what is not there yet, load in turn, print the table."""
    done = folder / "done"
    if not done.exists():
        run("write", folder)
        done.touch()
    held = held_bytes(folder)
    warm(folder)
    loads: dict[str, list[Load]] = {name: [] for name in CHILDREN}
    for _ in range(runs):
        for name in CHILDREN:
            loads[name].append(one := run(name, folder))
            print(f"{name:16} {one.seconds:6.2f} s, {one.cpu:6.2f} s of CPU, {one.peak / _GIB:.2f} GiB", flush=True)
    print(f"weights as held, in float32: {held / _GIB:.2f} GiB; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"{'':16} {'median s':>8} {'of CPU':>8} {'peak GiB':>8} {'÷ weights':>9}")
    for name, of_name in loads.items():
        peak = statistics.median(load.peak for load in of_name)
        print(f"{name:16} {median_s(of_name):8.2f} {median_cpu(of_name):8.2f} {peak / _GIB:8.2f} {peak / held:9.2f}")
    for what, median in (("seconds", median_s), ("seconds of CPU", median_cpu)):
        theirs, ours, both = (median(loads[name]) for name in ("get_pretrained", "load", "imports"))
        past = (ours - both) / (theirs - both)
        print(f"{what}: load takes {ours / theirs:.2f} of get_pretrained, {past:.2f} past the imports")


def median_s(loads: list[Load]) -> float:
    return statistics.median(load.seconds for load in loads)


def median_cpu(loads: list[Load]) -> float:
    return statistics.median(load.cpu for load in loads)


def warm(folder: Path) -> None:
    """Have all files, the packages' too, in the disk's cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass
    run("imports", folder)


def run(name: str, folder: Path) -> Load:
    """Do one thing in a process of its own, which finds the weights where a download would have put them."""
    start = time.time()
    done = subprocess.run(
        [sys.executable, __file__, str(folder), "--child", name],
        env=os.environ | {"HF_HUB_CACHE": str(folder), "HF_HUB_OFFLINE": "1", "AUDIOCRAFT_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    if name == "write":
        return Load(time.time() - start, 0.0, 0)
    told = json.loads(done.stdout.splitlines()[-1])
    return Load(told["ready"] - start, told["cpu"], told["peak"])


def peak_bytes() -> int:
    """The most memory this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


# -- what is measured ------------------------------------------------------------------------------------------------


def imports(_folder: Path) -> None:
    """What both import, and nothing else."""
    from nur_studio.engines.musicgen import loading  # noqa: F401
    from nur_studio.engines.musicgen.shim import audiocraft

    audiocraft()
    from audiocraft.models import musicgen  # noqa: F401
    from transformers import EncodecModel, T5EncoderModel, T5Tokenizer  # noqa: F401


def get_pretrained(_folder: Path) -> None:
    """audiocraft as published, with stand-ins only for what it imports and does not need here."""
    from nur_studio.engines.musicgen.shim import audiocraft

    audiocraft()
    from audiocraft.models.musicgen import MusicGen

    MusicGen.get_pretrained(MODEL, device="cpu")


def load(folder: Path) -> None:
    """The studio's own."""
    import torch

    from nur_studio.core.progress import CancelToken, ignore_progress
    from nur_studio.engines.musicgen import loading

    folders = loading.ModelFolders(snapshot(folder, MODEL), snapshot(folder, TEXT_ENCODER), snapshot(folder, CODEC))
    loading.load(folders, torch.device("cpu"), "fp32", ignore_progress, CancelToken())


CHILDREN = {"imports": imports, "get_pretrained": get_pretrained, "load": load}


# -- the weights -----------------------------------------------------------------------------------------------------


def snapshot(folder: Path, repository: str) -> Path:
    """Where Hugging Face's cache has a repository's files."""
    return folder / f"models--{repository.replace('/', '--')}" / "snapshots" / _REVISION


def held_bytes(folder: Path) -> int:
    """All weights in float32: the transformer's are stored in half of that, the others as they are."""
    model = (snapshot(folder, MODEL) / "state_dict.bin").stat().st_size * 2
    return model + sum((snapshot(folder, name) / "model.safetensors").stat().st_size for name in (TEXT_ENCODER, CODEC))


def write(folder: Path) -> None:
    """Random weights of the published sizes, in the published layout."""
    from omegaconf import OmegaConf
    from transformers import EncodecConfig, EncodecModel, T5Config, T5EncoderModel

    from nur_studio.engines.musicgen.loading import ModelFolders
    from nur_studio.engines.musicgen.shim import audiocraft

    folders = ModelFolders(*(snapshot(folder, name) for name in (MODEL, TEXT_ENCODER, CODEC)))
    assert folders.codec is not None
    for place in (folders.checkpoint, folders.text_encoder, folders.codec):
        place.mkdir(parents=True, exist_ok=True)
        refs = place.parent.parent / "refs"
        refs.mkdir(exist_ok=True)
        (refs / "main").write_text(_REVISION)
    audiocraft()
    tiny_musicgen: Any = importlib.import_module("tiny_musicgen")  # in tests/
    tiny_musicgen.maketext_encoder_in(folders.text_encoder)
    T5EncoderModel(
        T5Config(vocab_size=32128, d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12)
    ).save_pretrained(folders.text_encoder)
    EncodecModel(
        EncodecConfig(
            target_bandwidths=[4 * 50 * math.log2(2048) / 1000],
            sampling_rate=32000,
            audio_channels=1,
            normalize=False,
            hidden_size=128,
            num_filters=64,
            upsampling_ratios=[8, 5, 4, 4],
            norm_type="weight_norm",
            use_causal_conv=False,
            num_lstm_layers=2,
            codebook_size=2048,
            codebook_dim=128,
            use_conv_shortcut=False,
        )
    ).save_pretrained(folders.codec)
    config = OmegaConf.create(tiny_musicgen._lm_config("text", SIZES))
    model = tiny_musicgen._build_lm(config, folders)
    state = {name: weight.half() for name, weight in model.state_dict().items()}
    tiny_musicgen._save(
        folders.checkpoint / "state_dict.bin", {"best_state": state, "xp.cfg": OmegaConf.to_yaml(config)}
    )
    tiny_musicgen._save(folders.checkpoint / "compression_state_dict.bin", {"pretrained": CODEC})
    print(f"wrote {sum(weight.numel() for weight in state.values()) / 1e6:.0f} million weights of the transformer")


if __name__ == "__main__":
    main()
