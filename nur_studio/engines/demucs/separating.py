"""From a mix to stems, chunk by chunk: memory does not grow with the length of the music.

A chunk is what the network was trained to hear at a time, 7.8 s; one begins every three quarters of that, and where
they overlap they are faded into each other, as Demucs' own `apply_model` does without its random shifts. That one keeps
several tensors of the whole track; here the mix comes as a stream, and stems leave as one.

The stems of a network do not quite add up to the mix. What is missing goes, chunk by chunk and for each time and
frequency, to the stems by their share of the power there (mixture consistency: Wisdom et al., "Differentiable
consistency constraints for improved deep speech enhancement", ICASSP 2019, with power as weight). A voice's missing
breath then joins the voice. Put into `other` as a whole, as is usual, it would be heard there as a ghost of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nur_studio.core.progress import Cancel
from nur_studio.core.sound import Audio
from nur_studio.engines.demucs.forward import PLAIN, Forward
from nur_studio.engines.demucs.network import CHANNELS

OVERLAP = 0.25
_FFT = 4096  # as the networks' own: a third of a beat, 11 Hz
_POWER_FLOOR = 1e-12  # where every stem is silent, what is missing goes to the last of them


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Networks that hear the same and whose stems are averaged, by `weights`."""

    networks: Sequence[Any]
    weights: torch.Tensor  # (networks, sources), its columns adding up to 1
    sources: tuple[str, ...]
    segment: int  # frames
    device: torch.device
    forward: Forward = PLAIN

    @property
    def stride(self) -> int:
        return int((1 - OVERLAP) * self.segment)

    def separate(self, chunk: Audio, on_network: Callable[[], None], cancel: Cancel) -> Audio:
        """The sources of a chunk (segment, 2), as (segment, sources, 2), whose sum is the chunk."""
        mix = torch.from_numpy(np.ascontiguousarray(chunk.T)).to(self.device)[None]
        total: torch.Tensor | None = None
        with torch.inference_mode():
            for network, weights in zip(self.networks, self.weights, strict=True):
                with _interruptible(network, cancel), self.forward.at_work():
                    stems = network(mix)[0]  # (sources, 2, segment)
                stems.mul_(weights.to(self.device)[:, None, None])
                total = stems if total is None else total.add_(stems)
                on_network()
            assert total is not None
            whole = consistent(total, mix[0], self.sources.index("other"))
        out: Audio = whole.permute(2, 0, 1).cpu().numpy()
        return out


def chunk_count(frames: int, stride: int) -> int:
    """In how many chunks so many frames are heard."""
    return max(1, -(-frames // stride))


def separated(
    blocks: Iterable[Audio], frames: int, ensemble: Ensemble, on_network: Callable[[], None], cancel: Cancel
) -> Iterator[Audio]:
    """The sources of a mix of `frames` frames at 44.1 kHz that comes in `blocks` (n, 2): blocks (n, sources, 2)."""
    segment, stride = ensemble.segment, ensemble.stride
    heard = _Window(blocks, frames, segment)
    ramp = np.arange(1, segment // 2 + 1, dtype=np.float32)
    fade = np.concatenate((ramp, np.arange(segment - segment // 2, 0, -1, dtype=np.float32)))
    fade /= fade.max()
    total = np.zeros((segment, len(ensemble.sources), CHANNELS), np.float32)
    weight = np.zeros(segment, np.float32)
    for start in range(0, frames, stride):
        cancel.check()
        length = min(segment, frames - start)
        lead = (segment - length) // 2  # a short last chunk is heard with what came before it
        stems = ensemble.separate(heard.span(start - lead, start - lead + segment), on_network, cancel)
        total[:length] += fade[:length, None, None] * stems[lead : lead + length]
        weight[:length] += fade[:length]
        done = min(stride, length)
        yield total[:done] / weight[:done, None, None]
        total[:-done], weight[:-done] = total[done:].copy(), weight[done:].copy()
        total[-done:], weight[-done:] = 0.0, 0.0


def consistent(stems: torch.Tensor, mix: torch.Tensor, rest: int) -> torch.Tensor:
    """`stems` (sources, channels, frames) with what they lack of `mix` (channels, frames) shared out among them.

    Each gets of it, at each time and frequency, what its share of the power there is; the source `rest` gets it where
    all are silent.
    """
    if mix.device.type == "mps":  # it has no complex numbers
        return consistent(stems.cpu(), mix.cpu(), rest)
    sources, channels, frames = stems.shape
    window = torch.hann_window(_FFT, device=mix.device)
    missing = mix - stems.sum(0)

    def spectrum(sound: torch.Tensor) -> torch.Tensor:
        return torch.stft(sound, _FFT, _FFT // 4, window=window, return_complex=True)

    power = spectrum(stems.reshape(-1, frames)).abs().square_()
    power = power.reshape(sources, channels, *power.shape[1:])
    floor = _POWER_FLOOR + 1e-6 * power.sum(0).mean()
    power[rest] += floor
    power /= power.sum(0)
    parts = (power * spectrum(missing)).reshape(-1, *power.shape[2:])
    shares = torch.istft(parts, _FFT, _FFT // 4, window=window, length=frames)
    return stems + shares.reshape(stems.shape)


class _Window:
    """A stretch of a stream, of which no more is kept than twice the length asked for at a time."""

    def __init__(self, blocks: Iterable[Audio], frames: int, segment: int) -> None:
        self._blocks = iter(blocks)
        self._frames, self._segment = frames, segment
        self._start = 0
        self._kept: Audio = np.zeros((0, CHANNELS), np.float32)

    def span(self, start: int, end: int) -> Audio:
        """Frames `start` to `end`; silence before the first and after the last. Never far back again."""
        while self._start + len(self._kept) < min(end, self._frames):
            block = next(self._blocks, None)
            if block is None:  # shorter than was said
                break
            self._kept = np.concatenate((self._kept, block))
        old = min(len(self._kept), max(0, start - self._segment - self._start))
        self._kept, self._start = self._kept[old:], self._start + old
        out: Audio = np.zeros((end - start, CHANNELS), np.float32)
        first, last = max(start, self._start), min(end, self._start + len(self._kept), self._frames)
        if last > first:
            out[first - start : last - start] = self._kept[first - self._start : last - self._start]
        return out


@contextmanager
def _interruptible(network: Any, cancel: Cancel) -> Iterator[None]:
    """Looks at `cancel` before every layer of a network: seconds are too long for who waits for it to stop."""
    groups = [network.encoder, network.decoder, network.tencoder, network.tdecoder]
    if network.crosstransformer is not None:
        groups += [network.crosstransformer.layers, network.crosstransformer.layers_t]

    def look(*_: object) -> None:
        cancel.check()

    hooks = [layer.register_forward_pre_hook(look) for layers in groups for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
