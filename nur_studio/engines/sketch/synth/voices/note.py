"""A note as an instrument is asked to play it, and what an instrument is to the rest of the synthesizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nur_studio.engines.sketch.synth.tone import Wave, hz


@dataclass(frozen=True, slots=True)
class Tone:
    """One note to render. `frames` is how long the key is held (sustained voices) or how long to ring (plucked ones).

    `velocity` is already quantised to a layer; `variant` picks one of several slightly different performances.
    """

    pitch: int
    frames: int
    velocity: float
    variant: int = 0
    glide_from: int | None = None
    accent: bool = False

    @property
    def hz(self) -> float:
        return hz(self.pitch)


@dataclass(frozen=True, slots=True)
class Voice:
    """An instrument: how it sounds and how its notes may be shared.

    A voice that `rings` is struck or plucked: it decays by itself and is damped over `release_s` when let go. Any
    other voice shapes its whole note, release included. `play` returns mono (frames,) or stereo (2, frames).
    """

    play: Callable[[Tone], Wave]
    rings: bool = False
    release_s: float = 0.1
    longest_s: float = 6.0
    layers: int = 5
    variants: int = 2
    glides: bool = False
    spread: float = 0.0  # how far low and high notes sit left and right, as at a keyboard
