"""How fast MusicGen is on this machine: our steps, audiocraft's, transformers' and what memory allows, in turns.

Weights are random and of the true size, ours made once and kept on disk: what is made is no music. A step of each takes
its turn, so that whatever else the machine does falls on all of them alike; ratios are of medians.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from nur_studio.core.errors import EngineUnavailable, StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.device import Device, choose, free_bytes, give_back
from nur_studio.engines.models import MusicModel
from nur_studio.engines.musicgen.bench_weights import BenchWeights
from nur_studio.engines.musicgen.cache import cache_bytes
from nur_studio.engines.musicgen.decoding import Window
from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.peers import AudiocraftLoop, Paused, TransformersLoop
from nur_studio.engines.musicgen.probe import FRAMES_PER_S, facts_of, per_minute_s, window_of
from nur_studio.engines.products import GROUP

_REHEARSALS = 2  # steps, the first of which hears all that is known
_QUICK_STEPS = 12
_READ_BYTES = 1 << 28
_COLUMNS = 1024
_SETTLE_S = 0.02  # before each step: threads of the loop before it look out for work for some milliseconds
_ROWS = 2  # of one take, guided and unguided
_ROOM = 1.2  # of what weights take, while they are made
_THEIR_CACHES = 2  # at once, which peers copy as it grows


@dataclass(frozen=True, slots=True)
class Row:
    """One loop's steps, in ms. `bytes` is what a step must at least read; 0 where it is not ours to say."""

    name: str
    precision: str
    median_ms: float
    low_ms: float
    high_ms: float
    best_ms: float
    bytes: int

    @property
    def times_real(self) -> float:
        """Seconds of music for each second of decoding."""
        return 1000.0 / FRAMES_PER_S / self.median_ms


@dataclass(frozen=True, slots=True)
class Table:
    """Loops over `seconds` of music, ours first. `whole`: every step was made, else only some in the middle of it,
    which last as long as the mean. `read_gb_s` is how fast memory was read beside them, in the median, and
    `best_read_gb_s` at best. `weights` is the file that keeps ours, `weights_bytes` its size. `remarks` says in
    sentences what is missing, and what was made anew.
    """

    model: str
    device: str
    threads: int
    seconds: float
    whole: bool
    rows: tuple[Row, ...]
    read_gb_s: float
    best_read_gb_s: float
    per_minute_s: float
    weights: str
    weights_bytes: int
    remarks: tuple[str, ...]

    def floor_ms(self, row: Row) -> float:
        """What reading alone would take of one of our rows, in the median."""
        return row.bytes / self.read_gb_s / 1e6

    def best_floor_ms(self, row: Row) -> float:
        """The same of the fastest reading."""
        return row.bytes / self.best_read_gb_s / 1e6


class _Loop(Protocol):
    title: str

    def start(self, prompt: int, frames: int) -> Any: ...


class OurLoop:
    """The studio's own, in one precision; `start` gives what has `step`."""

    def __init__(self, info: MusicModel, weights: BenchWeights, device: Device, title: str, cancel: Cancel) -> None:
        self.title = title
        self._info = info
        self.model = weights.model(info, torch.device(device.kind), device.precision, cancel=cancel)

    def start(self, prompt: int, frames: int) -> Window:
        """Frames of music of which `prompt` are known."""
        window: Window = window_of(self.model, self._info, prompt, frames)
        return window


class Reading:
    """Reads `_READ_BYTES` of memory at each step, multiplying as it goes: nothing that must read its weights can be
    faster.
    """

    def __init__(self, device: torch.device) -> None:
        self._memory = torch.zeros((_READ_BYTES // (4 * _COLUMNS), _COLUMNS), device=device)
        self._vector = torch.ones(_COLUMNS, device=device)

    def step(self) -> None:
        torch.mv(self._memory, self._vector)


def bench(
    info: MusicModel,
    weights: BenchWeights,
    wanted: str,
    seconds: Sequence[float],
    quick: bool,
    peers: bool,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Iterator[Table]:
    """A table for each length of music. Raises `StudioError` where the model does not fit, `FileProblem` where its
    weights cannot be kept, `EngineUnavailable` where the device is not there, `Cancelled`.
    """
    usual, fast = choose(wanted), choose(wanted, "fast")
    place = torch.device(usual.kind)
    room = _Room(info, max(seconds))
    if not room.holds(usual):
        raise _too_large(info)
    remarks = list(filter(None, [weights.prepare(info, on_progress, cancel)]))
    loops = list(_loops(info, weights, usual, fast, peers, room, remarks, cancel))
    reading = Reading(place)
    for number, length in enumerate(seconds):
        frames = round(length * FRAMES_PER_S)

        def tell(fraction: float, number: int = number) -> None:
            cancel.check()
            on_progress(Progress("measuring", (number + fraction) / len(seconds)))

        times, read = _turns([loop for loop, _ in loops], reading, frames, quick, place, tell)
        rows = []
        for (loop, precision), of_loop in zip(loops, times, strict=True):
            needed = 0
            if isinstance(loop, OurLoop):
                needed = step_bytes(loop.model.facts, precision, frames / 2, loop.model.cached_bytes)
            rows.append(_row(loop.title, precision, of_loop, needed))
        speed, best_speed = (_READ_BYTES / taken / 1e9 for taken in (statistics.median(read), min(read)))
        minute = per_minute_s(rows[0].median_ms / 1000.0)
        threads = torch.get_num_threads()
        path = weights.path(info)
        yield Table(
            info.title, usual.title, threads, length, not quick, tuple(rows), speed, best_speed, minute,
            str(path), weights.disk_bytes(path), tuple(remarks),
        )  # fmt: skip
    del loops, reading
    give_back()


def _loops(
    info: MusicModel,
    weights: BenchWeights,
    usual: Device,
    fast: Device,
    peers: bool,
    room: _Room,
    remarks: list[str],
    cancel: Cancel,
) -> Iterator[tuple[Any, str]]:
    """What is measured, and its precision."""
    ours = [("ours", usual)]
    if fast.precision != usual.precision:
        ours.append(("ours, fast", fast))
    for title, device in ours:
        if not room.holds(device):
            raise _too_large(info)
        loop = OurLoop(info, weights, device, title, cancel)
        room.promise(loop.model.cached_bytes)
        yield loop, device.precision
    if not peers:
        return
    place = torch.device(usual.kind)
    theirs = replace(usual, precision="fp32" if usual.kind == "cpu" else "fp16")
    facts = facts_of(info, info.layers)
    for name, make in (("audiocraft", AudiocraftLoop), ("transformers", TransformersLoop)):
        cancel.check()
        if not room.holds(theirs, _THEIR_CACHES):
            remarks.append(f"{name} does not fit into the memory that is left.")
            continue
        try:
            peer = make(info, facts, place)
            room.promise(4, _THEIR_CACHES)
            yield peer, theirs.precision
        except EngineUnavailable as error:
            remarks.append(str(error))


def _too_large(info: MusicModel) -> StudioError:
    return StudioError(
        f"{info.title} does not fit into the memory that is free.", hint="Try a smaller model, with --model."
    )


class _Room:
    """Whether memory holds one more loop: its weights now, and its cache once music of a length is decoded. All loops
    are made before one decodes, so that what the caches will take is not to be seen in the memory that is free.
    """

    def __init__(self, info: MusicModel, seconds: float) -> None:
        self._facts, self._info = facts_of(info, info.layers), info
        self._positions = seconds * FRAMES_PER_S
        self._promised = 0.0

    def holds(self, device: Device, caches: int = 1) -> bool:
        """Whether a loop fits that copies its cache as it grows, or does not: `caches` are there at once."""
        weights = self._info.parameters * device.bytes_per_weight
        decoding = caches * cache_bytes(self._facts, _ROWS, self._positions, 4) + self._promised
        return max(_ROOM * weights, weights + decoding) <= free_bytes(device.kind)

    def promise(self, kept: float, caches: int = 1) -> None:
        """A loop was made whose cache, in numbers of `kept` bytes, is kept free from now on."""
        self._promised += caches * cache_bytes(self._facts, _ROWS, self._positions, kept)


def _turns(
    loops: Sequence[_Loop],
    reading: Reading,
    frames: int,
    quick: bool,
    place: torch.device,
    tell: Callable[[float], None],
) -> tuple[list[list[float]], list[float]]:
    """Seconds of every measured step of each loop, and of every reading between them."""
    steps = _QUICK_STEPS if quick else max(1, frames - _REHEARSALS)
    prompt = max(0, frames // 2 - _REHEARSALS - steps // 2) if quick else 0
    frames = max(frames, prompt + _REHEARSALS + steps)
    times: list[list[float]] = [[] for _ in loops]
    read: list[float] = []
    # Peers halt within their own `no_grad`, which so holds for whatever runs meanwhile: then let it hold throughout.
    with torch.no_grad(), contextlib.ExitStack() as stack:
        running = [loop.start(prompt, frames) for loop in loops]
        for one in running:
            if isinstance(one, Paused):
                stack.callback(one.close)
        for step in range(_REHEARSALS + steps):
            tell(step / (_REHEARSALS + steps))
            for one, kept in zip([*running, reading], [*times, read], strict=True):
                time.sleep(_SETTLE_S)
                seconds = _timed(one.step, place)
                if step >= _REHEARSALS:
                    kept.append(seconds)
    return times, read


def _timed(step: Callable[[], None], place: torch.device) -> float:
    started = time.perf_counter()
    step()
    if place.type == "cuda":
        torch.cuda.synchronize()
    elif place.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter() - started


def _row(name: str, precision: str, seconds: Sequence[float], needed: int) -> Row:
    low, median, high = (1000.0 * value for value in statistics.quantiles(seconds, n=4, method="inclusive"))
    return Row(name, precision, median, low, high, 1000.0 * min(seconds), needed)


def step_bytes(facts: ModelFacts, precision: str, heard: float, kept: float) -> int:
    """What a step of one take reads at least: the weights of its products, and all that `heard` positions left behind,
    in numbers of `kept` bytes.

    The text's part, read as well, is small and left out.
    """
    matrices = 3 + 1 + (2 if facts.cross else 0)  # self-attention, out, the text's query and out
    layer = matrices * facts.dim**2 + 2 * facts.dim * facts.feed_forward
    heads = facts.codebooks * facts.card * facts.dim
    byte = 1 + 4 / GROUP  # and its share of a scale
    of_layer = {"int8": byte, "fp32": 4}.get(precision, 2)
    of_heads = {"int8": 2 * byte, "fp32": 4}.get(precision, 2)
    return round(facts.layers * layer * of_layer + heads * of_heads + cache_bytes(facts, _ROWS, heard, kept))
