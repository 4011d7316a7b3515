"""Sketch as a music engine: composes a score and plays it. Needs no weights; its output is free of any licence."""

from __future__ import annotations

from collections import Counter

from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Music, MusicTask, OnAudio


class Sketch:
    """Implements `MusicGenerator`. Heavy imports wait for the first take."""

    def warm(self) -> None:
        """Load ahead of time what the first take would have to wait for."""
        from nur_studio.engines.sketch import compose, synth  # noqa: F401

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        """Compose, play, mix and master one take. The same task gives the same samples."""
        import numpy as np

        from nur_studio.engines.sketch.compose import compose
        from nur_studio.engines.sketch.notation import notation
        from nur_studio.engines.sketch.synth import render
        from nur_studio.engines.sketch.synth.tone import RATE

        on_progress(Progress("composing", 0.0))
        score = compose(task)
        cancel.check()
        on_progress(Progress("composing", 0.01))
        stems = render(score, on_progress, on_audio, cancel)
        mix: Audio = np.zeros_like(next(iter(stems.values())))
        for stem in stems.values():
            mix += stem
        return Music(
            mix=mix,
            stems=stems,
            sample_rate=RATE,
            tempo=score.tempo,
            beats_per_bar=score.beats_per_bar,
            key=score.key,
            sections=score.sections,
            sheet=notation(score),
            details={
                "title": score.title,
                "genre": score.genre,
                "instruments": [part.instrument for part in score.parts],
                "stems": dict(Counter(part.stem for part in score.parts)),
                "loop": score.finish.loop,
            },
        )


def sketch() -> Sketch:
    """The factory the engine catalogue names."""
    return Sketch()
