"""One SQLite file that several threads and processes write: WAL, transactions, migrations after a backup."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nur_studio.core.errors import FileProblem

BUSY_S = 15.0
_SIDE_FILES = 64 * 1024  # bytes that the write-ahead log and its index need to begin
_MENDABLE = {
    sqlite3.SQLITE_FULL: "The disk is full: the library could not be written.",
    sqlite3.SQLITE_IOERR: "The disk failed while the library was read or written.",
    sqlite3.SQLITE_READONLY: "The library may not be written.",
    sqlite3.SQLITE_PERM: "The library may not be written.",
    sqlite3.SQLITE_CANTOPEN: "The library cannot be opened.",
    sqlite3.SQLITE_BUSY: "Another program holds the library.",
    sqlite3.SQLITE_LOCKED: "Another program holds the library.",
    sqlite3.SQLITE_NOTADB: "The library file is not a library, or it is damaged.",
    sqlite3.SQLITE_CORRUPT: "The library file is damaged.",
}


def _sentence(error: sqlite3.Error, path: Path) -> FileProblem | None:
    """What a person can do something about; None for a fault of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says where exactly
    if code not in _MENDABLE:
        return None
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _no_space(path.parent):
        code = sqlite3.SQLITE_FULL  # its side files could not grow, which SQLite takes for a broken disk
    return FileProblem(_MENDABLE[code], hint=f"It is {path}; `nur-studio doctor` looks at it.")


def _no_space(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < _SIDE_FILES
    return False


class Database:
    """A connection shared by the threads of this process. `migrations[n]` takes a file from version n to n + 1.

    Raises `FileProblem` where the file cannot be opened, is damaged, or was written by a newer studio.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._written = 0
        self._seen_version = -1
        self._connection: sqlite3.Connection | None = None
        with self._explained():
            connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = FULL")  # a kept take survives a power cut
                self._use_wal(connection)
                self._connection = connection
                self._migrate(migrations)
            except BaseException:
                self._connection = None
                connection.close()
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens, or nothing. Nests: the outermost one commits."""
        with self._lock, self._explained():
            connection = self._open_connection()
            nested = connection.in_transaction
            if nested:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise
            self._written += 1

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a SELECT."""
        with self._lock, self._explained():
            return self._open_connection().execute(sql, values).fetchall()

    def change_count(self) -> int:
        """A number that is another one after any process has written."""
        with self._lock:
            version = int(self.query("PRAGMA data_version")[0][0])  # moves when another connection commits
            if version != self._seen_version:
                self._seen_version = version
                self._written += 1
            return self._written

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise FileProblem("The library is closed.")
        return self._connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            problem = _sentence(error, self.path)
            if problem is None:
                raise
            raise problem from error

    @staticmethod
    def _use_wal(connection: sqlite3.Connection) -> None:
        """Switching asks for the whole file and does not always wait by itself when another process switches too."""
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _migrate(self, migrations: Sequence[str]) -> None:
        """Bring the file to the newest version, one transaction for all; a file with tracks is copied first."""
        if self._version() == len(migrations):
            return
        with self.transaction() as connection:
            version = self._version()  # another process may have been quicker
            if version > len(migrations):
                raise FileProblem(
                    "This library was written by a newer NUR Studio.", hint="Update the studio to open it."
                )
            if version > 0:
                self._back_up(version)
            for script in migrations[version:]:
                for statement in script.split(";"):
                    if statement.strip():
                        connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(migrations)}")

    def _version(self) -> int:
        return int(self._open_connection().execute("PRAGMA user_version").fetchone()[0])

    def _back_up(self, version: int) -> None:
        """A whole copy beside the file, named after the version it holds."""
        target = self.path.with_name(f"{self.path.name}.v{version}.backup")
        target.unlink(missing_ok=True)
        # A second connection: it reads what is committed, while ours keeps writers out.
        with (
            contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_S)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
