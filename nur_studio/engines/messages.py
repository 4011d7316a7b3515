"""What the studio and its engine process say to each other. Small values only: audio crosses through files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.core.contract import Contract
from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.timing import Section
from nur_studio.engines.base import EngineInfo, MusicTask

if TYPE_CHECKING:
    from nur_studio.audio.masters import Masters

PREVIEW_NAME = "preview.f32"
CODES_NAME = "codes.npz"
"""What a model made before it was sound, beside the masters of a take: for extending it without a loss."""

GO_ON, CANCEL, ENOUGH = 0, 1, 2
"""What the one shared byte says to the work under way: nothing, stop, end here and keep what is made."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """How much of the mix is there to hear: `path` holds `frames` of raw interleaved float32 stereo, and grows.

    `frames` may fall: what came after them is being made again, and the bytes behind them are stale.
    """

    path: Path
    frames: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Made:
    """What one generation left in its folder. `seconds` is what it took, by stage and in all ("total").

    `note` is a sentence for people where it is not all they asked for; `tempo` is 0 where no steady beat was heard,
    `tempo_exact` what it is where that is no whole number, and `contract` what was measured and done to hand it over.
    """

    masters: Masters
    tempo: int
    beats_per_bar: int
    beat_offset_s: float
    key: str
    sections: tuple[Section, ...]
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    tempo_exact: float | None = None
    contract: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redelivered:
    """What handing a take over anew left in its folder: masters in place of those it had; the rest as in `Made`."""

    masters: Masters
    tempo: int
    tempo_exact: float | None
    beat_offset_s: float
    note: str
    contract: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Separated:
    """What one separation left in its folder: the stems `lanes`, and the picture of them and their mix.

    `seconds` is what it took, by stage and in all ("total").
    """

    lanes: tuple[str, ...]
    details: Mapping[str, object] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


# To the engine process:


@dataclass(frozen=True, slots=True)
class Warm:
    """Load this engine; nobody waits for an answer."""

    engine: EngineInfo


@dataclass(frozen=True, slots=True)
class Wanted:
    """One take of an order, and the folder for it, which exists and is empty. `contract` is how to hand it over:
    without one, as the engine makes it.
    """

    task: MusicTask
    folder: Path
    contract: Contract | None = None


@dataclass(frozen=True, slots=True)
class Make:
    """Make these takes, as one batch where the engine can. Answered by `Advanced`, `Grown` and one `TakeEnded` for each
    take, then `Answered(None)`; or, for those not ended by then, `Refused` or `Stopped`.
    """

    engine: EngineInfo
    takes: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Separate:
    """Take the audio file `mix` apart into this folder. Answered by `Advanced`, then `Answered(Separated)`, `Refused`
    or `Stopped`.
    """

    engine: EngineInfo
    mix: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Hand the take of which `source` holds the original over anew, into `folder`: stretched to its tempo however far
    that is, or with `as_made` as it was made. Answered by `Advanced`, then `Answered(Redelivered)`, `Refused` or
    `Stopped`.
    """

    source: Path
    folder: Path
    contract: Contract
    as_made: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Make the audio file `source` `frames` long, its pitch as it is, and write it to `target` (WAV, float). Answered
    by `Answered(None)`, `Refused` or `Stopped`.
    """

    source: Path
    target: Path
    frames: int


@dataclass(frozen=True, slots=True)
class Release:
    """Give back what the engine called `name` holds, files and memory. Answered by `Answered(None)`."""

    name: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Try a model's size on `device` for a moment. Answered by `Answered(Forecast)` or `Refused`."""

    model: str
    device: str
    precision: str = "auto"


Order = Make | Separate | Redeliver | Stretch | Warm | Release | Probe

# From the engine process:


@dataclass(frozen=True, slots=True)
class Advanced:
    """`fraction` of the whole order is done."""

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Grown:
    """The preview file of the order's take `number` holds this much now: more than before, or less where some of it is
    made again.
    """

    number: int
    frames: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class TakeEnded:
    """How the order's take `number` ended: everything is in its folder, or the sentence for people, or `Cancelled`
    where it was enough too soon to keep some of it.
    """

    number: int
    outcome: Made | StudioError | Cancelled


@dataclass(frozen=True, slots=True)
class Answered:
    """The order is carried out; what was asked for, where it was no takes."""

    value: object


@dataclass(frozen=True, slots=True)
class Refused:
    """It did not work out, with the sentence for people."""

    error: StudioError


@dataclass(frozen=True, slots=True)
class Stopped:
    """Cancelled, as was asked."""


Ended = Answered | Refused | Stopped
"""Exactly one of them ends an order."""
