"""Inside the engine process: the takes of one order, from what the engine makes to files and answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nur_studio.core.contract import MAX_ROLLS, Contract, FarOff, TempoStep, rolled_seed
from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.engines.base import Music, MusicTask, OnAudio, OnEnded
from nur_studio.engines.messages import CODES_NAME, PREVIEW_NAME, Made, Make, TakeEnded, Wanted
from nur_studio.engines.reporting import Preview, Reporter

if TYPE_CHECKING:  # what measures and stretches would slow the window's start
    from nur_studio.engines.delivering import HandedOver, Listening

FRAME_RATE = 50.0  # codes a second, where an engine's details do not say otherwise

_HANDING_SHARE = 0.5  # of what comes after the making, where a take is brought to what was asked for
_STEMS_SHARE, _MIX_SHARE = 0.8, 0.95  # of the progress bar is making; the rest is measuring and writing the masters


@dataclass(frozen=True, slots=True, eq=False)
class _Roll:
    """One try at a take: what came of its seed, and what was heard in it."""

    seed: int
    music: Music
    listening: Listening


class Takes:
    """The takes of one order. `engine` gives the engine; `explain` makes a sentence of what went wrong with a take, and
    is told whose fault it may be.

    Each take that ends is answered by `TakeEnded` when it ends.
    """

    def __init__(
        self,
        order: Make,
        engine: Callable[[], Any],
        explain: Callable[[Exception, Wanted, str], StudioError],
        connection: Connection,
        cancel: Cancel,
    ) -> None:
        self._order, self._engine, self._explain = order, engine, explain
        self._connection, self._cancel = connection, cancel
        self._report = Reporter(connection)
        self._making = _STEMS_SHARE if order.engine.stems else _MIX_SHARE
        self._made = 0.0  # the share of the making that is done
        self._mastered = [0.0] * len(order.takes)
        self._previews = [
            Preview(number, wanted.folder / PREVIEW_NAME, connection, wanted.task.duration_s)
            for number, wanted in enumerate(order.takes)
        ]
        self._rolls: list[list[_Roll]] = [[] for _ in order.takes]
        self._again: set[int] = set()  # takes to be rolled once more
        self._started = self._loaded = time.perf_counter()

    def make(self) -> None:
        """Make them all. Raises `Cancelled` once cancel is asked for, and what keeps all of them from being made."""
        self._tell("starting")
        engine = self._engine()
        self._loaded = time.perf_counter()
        generate = getattr(engine, "generate_together", None) or self._one_by_one
        with contextlib.ExitStack() as stack:
            for preview in self._previews:
                stack.enter_context(preview)
            numbers = list(range(len(self._order.takes)))
            while numbers:
                self._again.clear()
                generate(
                    [self._task(number) for number in numbers],
                    self._on_progress,
                    [self._previews[number] for number in numbers],
                    partial(self._on_made, tuple(numbers)),
                    self._cancel,
                )
                numbers = sorted(self._again)

    def _task(self, number: int) -> MusicTask:
        """What to tell the engine now: with what is to be cut off in the end, and the seed of this roll."""
        wanted = self._order.takes[number]
        roll = len(self._rolls[number])
        task = replace(wanted.task, seed=rolled_seed(wanted.task.seed, roll))
        spare_s = wanted.contract.spare_s if wanted.contract is not None else 0.0
        return replace(task, duration_s=task.duration_s + spare_s, spare_s=spare_s)

    def _one_by_one(
        self,
        tasks: Sequence[MusicTask],
        on_progress: OnProgress,
        on_audio: Sequence[OnAudio],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        """`generate_together` for an engine that has none."""
        for number, task in enumerate(tasks):
            outcome: Music | Exception
            share = ranged(on_progress, number / len(tasks), (number + 1) / len(tasks))
            try:
                cancel.check()
                if number and cancel.enough():
                    raise Cancelled
                outcome = self._engine().generate(task, share, on_audio[number], cancel)
            except Cancelled as error:
                cancel.check()
                outcome = error
            except Exception as error:
                outcome = error
            on_ended(number, outcome)

    def _on_progress(self, progress: Progress) -> None:
        self._made = progress.fraction
        self._tell(progress.stage)

    def _tell(self, stage: str) -> None:
        mastered = sum(self._mastered) / len(self._mastered)
        self._report(Progress(stage, self._making * self._made + (1.0 - self._making) * mastered))

    def _on_made(self, numbers: Sequence[int], index: int, outcome: Music | Exception) -> None:
        """One roll of a take has ended: it is the take, or it is rolled again, or an earlier one was better."""
        from nur_studio.engines.delivering import listen

        number = numbers[index]
        wanted, rolls = self._order.takes[number], self._rolls[number]
        contract = wanted.contract
        if contract is not None and not contract.exact:
            try:
                if isinstance(outcome, Music):
                    check(outcome, self._task(number), self._cancel.enough())
                    self._tell("measuring the tempo")
                    listening = listen(outcome.mix, outcome.sample_rate, outcome.tempo, contract)
                    rolls.append(_Roll(self._task(number).seed, outcome, listening))
                    if self._rolls_again(contract, rolls):
                        self._previews[number].rewind(0)
                        self._again.add(number)
                        return
            except Exception as error:
                outcome = error
            if rolls:  # also where the last of them went wrong, or it was enough in the middle of it
                outcome = min(rolls, key=lambda roll: roll.listening.badness).music
        self._on_ended(number, outcome)

    def _rolls_again(self, contract: Contract, rolls: Sequence[_Roll]) -> bool:
        """Whether what was heard is too far off, and the person wants another try rather than a stretch."""
        if contract.far_off is not FarOff.REROLL or len(rolls) >= MAX_ROLLS or self._cancel.enough():
            return False
        first, last = rolls[0].listening, rolls[-1].listening
        return first.plan.step is TempoStep.ASK and not last.good

    def _on_ended(self, number: int, outcome: Music | Exception) -> None:
        end: Made | StudioError | Cancelled
        try:
            if isinstance(outcome, Music):
                end = self._kept(number, outcome)
            elif isinstance(outcome, Cancelled):
                end = outcome
            else:
                raise outcome
        except (Cancelled, BrokenPipeError):
            raise
        except Exception as error:
            end = self._explain(error, self._order.takes[number], self._order.engine.title)
        self._previews[number].end()
        self._mastered[number] = 1.0
        self._rolls[number].clear()
        self._connection.send(TakeEnded(number, end))

    def _kept(self, number: int, music: Music) -> Made:
        from nur_studio.audio.masters import write_masters, write_original

        wanted = self._order.takes[number]
        contract = wanted.contract
        if not self._rolls[number]:
            check(music, self._task(number), self._cancel.enough())
        generated = time.perf_counter()
        handed = self._handed_over(number, music, contract)

        def tell(progress: Progress) -> None:
            self._mastered[number] = _HANDING_SHARE + (1.0 - _HANDING_SHARE) * progress.fraction
            self._tell(progress.stage)

        asked = contract.tempo if contract is not None else None
        near = float(handed.tempo_exact or asked or music.tempo) or None
        masters = write_masters(
            wanted.folder, handed.mix, handed.stems, music.sample_rate, near, tell, self._cancel, music.beats_per_bar
        )
        if handed.changed:
            write_original(wanted.folder, music.mix, music.stems, music.sample_rate, self._cancel)
        self._keep_codes(wanted, music)
        _keep_sheet(wanted.folder, music)
        ended = time.perf_counter()
        return Made(
            masters=masters,
            tempo=handed.tempo,
            beats_per_bar=music.beats_per_bar,
            beat_offset_s=handed.beat_offset_s,
            key=music.key,
            sections=tuple(music.sections),
            details=dict(music.details),
            note=" ".join(filter(None, (music.note, handed.note))),
            seconds=rounded(
                {
                    "loading": self._loaded - self._started,
                    "generating": generated - self._loaded,
                    "mastering": ended - generated,
                    "total": ended - self._started,
                }
            ),
            tempo_exact=handed.tempo_exact,
            contract=handed.told,
        )

    def _handed_over(self, number: int, music: Music, contract: Contract | None) -> HandedOver:
        """The take by its contract."""
        from nur_studio.engines.delivering import HandedOver, hand_over, kept_exact

        rolls = self._rolls[number]
        if contract is None or not rolls:
            told = kept_exact(contract, music.mix, music.sample_rate, music.tempo) if contract is not None else {}
            offset_s = music.beat_offset_s
            return HandedOver(music.mix, dict(music.stems), music.tempo, None, offset_s, "", told, changed=False)

        def tell(progress: Progress) -> None:
            self._mastered[number] = _HANDING_SHARE * progress.fraction
            self._tell(progress.stage)

        (chosen,) = (roll for roll in rolls if roll.music is music)
        handed = hand_over(music.mix, music.stems, music.sample_rate, contract, chosen.listening, tell, self._cancel)
        if len(rolls) == 1:
            return handed
        heard = ", ".join(
            "no beat" if (bpm := roll.listening.plan.measured) is None else f"{bpm:.1f}" for roll in rolls
        )
        note = f"Rolled {len(rolls)} times for its tempo (heard: {heard} BPM)."
        every = [{"seed": roll.seed, **_told_of(roll.listening)} for roll in rolls]
        return replace(
            handed,
            note=" ".join(filter(None, (note, handed.note))),
            told={**handed.told, "rolls": every, "seed": chosen.seed},
        )

    def _keep_codes(self, wanted: Wanted, music: Music) -> None:
        if music.codes is None:
            return
        from nur_studio.engines.musicgen.references import write_codes

        rate = music.details.get("frame_rate", FRAME_RATE)
        assert isinstance(rate, float | int)
        write_codes(wanted.folder / CODES_NAME, music.codes, self._order.engine.name, float(rate))


def _keep_sheet(folder: Path, music: Music) -> None:
    if music.sheet is None:
        return
    from nur_studio.audio.masters import score_path
    from nur_studio.audio.midi import write_midi

    write_midi(score_path(folder), music.sheet)


def _told_of(listening: Listening) -> dict[str, object]:
    measured = listening.plan.measured
    return {"measured": None if measured is None else round(measured, 4), "step": listening.plan.step.value}


def check(music: Music, task: MusicTask, ended_early: bool) -> None:
    """An engine that breaks its promise is told so here, not three modules later. Raises `ValueError`."""
    frames = round(task.duration_s * music.sample_rate)
    if (ended_early or music.note) and 0 < len(music.mix) < frames:
        frames = len(music.mix)
    if music.stems and set(music.stems) != set(STEMS):
        raise ValueError(f"stems {sorted(music.stems)} instead of {sorted(STEMS)}")
    for name, audio in {"mix": music.mix, **music.stems}.items():
        if audio.shape != (frames, 2):
            raise ValueError(f"{name} has shape {audio.shape} instead of {(frames, 2)}")
        if audio.dtype != np.float32:
            raise ValueError(f"{name} is {audio.dtype} instead of float32")
        if not np.isfinite(audio).all():
            raise ValueError(f"{name} has samples that are no numbers")


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, as they are kept."""
    return {name: round(value, 3) for name, value in seconds.items()}
