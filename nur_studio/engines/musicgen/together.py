"""Runs takes side by side: windows that several of them want at once are decoded as one.

Takes of one kind, equal in all but the seed, follow the same descriptions through the same windows. They go on in
lock-step, the one furthest behind first: where one rolls a window again the others wait for it, and only those that
roll again are decoded meanwhile. Takes of different kinds (without an asked tempo each take draws its own, and the
description says it) share no window, for a text of another length would change the others' numbers: they are made kind
by kind, in their order, so that the first is there soonest. A take alone goes the same way.

A seed gives the same take whatever is made beside it. Where the device computes several takes otherwise than each
alone, if only in the last bit, they are therefore made one after the other.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch

from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.base import Music, MusicTask, OnEnded
from nur_studio.engines.checkpoints import is_out_of_memory
from nur_studio.engines.device import free_bytes
from nur_studio.engines.musicgen.apart import takes_apart
from nur_studio.engines.musicgen.cache import Cache
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.decoding import Window
from nur_studio.engines.musicgen.loading import MusicGenModel
from nur_studio.engines.musicgen.taking import Roll, Rolled, Taking

log = logging.getLogger(__name__)

_CHUNK_S = 0.5  # of codes decoded at a time: what a listener waits for
_USABLE = 0.8  # of the memory that is free: the codec and the steps themselves need some


class Together:
    """Makes takes with one model, all of them with one `cancel`. `make` is called once.

    A take's music does not depend on the takes beside it. Whatever goes wrong with one leaves the others alone; where
    memory does not do for all of them at once, fewer are decoded at a time.
    """

    def __init__(
        self,
        model: MusicGenModel,
        takings: Sequence[Taking],
        on_progress: OnProgress,
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        self._model = model
        self._takings = takings
        self._on_progress, self._on_ended, self._cancel = on_progress, on_ended, cancel
        self._chunk = round(_CHUNK_S * model.codec.frame_rate)
        self._most = len(takings)  # at once
        self._running: dict[int, Generator[Roll, Rolled, Music]] = {}
        self._wanted: dict[int, Roll] = {}
        self._shares = [0.0] * len(takings)

    def make(self) -> None:
        """Make them all; each one's end is told once, by its number. Raises `Cancelled` once cancel is asked for."""
        for position, kind in enumerate(self._kinds()):
            if position and self._cancel.enough():
                for number in kind:  # not begun
                    self._end(number, Cancelled())
                continue
            self._cancel.check()
            self._tell("reading the description")
            for number in kind:
                self._running[number] = self._takings[number].music()
                self._go_on(number, None)
            while self._wanted:
                self._decode(self._next())

    def _kinds(self) -> list[list[int]]:
        model, takes = self._model, len(self._takings)
        if takes > 1 and takes_apart(model.language_model, takes, model.window_frames):
            return kinds([taking.task for taking in self._takings])
        return [[number] for number in range(takes)]

    def _next(self) -> list[int]:
        """The takes whose windows are to be decoded next: all those furthest behind, as far as that has been tried."""
        window = min((roll.window for roll in self._wanted.values()), key=lambda window: window.start)
        return [number for number in sorted(self._wanted) if self._wanted[number].window == window][: self._most]

    def _decode(self, numbers: list[int]) -> None:
        """Decode the windows of these takes as one, and let the takes go on with what came of it."""
        try:
            conditions = self._wanted[numbers[0]].conditions()
            numbers = self._fitting(numbers, conditions)
            window = self._window(numbers, conditions)
            faults = self._run(window, numbers)
        except Cancelled:
            raise
        except Exception as error:
            if len(numbers) > 1 and is_out_of_memory(error):
                log.exception("out of memory")
                self._take_fewer(numbers)
                return  # what they want is still the same
            for number in numbers:
                self._go_on(number, error)
            return
        codes = window.codes(window.known, window.ready)
        for number, fresh in zip(numbers, codes, strict=True):
            self._go_on(number, faults.get(number) or Rolled(fresh, window.takes))

    def _fitting(self, numbers: list[int], conditions: Conditions) -> list[int]:
        """As many of these takes as memory has room for."""
        model = self._model.language_model
        positions = conditions.prefix.shape[1] + self._wanted[numbers[0]].frames + max(model.facts.delays)
        one = Cache.bytes_for(model, 2, positions)
        fitting = max(1, int(_USABLE * free_bytes(model.device.type) / one))
        if fitting < len(numbers):
            self._fewer(len(numbers), fitting, numbers)
        return numbers[:fitting]

    def _window(self, numbers: list[int], conditions: Conditions) -> Window:
        rolls = [self._wanted[number] for number in numbers]
        first = rolls[0]
        prompt = torch.stack([roll.known for roll in rolls]) if first.window.carry else None
        seeds = [roll.seed for roll in rolls]
        return Window(self._model.language_model, conditions, first.frames, seeds, first.sampling, prompt)

    def _run(self, window: Window, numbers: list[int]) -> dict[int, Exception]:
        """Decode a window and hand its codes to its takes as they come; by its number, what went wrong with a take."""
        rolls = {number: self._wanted[number] for number in numbers}
        faults: dict[int, Exception] = {}
        done = window.known

        def hand_on() -> None:
            nonlocal done
            for (number, roll), codes in zip(rolls.items(), window.codes(done, window.ready), strict=True):
                try:
                    if number not in faults:
                        roll.add(codes)
                except Cancelled:
                    raise
                except Exception as error:
                    if is_out_of_memory(error):
                        raise
                    faults[number] = error
            done = window.ready

        while window.steps_left and len(faults) < len(rolls):
            self._cancel.check()
            if self._cancel.enough():
                break
            window.step()
            if window.ready - done >= self._chunk:
                hand_on()
            for number, roll in rolls.items():
                self._shares[number] = roll.share(window.ready)
            self._tell("making music")
        if window.ready > done:
            hand_on()
        return faults

    def _take_fewer(self, numbers: list[int]) -> None:
        """Memory ran out over these: what they heard of the window is taken back, and fewer are decoded at a time."""
        for number in numbers:
            self._wanted[number].again()
        self._fewer(len(numbers), (len(numbers) + 1) // 2, numbers)

    def _fewer(self, tried: int, at_once: int, numbers: list[int]) -> None:
        self._most = at_once
        sentence = f"Memory did not do for {tried} takes at once: {at_once} at a time are made."
        log.warning("%s", sentence)
        for number in numbers:
            self._takings[number].remark(sentence)

    def _go_on(self, number: int, came: Rolled | Exception | None) -> None:
        """Let a take go on, to the next window it wants or to its end."""
        running = self._running[number]
        self._wanted.pop(number, None)
        try:
            if came is None:
                self._wanted[number] = next(running)
            elif isinstance(came, Rolled):
                self._wanted[number] = running.send(came)
            else:
                self._wanted[number] = running.throw(came)
        except StopIteration as end:
            self._end(number, end.value)
        except Cancelled as error:
            self._cancel.check()
            self._end(number, error)  # there was too little of it to keep
        except Exception as error:
            self._end(number, error)

    def _end(self, number: int, outcome: Music | Exception) -> None:
        self._running.pop(number, None)
        self._shares[number] = 1.0
        self._on_ended(number, outcome)

    def _tell(self, stage: str) -> None:
        self._on_progress(Progress(stage, sum(self._shares) / len(self._shares)))


def kinds(tasks: Sequence[MusicTask]) -> list[list[int]]:
    """The numbers of tasks that are equal in all but the seed, kind by kind, in the order of each kind's first."""
    found: list[tuple[MusicTask, list[int]]] = []
    for number, task in enumerate(tasks):
        plain = replace(task, seed=0)
        for kind, numbers in found:
            if kind == plain:
                numbers.append(number)
                break
        else:
            found.append((plain, [number]))
    return [numbers for _, numbers in found]
