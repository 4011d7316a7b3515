"""A track: one take of music, its status and its whole recipe."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from nur_studio.core.mix import Mix
from nur_studio.core.timing import Grid, Section

IMPORTED, COMBINED = "import", "combine"
"""What a track has for an engine where none made it."""

_HARMLESS_TEMPO = 120.0
_ALPHABET = string.ascii_lowercase + string.digits
_TRACK_ID = re.compile(r"trk_[a-z0-9]{12}")


class Status(StrEnum):
    """Where a track is on its way. The last two are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Track:
    """A take, as the library keeps it.

    `duration_s` is asked until completed, then exact; `tempo` is the BPM of the delivered audio (0: none is claimed)
    and `tempo_measured` what was heard in it (None where no steady beat was heard); `loudness_lufs` and
    `true_peak_dbtp` are the mix's. `folder` holds the masters once completed. `lanes` are the stems whose sum is the
    mix (`STEMS`, `SIX_LANES`, or none) and `mix` how they were last set. `recipe` is everything needed to make the take
    again: request, reading, seed, engine, model, versions; and what was made of it since.
    """

    id: str
    status: Status
    title: str
    prompt: str
    genre: str
    tempo: int
    duration_s: float
    output_format: str
    engine: str
    seed: int
    created_at: datetime
    folder: Path
    group_id: str = ""  # takes asked for together share it
    take: int = 1  # 1-based within the group
    model: str = ""
    licence: str = ""
    key: str = ""
    beats_per_bar: int = 4
    beat_offset_s: float = 0.0
    sections: tuple[Section, ...] = ()
    sample_rate: int = 44100
    frames: int = 0
    tempo_asked: int | None = None
    tempo_measured: float | None = None
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    starred: bool = False
    error: str = ""
    lanes: tuple[str, ...] = ()
    mix: Mix = field(default_factory=Mix)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_tempo(self) -> bool:
        """Whether a steady tempo is claimed; where not, bars and beats mean nothing."""
        return self.tempo > 0

    @property
    def exact_tempo(self) -> float:
        """BPM; 0 where none is claimed. Imported audio keeps no whole number of them: its recipe says which."""
        if not self.has_tempo:
            return 0.0
        heard = self.recipe.get("tempo_exact")
        if isinstance(heard, int | float) and abs(heard - self.tempo) <= 0.5:
            return float(heard)
        return float(self.tempo)

    @property
    def grid(self) -> Grid:
        """Bars and beats; some harmless ones where no tempo is claimed."""
        return Grid(self.exact_tempo or _HARMLESS_TEMPO, self.beats_per_bar, self.beat_offset_s)

    @property
    def generated(self) -> bool:
        """Whether an engine made it from a request, which can be made again."""
        return self.engine not in (IMPORTED, COMBINED)

    @property
    def created_iso(self) -> str:
        """ISO 8601 in UTC to the second, as the reference writes it: `2025-01-15T14:20:00Z`."""
        return self.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def take_letter(self) -> str:
        """A, B, C … as the window names the takes of one request."""
        return string.ascii_uppercase[(self.take - 1) % 26]


def new_track_id() -> str:
    """`trk_` and twelve characters of a-z, 0-9 (62 bits of chance)."""
    return "trk_" + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def is_track_id(text: str) -> bool:
    """Whether `text` has the form of an id; anything else must never reach a path."""
    return _TRACK_ID.fullmatch(text) is not None
