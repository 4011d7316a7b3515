"""Between a `Track` and its row: JSON for what is nested, and the text a search looks through."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nur_studio.core.errors import FileProblem
from nur_studio.core.mix import Channel, Mix
from nur_studio.core.timing import Section
from nur_studio.core.track import Status, Track

_PLAIN = (
    "id", "title", "prompt", "genre", "tempo", "duration_s", "output_format", "engine", "seed", "group_id", "take",
    "model", "licence", "key", "beats_per_bar", "beat_offset_s", "sample_rate", "frames", "tempo_asked",
    "tempo_measured", "loudness_lufs", "true_peak_dbtp", "error",
)  # fmt: skip
COLUMNS = (*_PLAIN, "status", "created_at", "sections", "starred", "lanes", "mix", "recipe", "found_by")


def storable(text: str) -> str:
    """`text` with a mark in place of half characters, which come from bytes in no encoding and no database takes."""
    return text.encode("utf-8", "replace").decode()


def fold(text: str) -> str:
    """`text` as a search compares it: no case, no accents."""
    decomposed = unicodedata.normalize("NFKD", storable(text).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def to_row(track: Track) -> dict[str, Any]:
    """The columns of a track, owner and deletion apart."""
    row: dict[str, Any] = {name: getattr(track, name) for name in _PLAIN}
    row["status"] = track.status.value
    # Always with microseconds, so that text sorts as time does.
    row["created_at"] = track.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    row["sections"] = json.dumps([asdict(section) for section in track.sections])
    row["starred"] = int(track.starred)
    row["lanes"] = " ".join(track.lanes)
    row["mix"] = mix_text(track.mix)
    row["recipe"] = recipe_text(track.recipe)
    row["found_by"] = found_by(track)
    return row


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe as the database keeps it: JSON."""
    return json.dumps(dict(recipe), default=str, ensure_ascii=False)


def mix_text(mix: Mix) -> str:
    """A mix as the database keeps it: JSON."""
    return json.dumps(asdict(mix))


def _mix(text: str) -> Mix:
    stored = json.loads(text)
    channels = {name: Channel(**strip) for name, strip in stored.get("channels", {}).items()}
    return Mix(channels, float(stored.get("master_db", 0.0)))


def found_by(track: Track) -> str:
    """Everything a search finds a track by."""
    tempo = f"{track.tempo} bpm" if track.has_tempo else ""
    return fold(
        "\n".join((track.title, track.prompt, track.genre, track.key, track.engine, track.model, tempo, track.id))
    )


def from_row(row: sqlite3.Row, folder: Path) -> Track:
    """The track of a row; `folder` is where its masters are. Raises `FileProblem` where the row makes no sense."""
    try:
        return Track(
            **{name: row[name] for name in _PLAIN},
            status=Status(row["status"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            sections=tuple(Section(**section) for section in json.loads(row["sections"])),
            starred=bool(row["starred"]),
            lanes=tuple(row["lanes"].split()),
            mix=_mix(row["mix"]),
            recipe=json.loads(row["recipe"]),
            folder=folder,
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise FileProblem(f"The library's entry of {row['id']} is damaged.") from error
