"""The protocols behind which engines and separators stand, and the values that cross into their process and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.controls import Controls
from nur_studio.core.notes import NoteSheet
from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.prompt import PromptReading
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Section

Codes = NDArray[np.int16]
"""What a model makes before it is sound: (codebooks, frames)."""


@dataclass(frozen=True, slots=True)
class ReferenceAudio:
    """Where a task's reference lies: `audio` a file to read from `start_s` to `end_s`, `codes` what the studio's own
    model made it of (a file `read_codes` reads), or None.
    """

    audio: tuple[Path, ...]  # summed: the mix, or stems of it
    start_s: float = 0.0
    end_s: float | None = None
    codes: Path | None = None


@dataclass(frozen=True, slots=True)
class MusicTask:
    """One take to make, all choices already taken: nothing in it is random.

    `duration_s` is the whole take's; the last `spare_s` of it are made to be cut off: then the end is left as it is.
    `master` brings it to −14 LUFS, else the engine's own level stays, unclipped. `reference` is there where
    `controls.reference` is.
    """

    prompt: str
    duration_s: float
    tempo: int
    seed: int
    reading: PromptReading
    controls: Controls = field(default_factory=Controls)
    reference: ReferenceAudio | None = None
    sample_rate: int = 44100
    master: bool = True
    spare_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Music:
    """What an engine made: stems whose sum is the mix, all of shape (frames, 2) and one `sample_rate`.

    An engine that makes no stems leaves `stems` empty. Beat 0 of bar 1 is at `beat_offset_s`. `note` is a sentence for
    people where it is not all they asked for; `codes` what it was decoded from and `sheet` the notes it was played
    from, both kept with the take.
    """

    mix: Audio
    stems: Mapping[str, Audio]
    sample_rate: int
    tempo: int
    beats_per_bar: int
    key: str
    sections: tuple[Section, ...] = ()
    beat_offset_s: float = 0.0
    details: Mapping[str, object] = field(default_factory=dict)  # for the recipe: plan, model hash …
    note: str = ""
    codes: Codes | None = None
    sheet: NoteSheet | None = None


class OnAudio(Protocol):
    """Takes the mix as it comes, chunk by chunk, in order."""

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        """The next chunk, (frames, 2)."""
        ...

    def rewind(self, frames: int) -> None:
        """Forget what came after the first `frames`: it is being made again."""
        ...


class Unheard:
    """An `OnAudio` for nobody."""

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        pass

    def rewind(self, frames: int) -> None:
        pass


class MusicGenerator(Protocol):
    """Makes music from a task. Lives in the engine process; `cancel.check()` at every step under a second."""

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        """Make one take of exactly `round(task.duration_s * sample_rate)` frames, or fewer where `cancel.enough()`
        came true or memory ran out (`note` says so then). Engines may have more methods: `warm()`, to load ahead of
        time, `release()`, to give all memory back until the next take, and the one of `MakesTogether`.

        Raises `Cancelled`, or `EngineUnavailable` / `GenerationFailed` with a sentence for people.
        """
        ...


OnEnded = Callable[[int, "Music | Exception"], None]
"""Told how the take of this number ended: made, gone wrong, or `Cancelled` where it was enough too soon to keep any."""


class MakesTogether(Protocol):
    """What an engine has beside `generate` where it "can" "together": several takes as one batch."""

    def generate_together(
        self,
        tasks: Sequence[MusicTask],
        on_progress: OnProgress,
        on_audio: Sequence[OnAudio],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        """Make these takes, each as `generate` would make it alone. Progress is of all of them.

        Each take's end is told once, when it comes; what goes wrong with one leaves the others alone. Raises
        `Cancelled` once cancel is asked for, and what keeps all of them from being made.
        """
        ...


OnStems = Callable[[Mapping[str, Audio]], None]
"""Takes stems as they come, block by block, in order: for each lane (frames, 2), all of one length and float32."""


@dataclass(frozen=True, slots=True)
class Separation:
    """What a separator tells of its work: `details` for the recipe (model, hashes, device …)."""

    details: Mapping[str, object] = field(default_factory=dict)


class StemSeparator(Protocol):
    """Takes a mix apart. Lives in the engine process; `cancel.check()` at every step under a second."""

    def separate(self, mix: Path, on_stems: OnStems, on_progress: OnProgress, cancel: Cancel) -> Separation:
        """Hand the stems of the audio file `mix` to `on_stems`: in all as many frames as the file has, at its rate.

        Their sum should be near the mix; whoever keeps them makes it exact. Memory must not grow with the file's
        length. Separators may have `warm()` and `release()` as engines do. Raises `Cancelled`, or `StudioError` with a
        sentence for people.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine or a separator as people see it. `factory` is "module:callable", imported in the engine process only.

    `why_not` is "" where it can run here, else one sentence that says what is missing. `can` names what it does beside
    making music: "keep" (end early), "together" (several takes as one batch), "controls", "sections", "continue",
    "melody", "count-in"; of a separator it is "separate", and `lanes` are the stems it makes. `exact`: it is in the
    tempo it is told by construction; else what it makes is measured, and brought to a tempo that was asked for.
    `sellable`: whether its licence lets people sell what it makes.
    "melody", "count-in"; of a separator it is "separate", and `lanes` are the stems it makes. `sellable`: whether its
    licence lets people sell what it makes. `host` is the machine it runs on where that is not this one.
    """

    name: str
    title: str
    summary: str
    licence: str
    factory: str
    why_not: str = ""
    stems: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    can: frozenset[str] = frozenset()
    sellable: bool = True
    lanes: tuple[str, ...] = ()
    exact: bool = True
    host: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`seconds_per_minute` of music, on `device` in `precision`; `fits` where it has `memory_bytes` or more."""

    model: str
    device: str
    precision: str
    fits: bool
    memory_bytes: int
    seconds_per_minute: float
