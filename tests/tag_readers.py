"""What programs that are not the studio read in its files: ffprobe, libsndfile, mutagen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mutagen
import pytest
import soundfile


def ffprobe(path: Path) -> dict[str, Any]:
    """ffprobe's own JSON: `tags` by lower-case name, `chapters` as (title, start in seconds), `duration` in seconds."""
    if shutil.which("ffprobe") is None and not sys.platform.startswith("linux"):  # there bootstrap.py installs it
        pytest.skip("needs ffprobe")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    tags = {**told["streams"][0].get("tags", {}), **told["format"].get("tags", {})}
    return {
        "tags": {name.lower(): text for name, text in tags.items()},
        "chapters": [(c["tags"]["title"], float(c["start_time"])) for c in told["chapters"]],
        "duration": float(told["format"]["duration"]),
    }


def by_mutagen(path: Path) -> dict[str, str]:
    """Every text by the name the format has for it: `TIT2`, `TXXX:SEED`, `title`."""
    tags = mutagen.File(path).tags
    return {name: (value[0] if isinstance(value, list) else str(value)) for name, value in dict(tags or {}).items()}


def by_libsndfile(path: Path) -> dict[str, str]:
    with soundfile.SoundFile(str(path)) as file:
        found = {n: getattr(file, n) for n in ("title", "artist", "comment", "copyright", "genre", "date", "software")}
    return {name: text for name, text in found.items() if text}


def libsndfile_log(path: Path) -> str:
    """What libsndfile says of every chunk it met."""
    with soundfile.SoundFile(str(path)) as file:
        return file.extra_info
