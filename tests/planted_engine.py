"""A music engine whose takes are known to the frame and, as MusicGen's, not in the tempo they were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from rhythms import beatless, loop, waltz

from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.sound import Audio
from nur_studio.engines.base import EngineInfo, Music, MusicTask, OnAudio

SAMPLE_RATE = 44100


class PlantedEngine:
    """`tempi`: what the takes are in, one for each roll, the last for all that follow; 0 is no beat at all.

    `start_s` is where the first beat lies, `ramp` how the tempo moves, `beats` 3 a waltz; `keeps_s`: it is ended after
    so long; `stems`: drums and the rest apart.
    """

    def __init__(
        self,
        tempi: tuple[float, ...],
        start_s: float = 0.0,
        ramp: float = 0.0,
        beats: int = 4,
        keeps_s: float | None = None,
        stems: bool = False,
    ) -> None:
        self.tempi, self.start_s, self.ramp, self.beats = tempi, start_s, ramp, beats
        self.keeps_s, self.stems = keeps_s, stems
        self.seeds: list[int] = []

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        cancel.check()
        on_progress(Progress("pretending", 0.5))
        tempo = self.tempi[min(len(self.seeds), len(self.tempi) - 1)]
        self.seeds.append(task.seed)
        drums = self._drums(tempo, task.duration_s)
        time = np.arange(len(drums)) / SAMPLE_RATE
        tone = np.repeat(0.05 * np.sin(2 * np.pi * 220.0 * time)[:, None], 2, axis=1).astype(np.float32)
        silent = np.zeros_like(drums)
        parts = {"drums": drums, "bass": silent, "vocals": silent, "other": tone} if self.stems else {}
        mix = drums + tone if self.stems else drums
        for edge in range(0, len(mix), SAMPLE_RATE):
            on_audio(mix[edge : edge + SAMPLE_RATE], SAMPLE_RATE)
        return Music(
            mix=mix,
            stems=parts,
            sample_rate=SAMPLE_RATE,
            tempo=task.tempo,
            beats_per_bar=self.beats,
            key="A minor",
            details={"model": "planted 1", "seeds": list(self.seeds), "made_s": task.duration_s},
            note="" if self.keeps_s is None else "It was ended early.",
            codes=np.arange(8, dtype=np.int16).reshape(2, 4),
        )

    def _drums(self, tempo: float, seconds: float) -> Audio:
        seconds = seconds if self.keeps_s is None else self.keeps_s
        if not tempo:
            return 0.5 * beatless("noise", seconds)
        if self.beats == 3:
            return 0.4 * waltz(tempo, seconds, self.start_s)
        return 0.4 * loop(tempo, seconds, "four on the floor", start_s=self.start_s, ramp=self.ramp)


def info(name: str, *tempi: float, **options: Any) -> EngineInfo:
    """The engine as the catalogue would list it."""
    return EngineInfo(
        name=name,
        title=name.capitalize(),
        summary="Pretends.",
        licence="for tests",
        factory="planted_engine:PlantedEngine",
        stems=bool(options.get("stems")),
        options={"tempi": tempi, **options},
        can=frozenset({"keep", "controls", "continue"}),
        exact=False,
    )
