"""What lanes are called, and the order they stand in."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from nur_studio.studio.parts import MIX_PART

LANE_ORDER = ("drums", "bass", "vocals", "guitar", "piano", "other", "rest")
"""From the top, below the mix."""


def lane_title(name: str) -> str:
    """A part of a track as a heading: `Drums`."""
    return {
        MIX_PART: _tr("Mix"),
        "drums": _tr("Drums"),
        "bass": _tr("Bass"),
        "vocals": _tr("Vocals"),
        "guitar": _tr("Guitar"),
        "piano": _tr("Piano"),
        "other": _tr("Other"),
        "rest": _tr("Rest"),
    }[name]


def in_order(lanes: Iterable[str]) -> tuple[str, ...]:
    """`lanes` as they stand below each other."""
    return tuple(sorted(lanes, key=LANE_ORDER.index))


def _tr(text: str) -> str:
    return QCoreApplication.translate("Lanes", text)
