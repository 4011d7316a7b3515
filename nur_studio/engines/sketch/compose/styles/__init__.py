"""The genres as tables, a module per family, and the one place that finds them by name."""

from __future__ import annotations

from collections.abc import Mapping

from nur_studio.engines.sketch.compose.style import Style
from nur_studio.engines.sketch.compose.styles import acoustic, band, beats, club, world

STYLES: Mapping[str, Style] = {
    style.genre: style for family in (beats, club, band, world, acoustic) for style in family.STYLES
}
