"""Say which share of a take's time each stage has, from the words to the finished file, on weights of the true size.

    .venv/bin/python packaging/bench_stages.py [--model musicgen-small] [--seconds 30] [--device auto] [--steps 12]

Random weights throughout, made in memory. Decoding is measured by `--steps` steps in the middle of the music, whose
mean is that of all; every other stage is done once, as a take does it: T5 reads two descriptions, EnCodec decodes in
chunks of half a second, the sound is resampled, judged by ear for silence and the like, brought to level, measured and
written. Loading is left out: the engine stays warm. On a processor the stages follow each other, for each of them uses
all cores; the figures are of one run on a machine that does other things too.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nur_studio.engines.base import Unheard
from nur_studio.engines.device import DEVICES, choose
from nur_studio.engines.models import MusicModel, music_model
from nur_studio.engines.musicgen.probe import FRAMES_PER_S, random_model, window_of

_CHUNK_FRAMES = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="musicgen-small")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--steps", type=int, default=12)
    chosen = parser.parse_args()
    info = music_model(chosen.model)
    frames = chosen.seconds * FRAMES_PER_S
    stages = {"reading the words": words_s(), **sound_s(info, frames)}
    for precision in ("auto", "fast"):
        device = choose(chosen.device, precision)
        decoding = (frames + 3) * step_s(info, device, frames, chosen.steps)
        whole = decoding + sum(stages.values())
        print(f"{info.title}, {chosen.seconds} s, {device.title} {device.precision}: {whole:.1f} s in all")
        for name, seconds in {"decoding": decoding, **stages}.items():
            print(f"  {name:24} {seconds:8.2f} s {100 * seconds / whole:6.1f} %")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def step_s(info: MusicModel, device: Any, frames: int, steps: int) -> float:
    """Seconds of a step in the middle of `frames`."""
    import statistics

    import torch

    model = random_model(info, info.layers, torch.device(device.kind), device.precision)
    known = max(0, frames // 2 - steps // 2)
    window = window_of(model, info, known, max(frames, known + steps + 2))
    times = [timed(lambda: (window.step(), window.codes().sum().item())) for _ in range(steps + 2)]
    return statistics.median(times[2:])


def words_s() -> float:
    """Seconds of T5-base's encoder over two descriptions."""
    import torch
    from transformers import T5Config, T5EncoderModel

    sizes: dict[str, Any] = {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12}
    encoder: Any = T5EncoderModel(T5Config(vocab_size=32128, **sizes))
    encoder.eval()
    words = torch.ones((2, 24), dtype=torch.long)
    with torch.inference_mode():
        encoder(words)
        return timed(lambda: encoder(words))


def sound_s(info: MusicModel, frames: int) -> dict[str, float]:
    """Seconds of each stage after decoding."""
    import torch

    from nur_studio.audio.finishing import levelled
    from nur_studio.audio.masters import write_masters
    from nur_studio.core.progress import ignore_progress
    from nur_studio.engines.musicgen.codec import take_apart
    from nur_studio.engines.musicgen.guards import History, judge
    from nur_studio.engines.musicgen.shim import audiocraft
    from nur_studio.engines.musicgen.sounding import Sounding

    audiocraft()
    from audiocraft.models.encodec import HFEncodecCompressionModel
    from transformers import EncodecConfig, EncodecModel

    published: Any = EncodecModel(
        EncodecConfig(
            target_bandwidths=[4 * 50 * math.log2(2048) / 1000], sampling_rate=32000, audio_channels=1,
            normalize=False, hidden_size=128, num_filters=64, upsampling_ratios=[8, 5, 4, 4],
            norm_type="weight_norm", use_causal_conv=False, num_lstm_layers=2, codebook_size=2048,
            codebook_dim=128, use_conv_shortcut=False,
        )
    )  # fmt: skip
    for layer in published.quantizer.layers:
        layer.codebook.embed.normal_()
    codec = take_apart(HFEncodecCompressionModel(published).eval(), info.stereo)
    codes = torch.randint(0, 2048, (info.codebooks, frames))
    length = round(frames / FRAMES_PER_S * 44100)
    sounding = Sounding(codec, 44100, 0, length, Unheard())
    place = sounding.place()

    def decode() -> None:
        for start in range(0, frames, _CHUNK_FRAMES):
            sounding.add(codes[:, start : start + _CHUNK_FRAMES])
        sounding.finish()

    stages = {"codec and resampling": timed(decode)}
    loud = sounding.audio() / max(1e-9, float(abs(sounding.audio()).max())) * 0.5
    fresh = codes.to(torch.int16).numpy()
    stages["judging"] = timed(lambda: judge(sounding.sound_since(place), codec.sample_rate, fresh, History()))
    stages["level"] = timed(lambda: levelled(loud, 44100, True))
    with tempfile.TemporaryDirectory() as folder:
        stages["measuring and writing"] = timed(
            lambda: write_masters(Path(folder), loud, {}, 44100, 120.0, ignore_progress)
        )
    return stages


if __name__ == "__main__":
    main()
