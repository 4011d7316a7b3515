"""What a MusicGen will do on this machine, found out in seconds: two of its layers at work, the rest reckoned."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from nur_studio.core.errors import StudioError
from nur_studio.engines.base import Forecast
from nur_studio.engines.device import Device, choose, give_back
from nur_studio.engines.models import MusicModel
from nur_studio.engines.musicgen.facts import ModelFacts

if TYPE_CHECKING:
    import torch

FRAMES_PER_S = 50
CARD = 2048  # tokens of a codebook, of every published model
_REHEARSALS, _STEPS = 4, 16
_CACHE = 1000  # positions heard already: two thirds of a window
_FEW, _MORE = 1, 3  # layers
_WORDS = 24
_CODEC_SHARE = 1.15  # decoding to sound and the rest: measured at 15 % beside the small model's steps on a CPU


def forecast(model: MusicModel, wanted: str = "auto", precision: str = "auto") -> Forecast:
    """Measure a model's layers, in their true size with random weights, on the device that would be used.

    Two measurements with one and three layers give what a layer costs and what all else costs. Raises
    `EngineUnavailable` where the device is not there.
    """
    device = choose(wanted, precision)
    memory = model.memory_bytes(device.bytes_per_weight)
    fits = memory <= device.memory_bytes
    few, more = (_step_s(model, layers, device) for layers in (_FEW, _MORE))
    give_back()
    layer = max(1e-6, (more - few) / (_MORE - _FEW))
    step = max(0.0, few - _FEW * layer) + model.layers * layer
    return Forecast(model.name, device.title, device.precision, fits, memory, per_minute_s(step))


def per_minute_s(step_s: float) -> float:
    """Seconds that a minute of music takes where a decoding step, in the middle of a window, takes `step_s`."""
    return round(60.0 * FRAMES_PER_S * step_s * _CODEC_SHARE, 1)


def _step_s(model: MusicModel, layers: int, device: Device) -> float:
    """Seconds a decoding step of one take needs, guidance included, with so many layers."""
    import torch

    try:
        language_model = random_model(model, layers, torch.device(device.kind), device.precision)
        window = window_of(language_model, model, _CACHE, _CACHE + _REHEARSALS + _STEPS)
        times = []
        for _ in range(_REHEARSALS + _STEPS):
            started = time.perf_counter()
            window.step()
            int(window.codes().sum())  # waits for the device
            times.append(time.perf_counter() - started)
    except RuntimeError as error:
        raise StudioError(f"{model.title} cannot be tried on {device.title}: {str(error).splitlines()[0]}") from error
    # Other programs only ever add to a step: a low one of many is what the model itself takes.
    return statistics.quantiles(times[_REHEARSALS:], n=4)[0]


def window_of(language_model: Any, model: MusicModel, known: int, frames: int) -> Any:
    """A `Window` of one take over made-up text, `known` of its frames being there already."""
    import torch

    from nur_studio.engines.musicgen.conditions import Conditions
    from nur_studio.engines.musicgen.decoding import Window

    place = language_model.device
    words = torch.zeros((2, _WORDS, model.dim), device=place)
    nothing = words[:, :0]
    conditions = Conditions(words, nothing) if model.melody else Conditions(nothing, words)
    prompt = torch.zeros((1, model.codebooks, known), dtype=torch.long, device=place) if known else None
    return Window(language_model, conditions, frames, prompt=prompt)


def facts_of(model: MusicModel, layers: int) -> ModelFacts:
    """What a model's checkpoint says of itself, with so many layers."""
    return ModelFacts(
        dim=model.dim,
        layers=layers,
        heads=model.heads,
        feed_forward=4 * model.dim,
        codebooks=model.codebooks,
        card=CARD,
        delays=tuple(range(model.codebooks)),
        stereo=model.stereo,
        melody=model.melody,
        cross=() if model.melody else ("description",),
        prepend=("self_wav", "description") if model.melody else (),
        sample_rate=32000,
        window_s=30.0,
        guidance=3.0,
    )


def random_model(model: MusicModel, layers: int, device: torch.device, precision: str) -> Any:
    """A `LanguageModel` of a model's size with so many layers and random weights, halves as published ones are."""
    import torch

    from nur_studio.engines.musicgen.compiled import compiled
    from nur_studio.engines.musicgen.weights import CrossAttention, LanguageModel, Layer, Norm
    from nur_studio.engines.products import Linear, once
    from nur_studio.engines.products import linear as product

    dim = model.dim

    def linear(outputs: int, inputs: int, kept_in: str = precision, *, last: bool = False) -> Linear:
        return product((torch.randn(outputs, inputs) * 0.02).half(), None, device, kept_in, last=last)

    norm = Norm(torch.ones(dim, device=device), torch.zeros(dim, device=device))

    def layer() -> Layer:
        cross = None
        if not model.melody:
            cross = CrossAttention(norm, linear(dim, dim), linear(2 * dim, dim, once(precision)), linear(dim, dim))
        return Layer(
            norm, linear(3 * dim, dim), linear(dim, dim), cross, norm, linear(4 * dim, dim), linear(dim, 4 * dim)
        )

    embeddings = torch.randn((model.codebooks * (CARD + 1), dim)).to(device)
    return compiled(
        LanguageModel(
            facts_of(model, layers),
            embeddings,
            tuple(layer() for _ in range(layers)),
            norm,
            linear(model.codebooks * CARD, dim, last=True),
            torch.nn.functional.gelu,
            device,
            precision,
        )
    )
