"""What is typed and not yet generated survives the end of the window, wanted or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_NAME = "draft.json"


def load_draft(folder: Path) -> dict[str, str]:
    """The draft kept in `folder`; empty where there is none, or it is damaged."""
    try:
        stored = json.loads((folder / _NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in stored.items() if isinstance(v, str)} if isinstance(stored, dict) else {}


def save_draft(folder: Path, draft: Mapping[str, str]) -> None:
    """Write beside the target, then replace. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / (_NAME + ".new")
    staging.write_text(json.dumps(dict(draft), ensure_ascii=False), "utf-8")
    staging.replace(folder / _NAME)
