"""The genres the studio knows: names, aliases, tempos, an example prompt and suggestions for each."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from nur_studio.core.paths import resource

_PIECES = re.compile(r"[^\W_]+")
_AMPERSAND = re.compile(r"\s*(?:&|\+|'n'|’n’)\s*")


@dataclass(frozen=True, slots=True)
class Genre:
    """A genre as the catalogue describes it.

    `tempo_range` and `tempo` are in BPM; `beats_per_bar` counts quarter notes; `moods` are what it sounds like when
    the prompt names none; `example` is a prompt to start from and `chips` are words worth adding to one.
    """

    name: str
    aliases: tuple[str, ...]
    tempo_range: tuple[int, int]
    tempo: int
    beats_per_bar: int
    moods: tuple[str, ...]
    example: str
    chips: tuple[str, ...]


def words(text: str) -> list[str]:
    """`text` as comparable words: no case, accents or punctuation; "Hip-Hop" and "hip hop" give the same."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _PIECES.findall(_AMPERSAND.sub(" and ", text).casefold())


@cache
def genres() -> tuple[Genre, ...]:
    """Every genre of the catalogue, in its order."""
    return tuple(_genre(entry) for entry in _catalogue()["genres"])


def genre_named(name: str) -> Genre:
    """The genre with exactly this canonical name; KeyError where there is none."""
    return _by_name()[name]


def default_genre() -> Genre:
    """What to make where nothing hints at a genre."""
    return _by_name()[_catalogue()["default"]]


@cache
def genre_phrases() -> Mapping[tuple[str, ...], str]:
    """Every name and alias, as words, with the name of its genre."""
    phrases: dict[tuple[str, ...], str] = {}
    for genre in genres():
        for alias in (genre.name, *genre.aliases):
            phrases.setdefault(tuple(words(alias)), genre.name)
    return phrases


def find_genre(text: str) -> Genre | None:
    """The genre a person means by `text`: by name or alias, then by a phrase within it, then by part of a word."""
    said = words(text)
    phrases = genre_phrases()
    for length in range(min(len(said), 5), 0, -1):
        # The last word of a genre is its noun: "ambient techno" is techno.
        for start in range(len(said) - length, -1, -1):
            name = phrases.get(tuple(said[start : start + length]))
            if name is not None:
                return genre_named(name)
    joined = "".join(said)
    # Three letters within a word say nothing ("therapy"), at its end they do ("britpop").
    found = [(len(a), name) for a, name in _squashed() if (a in joined if len(a) > 3 else joined.endswith(a))]
    return genre_named(max(found)[1]) if found else None


@cache
def _squashed() -> tuple[tuple[str, str], ...]:
    """Aliases run together, those long enough not to appear by accident (three letters count at the end only)."""
    return tuple((squashed, name) for phrase, name in genre_phrases().items() if len(squashed := "".join(phrase)) >= 3)


@cache
def _by_name() -> Mapping[str, Genre]:
    return {genre.name: genre for genre in genres()}


@cache
def _catalogue() -> Mapping[str, Any]:
    loaded: dict[str, Any] = json.loads(resource("genres.json").read_text(encoding="utf-8"))
    return loaded


def _genre(entry: Mapping[str, Any]) -> Genre:
    low, high = entry["tempo_range"]
    return Genre(
        name=entry["name"],
        aliases=tuple(entry["aliases"]),
        tempo_range=(int(low), int(high)),
        tempo=int(entry["tempo"]),
        beats_per_bar=int(entry["beats_per_bar"]),
        moods=tuple(entry["moods"]),
        example=entry["example"],
        chips=tuple(entry["chips"]),
    )
