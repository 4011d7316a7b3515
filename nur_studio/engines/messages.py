"""What the studio and its engine process say to each other. Small values only: audio crosses through files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.core.errors import StudioError
from nur_studio.core.timing import Section
from nur_studio.engines.base import EngineInfo, MusicTask

if TYPE_CHECKING:
    from nur_studio.audio.masters import Masters

PREVIEW_NAME = "preview.f32"


@dataclass(frozen=True, slots=True)
class Chunk:
    """How much of the mix is there to hear: `path` holds `frames` of raw interleaved float32 stereo, and grows."""

    path: Path
    frames: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Made:
    """What one generation left in its folder. `seconds` is what it took, by stage and in all ("total")."""

    masters: Masters
    tempo: int
    beats_per_bar: int
    beat_offset_s: float
    key: str
    sections: tuple[Section, ...]
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


# To the engine process:


@dataclass(frozen=True, slots=True)
class Warm:
    """Load this engine; nobody waits for an answer."""

    engine: EngineInfo


@dataclass(frozen=True, slots=True)
class Make:
    """Make this take into this folder. Answered by `Advanced` and `Grown`, then one of `Done`, `Refused`, `Stopped`."""

    engine: EngineInfo
    task: MusicTask
    folder: Path


# From the engine process:


@dataclass(frozen=True, slots=True)
class Advanced:
    """`fraction` of the whole generation is done."""

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Grown:
    """The preview file holds this much now."""

    frames: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is in the folder."""

    made: Made


@dataclass(frozen=True, slots=True)
class Refused:
    """It did not work out, with the sentence for people."""

    error: StudioError


@dataclass(frozen=True, slots=True)
class Stopped:
    """Cancelled, as was asked."""
