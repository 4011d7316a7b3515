"""What a prompt says: genre, tempo, key, metre, moods, instruments, textures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What was understood, shown while one types and handed to the engines.

    `genre` is always decided (canonical name, e.g. "lo-fi"); `genre_heard` says whether words or the person said so.
    `tempo` is in BPM and always decided; `tempo_heard` is true for "85 bpm", "allegro" or the person's own number,
    false where it is only the middle of `tempo_range`, the genre's usual one.
    `key` is "A minor", "F# major", "D dorian" …, or "" where nothing was said. `excluded` holds what "no drums",
    "without vocals" or "solo piano" rule out, in stem or instrument names.
    """

    genre: str
    genre_heard: bool
    tempo: int
    tempo_heard: bool
    tempo_range: tuple[int, int]
    key: str = ""
    beats_per_bar: int = 4
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    textures: tuple[str, ...] = ()
    half_time: bool = False
    loop: bool = False
