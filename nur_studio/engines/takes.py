"""Inside the engine process: the takes of one order, from what the engine makes to files and answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.engines.base import Music, MusicTask, OnAudio, OnEnded
from nur_studio.engines.messages import CODES_NAME, PREVIEW_NAME, Made, Make, TakeEnded, Wanted
from nur_studio.engines.reporting import Preview, Reporter

FRAME_RATE = 50.0  # codes a second, where an engine's details do not say otherwise

_STEMS_SHARE, _MIX_SHARE = 0.8, 0.95  # of the progress bar is making; the rest is measuring and writing the masters


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
            Preview(number, wanted.folder / PREVIEW_NAME, connection) for number, wanted in enumerate(order.takes)
        ]
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
            tasks = [wanted.task for wanted in self._order.takes]
            generate(tasks, self._on_progress, self._previews, self._on_ended, self._cancel)

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
        self._connection.send(TakeEnded(number, end))

    def _kept(self, number: int, music: Music) -> Made:
        from nur_studio.audio.masters import write_masters

        wanted = self._order.takes[number]
        check(music, wanted.task, self._cancel.enough())
        generated = time.perf_counter()

        def tell(progress: Progress) -> None:
            self._mastered[number] = progress.fraction
            self._tell(progress.stage)

        masters = write_masters(
            wanted.folder, music.mix, music.stems, music.sample_rate, music.tempo, tell, self._cancel
        )
        self._keep_codes(wanted, music)
        _keep_sheet(wanted.folder, music)
        ended = time.perf_counter()
        return Made(
            masters=masters,
            tempo=music.tempo,
            beats_per_bar=music.beats_per_bar,
            beat_offset_s=music.beat_offset_s,
            key=music.key,
            sections=tuple(music.sections),
            details=dict(music.details),
            note=music.note,
            seconds=rounded(
                {
                    "loading": self._loaded - self._started,
                    "generating": generated - self._loaded,
                    "mastering": ended - generated,
                    "total": ended - self._started,
                }
            ),
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
