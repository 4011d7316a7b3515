"""What a text-to-music model is told: the prompt and what was understood of it, in the form it was trained on.

MusicGen learned from descriptions with the facts of the recording appended, `description. key: A minor. bpm: 85.
genre: lo-fi. moods: calm. instrument: piano`, the facts in any order, some of them missing at random (audiocraft's
`merge_text_conditions`).
"""

from __future__ import annotations

import re

from nur_studio.core.prompt import PromptReading


def describe(prompt: str, reading: PromptReading, tempo: int, genre: str = "") -> str:
    """The words for a model: `prompt` first, then genre, bpm, key, moods and instruments.

    Moods and instruments are listed only where the prompt says them in other words: said twice they would count twice.
    `genre` is the one people see; without it the reading's.
    """
    said = " ".join(prompt.split()).rstrip(" .,;")
    facts = {
        "genre": genre or reading.genre,
        "bpm": str(tempo),
        "key": reading.key,
        "moods": _unsaid(reading.moods, said),
        "instrument": _unsaid(reading.instruments, said),
    }
    return ". ".join([said, *(f"{name}: {value}" for name, value in facts.items() if value)])


def _unsaid(names: tuple[str, ...], said: str) -> str:
    return ", ".join(name for name in names if not re.search(rf"\b{re.escape(name)}", said, re.IGNORECASE))
