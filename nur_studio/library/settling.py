"""What a process that is gone left behind, put in order: its takes are failed with the reason, its folders removed."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from nur_studio.core.errors import FileProblem
from nur_studio.core.track import is_track_id
from nur_studio.library.database import Database
from nur_studio.library.owners import Owner, self_owner

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
        unclaimed = status.get(folder.name) not in kept and is_track_id(folder.name)
        owner = _workspace_owner(folder.name) if folder.parent == staging else None
        if unclaimed or (owner is not None and not owner.lives()):
            shutil.rmtree(folder, ignore_errors=True)


def workspace_name(track_id: str) -> str:
    """A new name for a folder in which this process makes something of a finished take."""
    owner = self_owner()
    return f"{track_id}.{owner.pid}.{owner.started:.0f}.{secrets.token_hex(4)}"


def _workspace_owner(name: str) -> Owner | None:
    track_id, *numbers = name.split(".")
    if not is_track_id(track_id) or len(numbers) != 3 or not all(number.isdecimal() for number in numbers[:2]):
        return None
    return Owner(int(numbers[0]), float(numbers[1]))


def exchange(workspace: Path, folder: Path, names: Sequence[str], others: Sequence[str] = ()) -> None:
    """Put what `workspace` has under these names into `folder`, in place of what is there: all of it or nothing. Of
    `others` it may have some: what `folder` has under their names goes in any case.

    Raises `FileProblem`.
    """
    moved: list[tuple[Path, Path]] = []  # from, to

    def move(source: Path, target: Path) -> None:
        source.replace(target)
        moved.append((source, target))

    try:
        for name in (*names, *others):
            if (folder / name).exists():
                move(folder / name, workspace / f"{name}.old")
            if name in names or (workspace / name).exists():
                move(workspace / name, folder / name)
    except OSError as error:
        for source, target in reversed(moved):
            with contextlib.suppress(OSError):
                target.replace(source)
        raise FileProblem(f"What was made cannot be moved to {folder}: {error.strerror or error}.") from error


def children(folder: Path) -> list[Path]:
    """What lies in `folder`; nothing where it cannot be read."""
    with contextlib.suppress(OSError):
        return list(folder.iterdir())
    return []
