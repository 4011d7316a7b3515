"""Weights that are only bytes, laid out as a download leaves them: for what manages weights and never loads them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nur_studio.engines.models import ModelInfo
from nur_studio.engines.weights import write_manifest


def content(repository: str, name: str) -> bytes:
    return f"{repository}/{name} ".encode() * 4


def plant(folder: Path, info: ModelInfo) -> None:
    """A model as a download leaves it."""
    for part in info.parts:
        (folder / part.name).mkdir(parents=True, exist_ok=True)
        entries = {}
        for file in part.files:
            data = content(part.repository, file.name)
            (folder / part.name / file.name).write_bytes(data)
            entries[file.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        write_manifest(folder / part.name, entries, "a test")
