"""Say how far each precision's next tokens are from single precision's, over 30 s, on weights of the true size.

    .venv/bin/python packaging/bench_precision.py [--model musicgen-small] [--layers 24] [--frames 1500]

Weights are random halves, as published models are stored; they are kept where `nur-studio bench` keeps them. Tokens are
random too, and the same for all (teacher-forced): heard in blocks, which makes a whole 30 s a matter of minutes.
For each precision: the largest difference of logits against the largest logit, the root mean square of differences
against that of logits, the divergence of the next tokens' chances after guidance in nats (mean and largest), and how
often the likeliest token is another. Real weights have channels much
louder than others, which whole numbers suit less: these figures are of the arithmetic, not of music.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.models import MusicModel, music_model
from nur_studio.engines.musicgen.bench_weights import FOLDER, BenchWeights
from nur_studio.engines.products import has

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="musicgen-small")
    parser.add_argument("--layers", type=int, default=0, help="0: all of the model's")
    parser.add_argument("--frames", type=int, default=1500)
    chosen = parser.parse_args()
    import torch

    teacher: Any = importlib.import_module("teacher")  # in tests/
    info = music_model(chosen.model)
    layers = chosen.layers or info.layers
    torch.manual_seed(0)
    words = torch.randn((2, 24, info.dim))
    tokens = torch.randint(0, 2048, (1, info.codebooks, chosen.frames))
    print(f"{info.title}, {layers} layers, {chosen.frames} frames: against fp32")
    print(f"{'':6} {'largest':>9} {'rms':>9} {'nats, mean':>11} {'nats, most':>11} {'other likeliest':>16}")
    wanted: Any = None
    for name, model in models(info, layers):
        if model is None:
            print(f"{name:6} this processor's is not quick, and so not used")
            continue
        got = teacher.heard_in_blocks(model, conditions(info, words), tokens)
        if wanted is None:
            wanted = got
        else:
            print(f"{name:6} {row(teacher, wanted, got)}", flush=True)


def models(info: MusicModel, layers: int) -> Iterator[tuple[str, Any]]:
    """What is measured, single precision first; None where this processor has it not."""
    import torch

    cpu, cancel = torch.device("cpu"), CancelToken()
    weights = BenchWeights(Directories.of_person().cache / FOLDER)
    weights.prepare(info, ignore_progress, cancel)

    def model(precision: str) -> Any:
        return weights.model(info, cpu, precision, layers, cancel=cancel)

    for precision in ("fp32", "fp16", "bf16", "int8"):
        yield precision, model(precision) if has(precision) else None


def conditions(info: MusicModel, words: Any) -> Any:
    from nur_studio.engines.musicgen.conditions import Conditions

    nothing = words[:, :0]
    return Conditions(words, nothing) if info.melody else Conditions(nothing, words)


def row(teacher: Any, wanted: Any, got: Any) -> str:
    """A precision's columns."""
    from nur_studio.engines.musicgen.sampling import guide

    difference = got - wanted
    largest = float(difference.abs().max() / wanted.abs().max())
    rms = float((difference.double().square().mean() / wanted.double().square().mean()).sqrt())
    theirs, ours = guide(wanted, 3.0), guide(got, 3.0)
    nats = teacher.divergence(theirs, ours)
    other = float((theirs.argmax(-1) != ours.argmax(-1)).double().mean())
    return f"{largest:9.1e} {rms:9.1e} {float(nats.mean()):11.1e} {float(nats.max()):11.1e} {100 * other:14.2f} %"


if __name__ == "__main__":
    main()
