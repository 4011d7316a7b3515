"""What a person has chosen once: theme, engine, devices, formats. A damaged file costs the choices, no more."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from nur_studio.core.contract import FarOff

PRECISIONS = ("auto", "fast", "full")
_ALLOWED: dict[str, tuple[object, ...]] = {
    "device": ("auto", "cuda", "mps", "cpu"),
    "precision": PRECISIONS,
    "sample_rate": (44100, 48000),
    "snap": ("grid", "bar", "beat", "off"),
    "far_off": tuple(FarOff),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """`theme` is "dark", "light" or "system"; `output_device` "" is the system's default; `volume_db` −60 to 6.

    `engine` "" is the best one there is; `device` is "auto", "cuda", "mps" or "cpu"; `precision` "auto" computes
    as exactly as the model was published, "fast" more coarsely, "full" in single precision; `sellable_only` leaves out
    engines whose output may not be sold; `master` brings takes to −14 LUFS; `sample_rate` is what models deliver, 44100
    or 48000 Hz; `far_off` is what becomes of takes far from the asked tempo (a `FarOff`); `separate` takes what is made
    apart into stems by itself, with the `separator` of this name or another; `snap` is what clicks and drags fall on:
    "grid" (the lines in sight), "bar", "beat" or "off";
    `server` "" or the address of another studio that makes music for this one, which knows us by `server_token`.
    """

    theme: str = "dark"
    engine: str = ""
    device: str = "auto"
    precision: str = "auto"
    sellable_only: bool = False
    master: bool = True
    sample_rate: int = 44100
    far_off: str = FarOff.ASK.value
    separate: bool = True
    separator: str = "htdemucs"
    output_format: str = "mp3"
    server: str = ""
    server_token: str = field(default="", repr=False)
    output_device: str = ""
    volume_db: float = 0.0
    ruler: str = "bars"
    snap: str = "grid"
    metronome: bool = False
    metronome_db: float = 0.0
    count_in: bool = False
    drag_format: str = "wav"
    wav_subtype: str = "PCM_24"
    window_geometry: str = ""
    splitter: str = ""
    banner_dismissed: bool = False


def load_settings(path: Path) -> Settings:
    """The settings at `path`; defaults for whatever is missing, not of its type or no choice there is."""
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
        if f.name in stored and _fits(f.name, stored[f.name], getattr(defaults, f.name))
    }
    return Settings(**known)


def _fits(name: str, value: object, default: object) -> bool:
    return type(value) is type(default) and value in _ALLOWED.get(name, (value,))


def save_settings(settings: Settings, path: Path) -> None:
    """Write beside the target, then replace: a crash leaves the old file or the new one. Only its owner may read it: a
    token may be in it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_suffix(".new")
    staging.unlink(missing_ok=True)  # one that a crash left would keep its own permissions
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(settings), indent=1))
    staging.replace(path)
