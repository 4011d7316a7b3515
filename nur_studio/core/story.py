"""What a recipe tells of a take's tempo: asked, measured, what was done about it, and what is left to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nur_studio.core.track import Track

CONTRACT = "contract"
"""Where a recipe has it."""


@dataclass(frozen=True, slots=True)
class TempoStory:
    """`measured` is what was heard in what the engine made, None where no beat was; `ratio` how much longer its time
    was made, `moved_s` what was cut in front (negative: silence put there). `as_made`: the person uses the original.
    `far`: it is so far off that stretching would be heard; `open`: and the person has yet to say what to do. `score` is
    a loop's seam, from 0 to 1.
    """

    asked: int | None = None
    measured: float | None = None
    ratio: float = 1.0
    moved_s: float = 0.0
    bar_one: bool = False
    as_made: bool = False
    open: bool = False
    far: bool = False
    rolls: int = 1
    loop_bars: int = 0
    seam: str = ""
    score: float | None = None

    @property
    def stretched(self) -> bool:
        return self.ratio != 1.0

    @property
    def original(self) -> bool:
        """Whether there is a take beside the one handed over: as it was made, or in its asked tempo."""
        return self.stretched or self.moved_s != 0.0 or self.as_made or self.far


def tempo_story(track: Track) -> TempoStory | None:
    """What the recipe of `track` tells; None where it tells nothing. Recipes come from disk: anything may be in one."""
    told = track.recipe.get(CONTRACT)
    if not isinstance(told, Mapping) or not told:
        return None
    loop = told.get("loop")
    loop = loop if isinstance(loop, Mapping) else {}
    asked, measured, rolls = told.get("asked"), told.get("measured"), told.get("rolls")
    return TempoStory(
        asked=asked if isinstance(asked, int) else None,
        measured=float(measured) if isinstance(measured, int | float) else None,
        ratio=_number(told.get("ratio"), 1.0),
        moved_s=_number(told.get("moved_s"), 0.0),
        bar_one=told.get("bar_one") is True,
        as_made=told.get("as_made") is True,
        open=told.get("open") is True,
        far=told.get("step") == "ask",
        rolls=len(rolls) if isinstance(rolls, list | tuple) else 1,
        loop_bars=int(_number(loop.get("bars"), 0)),
        seam=str(loop.get("seam", "")),
        score=_number(loop.get("score"), 0.0) if loop else None,
    )


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
