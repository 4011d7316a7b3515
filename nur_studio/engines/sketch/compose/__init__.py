"""From words to a score. Pure: the same plan and seed give the same score."""

from __future__ import annotations

from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose.arrange import arrange
from nur_studio.engines.sketch.compose.plan import make_plan
from nur_studio.engines.sketch.score import Score

__all__ = ["compose"]


def compose(task: MusicTask) -> Score:
    """Compose one take: the same task gives the same score, to the last note."""
    return arrange(make_plan(task))
