"""Demucs as a separator: one model of the weights folder, kept warm, that takes audio files of any length apart."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch

from nur_studio.audio.files import audio_frames, read_blocks
from nur_studio.core.errors import FileProblem, GenerationFailed
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress, ranged
from nur_studio.core.sound import Audio
from nur_studio.engines.base import OnStems, Separation
from nur_studio.engines.checkpoints import BadCheckpoint, is_out_of_memory
from nur_studio.engines.demucs.bag import SUFFIX, network_file, read_bag
from nur_studio.engines.demucs.forward import forward_on
from nur_studio.engines.demucs.memory import kept
from nur_studio.engines.demucs.network import CHANNELS, SAMPLE_RATE, read_network
from nur_studio.engines.demucs.separating import Ensemble, chunk_count, separated
from nur_studio.engines.device import Device, choose, give_back
from nur_studio.engines.models import SeparatorModel, separator_model
from nur_studio.engines.weights import WeightStore, read_manifest

PRECISION = "fp32"
"""On every device: stems are subtracted from one another, and what half precision rounds off is heard in between."""

_LOADING_SHARE = 0.1  # of a separation's progress, where the model has to be loaded first
_MEASURING_SHARE = 0.02
_BLOCK = 1 << 16  # frames
_QUIETEST = 1e-8


@dataclass(frozen=True, slots=True)
class _Level:
    """Of a mix, over all of it: what Demucs takes off and divides by before it listens."""

    mean: float
    deviation: float


class DemucsEngine:
    """Implements `StemSeparator` for the model called `model` below `folder`, on the device called `device`."""

    def __init__(self, model: str, folder: str, device: str = "auto") -> None:
        self.info = separator_model(model)
        self._store = WeightStore(Path(folder))
        self._wanted = device
        self._ready: tuple[Ensemble, Device] | None = None

    def warm(self) -> None:
        """Load the model ahead of time."""
        self._loaded(ignore_progress, CancelToken())

    def release(self) -> None:
        """Give all memory back; the next separation loads the model again."""
        self._ready = None
        give_back()

    def separate(self, mix: Path, on_stems: OnStems, on_progress: OnProgress, cancel: Cancel) -> Separation:
        """Take the audio in the file `mix` apart. Raises as `StemSeparator` says."""
        share = _LOADING_SHARE if self._ready is None else 0.0
        try:
            ensemble, device = self._loaded(ranged(on_progress, 0.0, share), cancel)
            with kept():
                self._separate(mix, ensemble, on_stems, ranged(on_progress, share, 1.0), cancel)
        except (MemoryError, RuntimeError) as error:  # torch's own OutOfMemoryError is a RuntimeError
            if not is_out_of_memory(error):
                raise
            self.release()
            raise GenerationFailed(
                f"There is not enough memory for {self.info.title}.",
                # Its networks hear 7.8 s at a time, or fill up to that: shorter chunks would save nothing.
                hint="Close other programs, choose another separator, or the CPU as device in the settings.",
            ) from error
        return Separation(self._details(device))

    def _separate(
        self, mix: Path, ensemble: Ensemble, on_stems: OnStems, on_progress: OnProgress, cancel: Cancel
    ) -> None:
        frames, rate = audio_frames(mix)
        if frames == 0:
            raise FileProblem(f"“{mix.name}” holds no sound.")
        on_progress(Progress("separating", 0.0))
        level = _level(_stereo_blocks(mix, cancel))
        heard = frames if rate == SAMPLE_RATE else math.ceil(frames * SAMPLE_RATE / rate)
        steps = chunk_count(heard, ensemble.stride) * len(ensemble.networks)
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            on_progress(Progress("separating", _MEASURING_SHARE + (1.0 - _MEASURING_SHARE) * done / steps))

        blocks = ((block - level.mean) / level.deviation for block in _stereo_blocks(mix, cancel))
        stems = separated(_resampled(blocks, rate, SAMPLE_RATE), heard, ensemble, step, cancel)
        flat = (block.reshape(len(block), -1) * level.deviation for block in stems)
        for block in _exactly(_resampled(flat, SAMPLE_RATE, rate), frames):
            parts = block.reshape(len(block), len(ensemble.sources), CHANNELS)
            on_stems({lane: parts[:, index] for index, lane in enumerate(self._lanes(ensemble))})

    def _lanes(self, ensemble: Ensemble) -> list[str]:
        """What the sources are called here: beside guitar and piano, `other` is what is left."""
        six = "rest" in self.info.lanes
        return ["rest" if six and source == "other" else source for source in ensemble.sources]

    def _details(self, device: Device) -> dict[str, object]:
        files = read_manifest(self._store.own_folder(self.info))
        return {
            "model": self.info.name,
            "device": device.title,
            "precision": PRECISION,
            "hashes": {name: entry["sha256"] for name, entry in files.items()},
            "demucs": importlib.metadata.version("demucs"),
            "torch": torch.__version__,
        }

    def _loaded(self, on_progress: OnProgress, cancel: Cancel) -> tuple[Ensemble, Device]:
        if self._ready is None:
            device = choose(self._wanted)
            self._store.verify(self.info, on_progress=ignore_progress, cancel=cancel, changed_only=True)
            folder = self._store.own_folder(self.info)
            self._ready = load(folder, self.info, torch.device(device.kind), on_progress, cancel), device
        return self._ready


def load(folder: Path, info: SeparatorModel, device: torch.device, on_progress: OnProgress, cancel: Cancel) -> Ensemble:
    """The model in `folder` on `device`. Raises `BadCheckpoint` for files that cannot be used, `Cancelled`."""
    bag = read_bag(folder / (info.name + SUFFIX))
    names = [path.name for path in folder.iterdir()]
    networks = []
    for index, signature in enumerate(bag.networks):
        cancel.check()
        on_progress(Progress("loading the model", index / len(bag.networks)))
        name = network_file(names, signature)
        if not name:
            raise BadCheckpoint(f"{info.title} is not complete: {signature} is missing in {folder}.")
        networks.append(read_network(folder / name))
    first = networks[0]
    if any(other.sources != first.sources or other.segment != first.segment for other in networks):
        raise BadCheckpoint(f"The networks in {folder} do not belong together.")
    wanted = {"other" if lane == "rest" else lane for lane in info.lanes}
    if len(first.sources) != len(wanted) or set(first.sources) != wanted:
        raise BadCheckpoint(f"{folder} holds a model with the stems {', '.join(first.sources)}, not {info.title}.")
    weights = torch.ones(len(networks), len(first.sources))
    if bag.weights is not None:
        weights = torch.tensor(bag.weights)
        if weights.shape != (len(networks), len(first.sources)):
            raise BadCheckpoint(f"{folder / (info.name + SUFFIX)} does not fit the networks it names.")
    segment_s = float(first.segment)
    if bag.segment_s is not None and bag.segment_s <= segment_s:
        segment_s = bag.segment_s
    for network in networks:
        network.segment = first.segment if segment_s == float(first.segment) else segment_s
        network.to(device)
    on_progress(Progress("loading the model", 1.0))
    segment = int(networks[0].segment * SAMPLE_RATE)
    return Ensemble(networks, weights / weights.sum(0), tuple(first.sources), segment, device, forward_on(device))


def demucs(model: str, folder: str, device: str = "auto") -> DemucsEngine:
    """The factory the catalogue of separators names."""
    return DemucsEngine(model, folder, device)


# -- the mix ---------------------------------------------------------------------------------------------------------


def _stereo_blocks(path: Path, cancel: Cancel) -> Iterator[Audio]:
    """An audio file block by block, mono from both sides. Raises `FileProblem` for more than two channels."""
    for block in read_blocks(path, _BLOCK):
        cancel.check()
        if block.shape[1] > CHANNELS:
            raise FileProblem(f"“{path.name}” has {block.shape[1]} channels; only mono and stereo can be separated.")
        yield block if block.shape[1] == CHANNELS else np.repeat(block, CHANNELS, axis=1)


def _level(blocks: Iterable[Audio]) -> _Level:
    """Of the middle of a mix, as Demucs takes it."""
    count, total, squares = 0, 0.0, 0.0
    for block in blocks:
        middle = block.mean(axis=1, dtype=np.float64)
        count, total, squares = count + len(middle), total + middle.sum(), squares + (middle**2).sum()
    mean = total / count
    variance = max(0.0, (squares - count * mean**2) / max(1, count - 1))
    return _Level(float(mean), math.sqrt(variance) + _QUIETEST)


def _resampled(blocks: Iterable[Audio], source: int, target: int) -> Iterator[Audio]:
    """Blocks (n, channels) of `source` Hz at `target` Hz; sample 0 stays where it is."""
    if source == target:
        yield from blocks
        return
    stream: soxr.ResampleStream | None = None
    channels = 0
    for block in blocks:
        if stream is None:
            channels = block.shape[1]
            stream = soxr.ResampleStream(source, target, channels, dtype="float32", quality="VHQ")
        yield stream.resample_chunk(np.ascontiguousarray(block, np.float32))
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)


def _exactly(blocks: Iterable[Audio], frames: int) -> Iterator[Audio]:
    """The first `frames` frames of the blocks; resampling there and back may give one more or less."""
    left, channels = frames, 0
    for block in blocks:
        part, channels = block[:left], block.shape[1]
        left -= len(part)
        if len(part):
            yield part
    if left:
        yield np.zeros((left, channels), np.float32)
