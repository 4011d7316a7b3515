"""The words a prompt may hold: one table from phrases to what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from nur_studio.core.genres import genre_phrases, words
from nur_studio.core.paths import resource

LONGEST = 5  # words in a phrase
STEMS = ("drums", "bass", "vocals", "other")


@dataclass(slots=True)
class Meaning:
    """What a phrase says, in canonical names; several at once for some ("jazzy", "rainy")."""

    genre: str = ""
    moods: list[str] = field(default_factory=list)
    instruments: list[str] = field(default_factory=list)
    textures: list[str] = field(default_factory=list)
    hints: Mapping[str, float] = field(default_factory=dict)
    tempo: tuple[int, int] | None = None
    pace: str = ""


@cache
def vocabulary() -> Mapping[tuple[str, ...], Meaning]:
    """Every known phrase, as words without case or punctuation."""
    data: dict[str, Any] = json.loads(resource("words.json").read_text(encoding="utf-8"))
    table: dict[tuple[str, ...], Meaning] = {}

    def meaning(phrase: str) -> Meaning:
        return table.setdefault(tuple(words(phrase)), Meaning())

    for phrase, genre in genre_phrases().items():
        table.setdefault(phrase, Meaning()).genre = genre
    for kind in ("moods", "instruments", "textures"):
        for canonical, phrases in data[kind].items():
            for phrase in phrases:
                getattr(meaning(phrase), kind).append(canonical)
    for phrase, hints in data["hints"].items():
        meaning(phrase).hints = hints
    for term, (low, high) in data["terms"].items():
        meaning(term).tempo = (low, high)
    for pace, phrases in data["pace"].items():
        for phrase in phrases:
            meaning(phrase).pace = pace
    return table


@cache
def instrument_families() -> Mapping[str, str]:
    """The stem that each drum, bass or voice word belongs to; every other instrument is in `other`."""
    drums = ("drums", "percussion", "kick", "snare", "hi-hats", "claps", "snaps", "shaker", "tambourine", "congas")
    more = ("bongos", "cowbell", "toms", "brushes", "taiko", "timpani")
    families = dict.fromkeys((*drums, *more), "drums")
    basses = ("bass", "upright bass", "slap bass", "picked bass", "sub bass", "808", "acid bass", "reese bass")
    families |= dict.fromkeys((*basses, "synth bass"), "bass")
    families |= dict.fromkeys(("choir", "vocals"), "vocals")
    return families
