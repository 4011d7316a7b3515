"""A music engine that behaves, or misbehaves, as its options say. Real arrays through the real process; only the music
is false: a click on every beat over a quiet tone, different for every seed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.audio.files import read_audio
from nur_studio.core.errors import GenerationFailed
from nur_studio.core.mix import STEMS
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Section
from nur_studio.engines.base import EngineInfo, Music, MusicTask, OnAudio, OnEnded, OnStems, Separation

SAMPLE_RATE = 44100
STEPS = 5
SHEET = NoteSheet("Fake", 120.0, 4, 10.0, (NoteLine("Bass", "bass", 33, (PlayedNote(1.5, 1.0, 40, 0.5),)),))


class FakeEngine:
    """`fault`: "" works; "exit", "kill", "memory", "mapping", "sentence", "bug", "disk", "shape", "nan" or "print"
    act half-way.

    `step_s`: how long each of the five steps takes; `deaf`: cancel is not looked at; `keeps`: it can end early;
    `rewinds`: the third step is made twice; `codes`: it tells what it decoded; `sheet`: it
    has written notes.
    """

    def __init__(
        self,
        fault: str = "",
        step_s: float = 0.0,
        deaf: bool = False,
        stems: bool = True,
        keeps: bool = False,
        rewinds: bool = False,
        codes: bool = False,
        sheet: bool = False,
    ) -> None:
        self.fault, self.step_s, self.deaf, self.stems = fault, step_s, deaf, stems
        self.keeps, self.rewinds, self.codes, self.sheet = keeps, rewinds, codes, sheet
        self.made = 0

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        parts = music(task)
        mix = sum(parts.values(), np.zeros_like(parts["drums"]))
        edges = np.linspace(0, len(mix), STEPS + 1).astype(int)
        note = ""
        for step in range(STEPS):
            if self.keeps and step and cancel.enough():
                note = "It was ended early."
                mix = mix[: edges[step]]
                parts = {stem: part[: edges[step]] for stem, part in parts.items()}
                break
            if not self.deaf:
                cancel.check()
            on_progress(Progress("pretending", step / STEPS))
            if step == STEPS // 2:
                mix = self._misbehave(mix)
            if self.rewinds and step == STEPS // 2:
                on_audio(-mix[edges[step] : edges[step + 1]], SAMPLE_RATE)
                on_audio.rewind(int(edges[step]))
            on_audio(mix[edges[step] : edges[step + 1]], SAMPLE_RATE)
            time.sleep(self.step_s)
        return self._music(task, mix, parts, note)

    def _music(self, task: MusicTask, mix: Audio, parts: dict[str, Audio], note: str) -> Music:
        self.made += 1
        return Music(
            mix=mix,
            stems=parts if self.stems else {},
            sample_rate=SAMPLE_RATE,
            tempo=task.tempo,
            beats_per_bar=4,
            key="A minor",
            sections=(Section("A", 0, 2.0),),
            details={"model": "fake 1", "made": self.made, "pid": os.getpid(), **self._more_details(task)},
            note=note,
            codes=np.arange(8, dtype=np.int16).reshape(2, 4) if self.codes else None,
            sheet=SHEET if self.sheet else None,
        )

    def _more_details(self, task: MusicTask) -> dict[str, object]:
        reference = task.reference
        heard = None if reference is None else [*map(str, reference.audio), reference.start_s, reference.end_s]
        codes = str(reference.codes) if reference is not None and reference.codes is not None else ""
        return {"heard": heard, "heard_codes": codes, "delivery": [task.sample_rate, task.master]}

    def _misbehave(self, mix: Audio) -> Audio:
        if self.fault == "exit":
            os._exit(7)
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "memory":
            raise MemoryError
        if self.fault == "mapping":
            raise ImportError("_core.so: failed to map segment from shared object")
        if self.fault == "sentence":
            raise GenerationFailed("The fake is tired.", hint="Let it sleep.")
        if self.fault == "bug":
            raise ZeroDivisionError("an honest mistake")
        if self.fault == "disk":
            raise OSError(28, "No space left on device")
        if self.fault == "shape":
            return mix[:-1]
        if self.fault == "nan":
            mix = mix.copy()
            mix[5] = np.nan
        if self.fault == "print":
            sys.stdout.write("noise on standard output\n")
        return mix


class TogetherEngine(FakeEngine):
    """One that makes its takes side by side. `fault` befalls the take with the seed `fault_seed` alone, or all."""

    def __init__(self, fault_seed: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.fault_seed = fault_seed

    def generate_together(
        self,
        tasks: Sequence[MusicTask],
        on_progress: OnProgress,
        on_audio: Sequence[OnAudio],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        parts = [music(task) for task in tasks]
        mixes = [sum(each.values(), np.zeros_like(each["drums"])) for each in parts]
        edges = np.linspace(0, len(mixes[0]), STEPS + 1).astype(int)
        running = dict(enumerate(tasks))
        for step in range(STEPS):
            cancel.check()
            if self.keeps and step and cancel.enough():
                break
            on_progress(Progress("pretending", step / STEPS))
            for number, task in tuple(running.items()):
                if step == STEPS // 2 and self.fault_seed in (-1, task.seed):
                    try:
                        mixes[number] = self._misbehave(mixes[number])
                    except Exception as error:
                        del running[number]
                        on_ended(number, error)
                        continue
                on_audio[number](mixes[number][edges[step] : edges[step + 1]], SAMPLE_RATE)
            time.sleep(self.step_s)
        else:
            step = STEPS
        note = "" if step == STEPS else "It was ended early."
        for number, task in running.items():
            kept = {stem: part[: edges[step]] for stem, part in parts[number].items()}
            on_ended(number, self._music(task, mixes[number][: edges[step]], kept, note))

    def _more_details(self, task: MusicTask) -> dict[str, object]:
        return {**super()._more_details(task), "together": True}


class HeavyEngine(FakeEngine):
    """One that holds memory until it is asked for it. `released` counts how often it was."""

    released = 0

    def release(self) -> None:
        HeavyEngine.released += 1

    def _more_details(self, task: MusicTask) -> dict[str, object]:
        return {"released": HeavyEngine.released}


class FakeSeparator:
    """Gives every lane a tenth of the mix, so that most of it is missing. `fault`, `step_s` and `deaf` as above, and
    "short": it ends before the mix does; "lanes": it hands over others than it said.
    """

    released = 0

    def __init__(
        self, lanes: tuple[str, ...] = STEMS, fault: str = "", step_s: float = 0.0, deaf: bool = False
    ) -> None:
        self.lanes, self.fault, self.step_s, self.deaf = lanes, fault, step_s, deaf

    def release(self) -> None:
        FakeSeparator.released += 1

    def separate(self, mix: Path, on_stems: OnStems, on_progress: OnProgress, cancel: Cancel) -> Separation:
        audio, _ = read_audio(mix)
        edges = np.linspace(0, len(audio), STEPS + 1).astype(int)
        for step in range(STEPS):
            if not self.deaf:
                cancel.check()
            on_progress(Progress("separating", step / STEPS))
            if step == STEPS // 2:
                self._misbehave()
            if step == STEPS - 1 and self.fault == "short":
                break
            tenth = 0.1 * audio[edges[step] : edges[step + 1]]
            on_stems(dict.fromkeys(self.lanes[1:] if self.fault == "lanes" else self.lanes, tenth))
            time.sleep(self.step_s)
        return Separation({"model": "fake 2", "released": FakeSeparator.released, "device": "CPU"})

    def _misbehave(self) -> None:
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "memory":
            raise MemoryError
        if self.fault == "sentence":
            raise GenerationFailed("The fake is tired.", hint="Let it sleep.")
        if self.fault == "bug":
            raise ZeroDivisionError("an honest mistake")
        if self.fault == "disk":
            raise OSError(28, "No space left on device")


def separator(name: str = "apart", why_not: str = "", **options: object) -> EngineInfo:
    """A separator as the catalogue would list it."""
    lanes = options.get("lanes", STEMS)
    assert isinstance(lanes, tuple)
    return EngineInfo(
        name=name,
        title=name.capitalize(),
        summary="Pretends.",
        licence="for tests too",
        factory="fake_engine:FakeSeparator",
        why_not=why_not,
        stems=True,
        options=options,
        can=frozenset({"separate"}),
        lanes=lanes,
    )


def music(task: MusicTask) -> dict[str, Audio]:
    """Four stems of a task: clicks, two tones, silence."""
    frames = round(task.duration_s * SAMPLE_RATE)
    time_s = np.arange(frames) / SAMPLE_RATE
    beat = (time_s * task.tempo / 60.0) % 1.0
    rng = np.random.default_rng(task.seed)
    click = np.where(beat < 0.02, rng.uniform(-0.5, 0.5, frames), 0.0)
    low, high = rng.uniform(60, 120), rng.uniform(300, 900)
    mono = {
        "drums": click,
        "bass": 0.1 * np.sin(2 * np.pi * low * time_s),
        "vocals": np.zeros(frames),
        "other": 0.1 * np.sin(2 * np.pi * high * time_s),
    }
    return {stem: np.repeat(mono[stem][:, None], 2, axis=1).astype(np.float32) for stem in STEMS}


def info(name: str = "fake", can: tuple[str, ...] = (), heavy: bool = False, **options: object) -> EngineInfo:
    """The engine as the catalogue would list it."""
    kind = "HeavyEngine" if heavy else "TogetherEngine" if "together" in can else "FakeEngine"
    return EngineInfo(
        name=name,
        title=name.capitalize(),
        summary="Pretends.",
        licence="for tests",
        factory=f"fake_engine:{kind}",
        stems=bool(options.get("stems", True)),
        options=options,
        can=frozenset(can),
    )
