"""Say how far each precision's next tokens are from single precision's, on weights of the true size.

    .venv/bin/python packaging/bench_precision.py [--model musicgen-small] [--layers 24] [--frames 1500] [--first 1]

Weights are random and rounded to halves, as published models are stored; tokens are random too, and the same for all
(teacher-forced). The first `--first` steps are heard at once, the others one by one, as a take is made. For each
precision: the largest difference of logits against the largest logit, the root mean square of differences against that
of logits, the divergence of the next tokens' chances after guidance in nats (mean and largest), and how often the
likeliest token is another. Real weights have channels much louder than others, which whole numbers suit less: these
figures are of the arithmetic, not of music.
"""

from __future__ import annotations

import argparse
from typing import Any

from nur_studio.engines.models import music_model
from nur_studio.engines.musicgen.probe import random_model
from nur_studio.engines.products import has

PRECISIONS = ("fp16", "bf16", "int8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="musicgen-small")
    parser.add_argument("--layers", type=int, default=0, help="0: all of the model's")
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--first", type=int, default=1)
    chosen = parser.parse_args()
    info = music_model(chosen.model)
    layers = chosen.layers or info.layers
    wanted = heard(info, layers, "fp32", chosen.frames, chosen.first)
    print(f"{info.title}, {layers} layers, {chosen.frames} frames: against fp32")
    print(f"{'':6} {'largest':>9} {'rms':>9} {'nats, mean':>11} {'nats, most':>11} {'other likeliest':>16}")
    for precision in PRECISIONS:
        if not has(precision):
            print(f"{precision:6} this processor's is not quick, and so not used")
            continue
        print(f"{precision:6} {row(wanted, heard(info, layers, precision, chosen.frames, chosen.first))}", flush=True)


def heard(info: Any, layers: int, precision: str, frames: int, first: int) -> Any:
    """Logits (2, steps, codebooks, card) of the same model hearing the same tokens."""
    import torch

    from nur_studio.engines.musicgen.compiled import transformer_of
    from nur_studio.engines.musicgen.conditions import Conditions

    torch.manual_seed(0)
    model = random_model(info, layers, torch.device("cpu"), precision)
    words = torch.randn((2, 24, info.dim))
    nothing = words[:, :0]
    conditions = Conditions(words, nothing) if info.melody else Conditions(nothing, words)
    tokens = torch.randint(0, 2048, (1, info.codebooks, frames))
    transformer = transformer_of(model, conditions, 1, frames)
    logits = [transformer.hear(tokens[..., :first])]
    logits += [transformer.hear(tokens[..., step : step + 1]) for step in range(first, frames)]
    return torch.cat(logits, dim=1)


def row(wanted: Any, got: Any) -> str:
    """A precision's columns."""
    from nur_studio.engines.musicgen.sampling import guide

    difference = got - wanted
    largest = float(difference.abs().max() / wanted.abs().max())
    rms = float((difference.double().square().mean() / wanted.double().square().mean()).sqrt())
    theirs, ours = (guide(logits, 3.0).double().log_softmax(-1) for logits in (wanted, got))
    nats = (theirs.exp() * (theirs - ours)).sum(-1)
    other = float((theirs.argmax(-1) != ours.argmax(-1)).double().mean())
    return f"{largest:9.1e} {rms:9.1e} {float(nats.mean()):11.1e} {float(nats.max()):11.1e} {100 * other:14.2f} %"


if __name__ == "__main__":
    main()
