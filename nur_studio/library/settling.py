"""What a process that is gone left behind, put in order: its takes are failed with the reason, its folders removed."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from nur_studio.core.track import is_track_id
from nur_studio.library.database import Database
from nur_studio.library.owners import Owner

_LEFT_BEHIND = {
    "pending": "The studio was closed before this take was begun.",
    "processing": "The studio stopped while this take was being made.",
}


def settle(database: Database, staging: Path, tracks: Path) -> None:
    """Fail what a process that is gone left unfinished; remove folders nobody answers for.

    Finished music without a row stays: the database may have been lost, or put back from an older copy.
    """
    # Folders first: whoever makes one has committed its row before, so a folder seen here has its row by now.
    folders = [folder for parent in (staging, tracks) for folder in children(parent)]
    with database.transaction() as connection:
        for row in connection.execute(
            "SELECT id, status, owner_pid, owner_started FROM tracks WHERE status IN ('pending', 'processing')"
        ).fetchall():
            if not Owner(row["owner_pid"], row["owner_started"]).lives():
                connection.execute(
                    "UPDATE tracks SET status = 'failed', error = ? WHERE id = ?",
                    (_LEFT_BEHIND[row["status"]], row["id"]),
                )
        status = {row["id"]: row["status"] for row in connection.execute("SELECT id, status FROM tracks")}
    for folder in folders:
        kept = (*_LEFT_BEHIND, "completed", None) if folder.parent == tracks else tuple(_LEFT_BEHIND)
        if status.get(folder.name) not in kept and is_track_id(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def children(folder: Path) -> list[Path]:
    """What lies in `folder`; nothing where it cannot be read."""
    with contextlib.suppress(OSError):
        return list(folder.iterdir())
    return []
