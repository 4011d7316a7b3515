"""SQLite as the library uses it: transactions, migrations with a backup, damage and full disks in sentences."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from nur_studio.core.errors import FileProblem
from nur_studio.library import database as database_module
from nur_studio.library.database import Database

FIRST = "CREATE TABLE things (name TEXT NOT NULL UNIQUE)"
SECOND = "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7; CREATE INDEX by_size ON things (size)"


def names(database: Database) -> list[str]:
    return [row["name"] for row in database.query("SELECT name FROM things ORDER BY name")]


def add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO things (name) VALUES (?)", (name,))


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        with pytest.raises(ZeroDivisionError), database.transaction() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            raise ZeroDivisionError
        assert names(database) == []
        with database.transaction():
            add(database, "b")
            with pytest.raises(sqlite3.IntegrityError):
                add(database, "b")
            add(database, "c")
        assert names(database) == ["b", "c"]


def test_the_file_is_in_wal_mode_and_syncs_every_commit(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        assert database.query("PRAGMA journal_mode")[0][0] == "wal"
        assert database.query("PRAGMA synchronous")[0][0] == 2
        assert database.query("PRAGMA foreign_keys")[0][0] == 1


def test_a_migration_keeps_the_data_and_a_backup_of_the_old_file(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        add(database, "kept")
    with closing(Database(tmp_path / "db", (FIRST, SECOND))) as database:
        assert [tuple(row) for row in database.query("SELECT name, size FROM things")] == [("kept", 7)]
        assert database.query("PRAGMA user_version")[0][0] == 2
    with closing(sqlite3.connect(tmp_path / "db.v1.backup")) as backup:
        assert backup.execute("SELECT * FROM things").fetchall() == [("kept",)]
        assert backup.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_fresh_file_needs_no_backup(tmp_path: Path) -> None:
    Database(tmp_path / "db", (FIRST, SECOND)).close()
    assert not list(tmp_path.glob("*.backup"))


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        add(database, "kept")
    with pytest.raises(sqlite3.OperationalError):
        Database(tmp_path / "db", (FIRST, SECOND + "; ALTER TABLE nowhere ADD COLUMN x"))
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        assert names(database) == ["kept"]
        assert [row["name"] for row in database.query("PRAGMA table_info(things)")] == ["name"]


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "db", (FIRST, SECOND)).close()
    before = (tmp_path / "db").read_bytes()
    with pytest.raises(FileProblem, match="newer NUR Studio"):
        Database(tmp_path / "db", (FIRST,))
    assert (tmp_path / "db").read_bytes() == before


def test_what_is_no_database_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"not a database, only some text that is long enough " * 100)
    with pytest.raises(FileProblem, match="not a library"):
        Database(tmp_path / "db", (FIRST,))


def test_a_missing_folder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"cannot be opened\. It is .*db"):
        Database(tmp_path / "nowhere" / "db", (FIRST,))


def test_a_full_disk_is_a_sentence_and_the_data_stays(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        add(database, "kept")
        pages = database.query("PRAGMA page_count")[0][0]
        database.query(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to run out of space
        with pytest.raises(FileProblem, match="The disk is full"):
            for index in range(2000):
                add(database, f"{index} " + "x" * 500)
        assert "kept" in names(database)
        database.query("PRAGMA max_page_count = 1000000")
        add(database, "and on")
        assert "and on" in names(database)


def test_the_change_count_moves_with_any_writer(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as mine, closing(Database(tmp_path / "db", (FIRST,))) as theirs:
        start = mine.change_count()
        assert mine.change_count() == start
        names(theirs)
        assert mine.change_count() == start, "reading is no change"
        add(theirs, "a")
        after_theirs = mine.change_count()
        assert after_theirs != start
        add(mine, "b")
        assert mine.change_count() != after_theirs
        assert mine.change_count() == mine.change_count()


def test_threads_share_it(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "db", (FIRST,))) as database:
        threads = [
            threading.Thread(target=lambda n=n: [add(database, f"{n}-{i}") for i in range(10)])  # type: ignore[misc]
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(names(database)) == 40


def test_a_closed_one_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "db", (FIRST,))
    database.close()
    database.close()
    with pytest.raises(FileProblem, match="closed"):
        names(database)


def test_a_full_disk_is_told_as_such_when_sqlite_takes_it_for_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    for free, words in ((0, "The disk is full"), (10**9, "The disk failed")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**9, 0, free))
        problem = database_module._sentence(error, tmp_path / "db")
        assert problem is not None
        assert problem.sentence.startswith(words)


def test_a_file_held_by_another_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.2)
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(FileProblem, match="Another program holds the library"):
            Database(tmp_path / "db", (FIRST,))
        assert time.monotonic() - started < 3.0
