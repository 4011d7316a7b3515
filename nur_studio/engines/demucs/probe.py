"""What a separator will do on this machine: one network of its size, its weights made up, hears a chunk of noise."""

from __future__ import annotations

import time

from nur_studio.core.errors import StudioError
from nur_studio.engines.base import Forecast
from nur_studio.engines.device import Device, choose, give_back
from nur_studio.engines.models import SeparatorModel

_SEGMENT = "39/5"  # seconds, as published
_REHEARSALS, _CHUNKS = 1, 2


def forecast(model: SeparatorModel, wanted: str = "auto") -> Forecast:
    """Measure a chunk, and reckon with how many of them a minute has. Raises `EngineUnavailable`, `StudioError`."""
    device = choose(wanted)
    seconds, stride_s = _chunk_s(model, device)
    give_back()
    from nur_studio.engines.demucs.engine import PRECISION

    memory = model.memory_bytes(4)
    per_minute = 60.0 / stride_s * len(model.networks) * seconds
    return Forecast(model.name, device.title, PRECISION, memory <= device.memory_bytes, memory, round(per_minute, 1))


def sizes(model: SeparatorModel) -> dict[str, object]:
    """The arguments of a network as large as the published ones: 42.0 and 27.4 million parameters."""
    from fractions import Fraction

    sources = ["other" if lane == "rest" else lane for lane in model.lanes]
    bottom = 512 if len(sources) == 4 else 0
    return {"sources": sources, "segment": Fraction(_SEGMENT), "bottom_channels": bottom, "dconv_mode": 3}


def _chunk_s(model: SeparatorModel, device: Device) -> tuple[float, float]:
    """Seconds a network of the model needs for a chunk, and the seconds from one chunk to the next."""
    import numpy as np
    import torch

    from nur_studio.core.progress import CancelToken
    from nur_studio.engines.demucs.forward import forward_on
    from nur_studio.engines.demucs.memory import kept
    from nur_studio.engines.demucs.network import SAMPLE_RATE, new_network
    from nur_studio.engines.demucs.separating import Ensemble

    arguments = sizes(model)
    place = torch.device(device.kind)
    try:
        network = new_network(arguments).to(place)
        segment, sources = int(network.segment * SAMPLE_RATE), tuple(network.sources)
        ensemble = Ensemble([network], torch.ones(1, len(sources)), sources, segment, place, forward_on(place))
        noise = np.random.default_rng(0).standard_normal((segment, 2)).astype(np.float32)
        times = []
        with kept():
            for _ in range(_REHEARSALS + _CHUNKS):
                started = time.perf_counter()
                ensemble.separate(noise, lambda: None, CancelToken())  # comes back to the CPU: waits for the device
                times.append(time.perf_counter() - started)
    except RuntimeError as error:
        raise StudioError(f"{model.title} cannot be tried on {device.title}: {str(error).splitlines()[0]}") from error
    return min(times[_REHEARSALS:]), ensemble.stride / SAMPLE_RATE
