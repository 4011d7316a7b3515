"""Measure what takes made as one batch cost beside the same takes made alone, on weights of the true size.

    .venv/bin/python packaging/bench_together.py [--model small] [--layers 24] [--seconds 5] [--device auto]

Windows of 1, 2, 4 and 8 takes are decoded in turns, step by step, so that whatever else the machine does falls on all
of them alike; said is the median step, what it is for each take, and whether the takes are, token for token, those made
alone. Weights are random: what is made is no music.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from nur_studio.engines.device import DEVICES, choose
from nur_studio.engines.models import music_model
from nur_studio.engines.musicgen.probe import FRAMES_PER_S, random_model

SIZES = (1, 2, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="small")
    parser.add_argument("--layers", type=int, default=0, help="0: all of the model's")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--device", default="auto", choices=DEVICES)
    chosen = parser.parse_args()
    import torch

    from nur_studio.engines.musicgen.conditions import Conditions
    from nur_studio.engines.musicgen.decoding import Window

    info, device = music_model(chosen.model), choose(chosen.device)
    place = torch.device(device.kind)
    model = random_model(info, chosen.layers or info.layers, place, device.precision)
    words = torch.randn((2, 24, info.dim), device=place)
    conditions = Conditions(words, words[:, :0]) if info.melody else Conditions(words[:, :0], words)
    frames = round(chosen.seconds * FRAMES_PER_S)

    def window_for(seeds: range) -> Window:
        return Window(model, conditions, frames, seeds)

    windows = {size: window_for(range(size)) for size in SIZES}
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    while windows[1].steps_left:
        for size, window in windows.items():
            started = time.perf_counter()
            window.step()
            window.codes().sum().item()  # waits for the device
            times[size].append(time.perf_counter() - started)
    alone = torch.cat([_alone(window_for, seed) for seed in range(2)])
    middle = {size: statistics.median(steps) for size, steps in times.items()}
    print(f"{info.title}, {len(model.layers)} layers, {device.title} {device.precision}, {chosen.seconds:g} s")
    for size in SIZES:
        same = torch.equal(windows[size].codes()[:2], alone[:size])
        print(
            f"{size} takes: {1e3 * middle[size]:7.1f} ms a step, {middle[size] / middle[1] / size:5.2f} of the time "
            f"alone for each take; {'the same tokens' if same else 'OTHER TOKENS'}"
        )


def _alone(window_for: Callable[[range], Any], seed: int) -> Any:
    window = window_for(range(seed, seed + 1))
    while window.steps_left:
        window.step()
    return window.codes()


if __name__ == "__main__":
    main()
