"""What a person has chosen once: theme, output device, export formats. A damaged file costs the choices, no more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """`theme` is "dark", "light" or "system"; `output_device` "" is the system's default; `volume_db` −60 to 6."""

    theme: str = "dark"
    engine: str = "sketch"
    output_format: str = "mp3"
    output_device: str = ""
    volume_db: float = 0.0
    ruler: str = "bars"
    drag_format: str = "wav"
    wav_subtype: str = "PCM_24"
    window_geometry: str = ""
    splitter: str = ""


def load_settings(path: Path) -> Settings:
    """The settings at `path`; defaults for whatever is missing or not of its type."""
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return Settings()
    if not isinstance(stored, dict):
        return Settings()
    defaults = Settings()
    known = {
        f.name: stored[f.name]
        for f in fields(Settings)
        if f.name in stored and isinstance(stored[f.name], type(getattr(defaults, f.name)))
    }
    return Settings(**known)


def save_settings(settings: Settings, path: Path) -> None:
    """Write beside the target, then replace: a crash leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_suffix(".new")
    staging.write_text(json.dumps(asdict(settings), indent=1), "utf-8")
    staging.replace(path)
