"""Files that are whole or not there: written beside their place, brought down to the disk, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nur_studio.core.errors import FileProblem


@contextmanager
def replacing(path: Path, buffering: int = -1) -> Iterator[BinaryIO]:
    """A new file, for reading and writing, that takes the place of `path` when all went well, and is gone when not.

    An `OSError` while it is written, the caller's own included, becomes a `FileProblem`. `buffering` is that of `open`.
    """
    part = path.with_name(f".{path.name[:30]}.{secrets.token_hex(4)}.part")
    try:
        with _create(part, buffering) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise system_fault(error, "written", path) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def workspace_beside(path: Path) -> Iterator[Path]:
    """A new folder on the file system of `path`, in which what becomes it is made; removed on leaving. Raises
    `FileProblem`.
    """
    folder = path.with_name(f".{path.name[:30]}.{secrets.token_hex(4)}.part")
    try:
        folder.mkdir()
    except OSError as error:
        raise system_fault(error, "written", path) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(path: Path, buffering: int) -> BinaryIO:
    return path.open("x+b", buffering=buffering)


def system_fault(error: OSError, action: str, path: Path) -> FileProblem:
    """An operating system's refusal, said for people."""
    folder = path.parent
    if error.errno == errno.ENOSPC:
        return FileProblem(f"The disk is full: “{path.name}” cannot be {action}.", hint=f"Free some space at {folder}.")
    if error.errno == errno.EDQUOT:
        return FileProblem(f"Your disk quota is used up: “{path.name}” cannot be {action}.", hint="Free some space.")
    if error.errno == errno.EFBIG:
        return FileProblem(
            f"“{path.name}” is larger than this disk takes.", hint="Choose a smaller format or another disk."
        )
    if error.errno == errno.EROFS:
        return FileProblem(f"“{path.name}” cannot be {action}: the disk at {folder} is read-only.")
    if isinstance(error, PermissionError):
        return FileProblem(
            f"“{path.name}” cannot be {action}: no permission.",
            hint=f"Check the rights at {folder}, and that no other program holds the file.",
        )
    if isinstance(error, FileNotFoundError):
        if action == "read":
            return FileProblem(f"There is no file “{path.name}” in {folder}.")
        return FileProblem(f"There is no folder {folder}.", hint="Choose another place.")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return FileProblem(f"“{path.name}” cannot be {action}: a file and a folder are in each other's place.")
    return FileProblem(f"“{path.name}” cannot be {action}: {error.strerror or error}.")
