"""The library on a real disk: a take's way, finding, undo, and what a crash or a second process leaves."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from nur_studio.core.errors import FileProblem, StudioError, TrackNotFound
from nur_studio.core.timing import Section
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.library.library import DATABASE_NAME, Library

BEGIN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with closing(Library(tmp_path / "library")) as opened:
        yield opened


def track(library: Library, title: str = "Rainy night tape", **facts: object) -> Track:
    track_id = new_track_id()
    plain = Track(
        id=track_id,
        status=Status.PENDING,
        title=title,
        prompt="lo-fi beat with Rhodes",
        genre="lo-fi",
        tempo=85,
        duration_s=30.0,
        output_format="mp3",
        engine="sketch",
        seed=4294967295,
        created_at=BEGIN,
        folder=library.folder(track_id),
        group_id=track_id,
        recipe={"request": {"prompt": "lo-fi beat with Rhodes"}, "note": "Grüße ♯"},
    )
    return replace(plain, **facts)  # type: ignore[arg-type]


def added(library: Library, title: str = "Rainy night tape", **facts: object) -> Track:
    new = track(library, title, **facts)
    library.add(new)
    return new


def completed(library: Library, title: str = "Rainy night tape", **facts: object) -> Track:
    new = added(library, title, **facts)
    library.processing(new.id)
    staging = library.staging(new.id)
    (staging / "mix.flac").write_bytes(b"music")
    return library.complete(new.id, staging, frames=44100)


# -- a take's way ------------------------------------------------------------------------------------------------


def test_a_take_from_pending_to_completed(library: Library) -> None:
    new = added(library)
    assert library.get(new.id) == new
    assert library.processing(new.id).status is Status.PROCESSING
    staging = library.staging(new.id)
    assert staging.is_dir()
    assert staging.parent.parent == library.directory, "the move must stay on one file system"
    (staging / "mix.flac").write_bytes(b"music")
    sections = (Section("intro", 0, 2.0), Section("A", 2, 4.5))
    done = library.complete(
        new.id, staging, duration_s=30.25, tempo=86, key="A minor", sections=sections, tempo_measured=85.99,
        loudness_lufs=-14.1, true_peak_dbtp=-1.2, frames=1334025, model="m", recipe={"made": True},
    )  # fmt: skip
    assert done == library.get(new.id)
    assert done.status is Status.COMPLETED
    assert (done.tempo, done.sections, done.recipe, done.duration_s) == (86, sections, {"made": True}, 30.25)
    assert (done.seed, done.created_at) == (4294967295, BEGIN)
    assert (done.folder / "mix.flac").read_bytes() == b"music"
    assert not staging.exists()


def test_a_failed_take_keeps_its_reason_and_loses_its_files(library: Library) -> None:
    new = added(library)
    library.processing(new.id)
    staging = library.staging(new.id)
    (staging / "half").write_bytes(b"x")
    failed = library.fail(new.id, "There was no memory.")
    assert (failed.status, failed.error) == (Status.FAILED, "There was no memory.")
    assert library.get(new.id) == failed
    assert not staging.exists()


def test_a_discarded_take_leaves_nothing(library: Library) -> None:
    new = added(library)
    library.processing(new.id)
    staging = library.staging(new.id)
    library.discard(new.id)
    with pytest.raises(TrackNotFound):
        library.get(new.id)
    assert not staging.exists()
    assert library.count() == 0
    library.discard(new.id)


def test_a_finished_take_cannot_be_discarded_failed_or_begun_again(library: Library) -> None:
    done = completed(library)
    library.discard(done.id)
    for change in (library.processing, lambda i: library.fail(i, "no"), lambda i: library.complete(i, Path("x"))):
        with pytest.raises(TrackNotFound):
            change(done.id)
    assert library.get(done.id) == done
    assert (done.folder / "mix.flac").exists()


def test_several_takes_are_added_all_or_none(library: Library) -> None:
    first = track(library)
    with pytest.raises(sqlite3.IntegrityError):
        library.add(first, track(library), first)
    assert library.count() == 0


def test_a_move_that_fails_leaves_the_take_unfinished(library: Library) -> None:
    new = added(library)
    library.processing(new.id)
    with pytest.raises(FileProblem, match="cannot be moved"):
        library.complete(new.id, library.directory / "staging" / "not there")
    assert library.get(new.id).status is Status.PROCESSING


@pytest.mark.parametrize("bad", ["", "trk_x", "../../etc", "trk_000000000000/..", "TRK_000000000000"])
def test_what_is_no_id_reaches_no_path(library: Library, bad: str) -> None:
    for method in (library.get, library.staging, library.folder, library.discard, library.restore, library.delete):
        with pytest.raises(TrackNotFound):
            method(bad)


# -- finding -----------------------------------------------------------------------------------------------------


def test_newest_first_and_takes_in_their_order(library: Library) -> None:
    old = added(library, "old")
    takes = [added(library, f"take {n}", take=n, created_at=BEGIN + timedelta(seconds=1)) for n in (2, 1, 3)]
    newest = added(library, "newest", created_at=BEGIN + timedelta(seconds=1, microseconds=1))
    titles = [t.title for t in library.list()]
    assert titles == ["newest", "take 1", "take 2", "take 3", "old"]
    assert [t.title for t in library.list(limit=2, offset=1)] == ["take 1", "take 2"]
    assert {old.id, newest.id, *(t.id for t in takes)} == {t.id for t in library.list()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"Café Noir", "100% House_mix", "Straße"}),
        ("cafe", {"Café Noir"}),
        ("CAFÉ noir", {"Café Noir"}),
        ("noir café", {"Café Noir"}),
        ("noir house", set()),
        ("100%", {"100% House_mix"}),
        ("%", {"100% House_mix"}),
        ("_mix", {"100% House_mix"}),
        ("STRASSE", {"Straße"}),
        ("f# minor", {"Straße"}),
        ("124 bpm", {"100% House_mix"}),
        ("rhodes", {"Café Noir", "Straße"}),
    ],
)
def test_search_finds_every_word_without_case_or_accents(library: Library, text: str, found: set[str]) -> None:
    added(library, "Café Noir")
    added(library, "100% House_mix", tempo=124, prompt="four on the floor")
    added(library, "Straße", key="F# minor")
    assert {t.title for t in library.list(text)} == found


def test_filters_combine(library: Library) -> None:
    a = added(library, "a", genre="house", engine="sketch")
    b = added(library, "b", genre="house", engine="other", group_id=a.id)
    added(library, "c", genre="jazz")
    library.star(b.id, True)
    assert [t.title for t in library.list(starred=True)] == ["b"]
    assert {t.title for t in library.list(genre="house")} == {"a", "b"}
    assert [t.title for t in library.list(genre="house", engine="sketch")] == ["a"]
    assert {t.title for t in library.list(group=a.id)} == {"a", "b"}
    assert library.genres() == ["house", "jazz"]
    assert library.engines() == ["other", "sketch"]
    assert library.count() == 3


def test_a_library_of_thousands_is_searched_while_one_types(library: Library) -> None:
    rng = random.Random(1)
    words = ["rain", "night", "neon", "drive", "slow", "piano", "dust", "tape", "light", "sea"]
    library.add(
        *(
            track(
                library,
                " ".join(rng.sample(words, 3)),
                created_at=BEGIN + timedelta(seconds=n),
                recipe={"x": "y" * 1500},
            )
            for n in range(5000)
        )
    )
    found = library.list("rain night", limit=200)
    assert found
    assert all("rain" in t.title and "night" in t.title for t in found)


# -- a person's changes ------------------------------------------------------------------------------------------


def test_rename_is_found_by_the_new_name_and_keeps_the_rest(library: Library) -> None:
    done = completed(library)
    renamed = library.rename(done.id, "  Morning \n tape ")
    assert renamed == replace(done, title="Morning tape")
    assert [t.id for t in library.list("morning")] == [done.id]
    assert library.list("rainy") == []
    with pytest.raises(StudioError, match="at least one character"):
        library.rename(done.id, "  \n ")
    assert library.get(done.id).title == "Morning tape"


def test_star(library: Library) -> None:
    done = completed(library)
    assert library.star(done.id, True).starred
    assert library.get(done.id).starred
    assert not library.star(done.id, False).starred


def test_delete_hides_restore_brings_back(library: Library) -> None:
    done = completed(library)
    library.delete(done.id)
    with pytest.raises(TrackNotFound):
        library.get(done.id)
    assert (library.list(), library.count(), library.genres()) == ([], 0, [])
    assert (done.folder / "mix.flac").exists()
    assert library.restore(done.id) == done
    assert library.list() == [done]


def test_purge_takes_only_what_was_deleted_long_enough_ago(library: Library) -> None:
    kept, gone = completed(library, "kept"), completed(library, "gone")
    library.delete(gone.id)
    assert library.purge(older_than_s=60) == []
    assert gone.folder.exists()
    assert library.purge() == [gone.id]
    assert not gone.folder.exists()
    assert kept.folder.exists()
    with pytest.raises(TrackNotFound):
        library.restore(gone.id)


def test_a_take_deleted_while_it_is_made_still_finishes(library: Library) -> None:
    new = added(library)
    library.processing(new.id)
    staging = library.staging(new.id)
    library.delete(new.id)
    assert library.purge() == []
    library.complete(new.id, staging)
    assert library.restore(new.id).status is Status.COMPLETED


# -- health ------------------------------------------------------------------------------------------------------


def test_health_names_what_is_lost(library: Library) -> None:
    done = completed(library)
    assert (library.fault(), library.without_files()) == ("", [])
    (done.folder / "mix.flac").unlink()
    done.folder.rmdir()
    assert library.without_files() == [done.id]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileProblem, match="cannot be made"):
        Library(tmp_path / "file" / "library")


# -- several processes -------------------------------------------------------------------------------------------


def dead_owner(library: Library, track_id: str, pid: int, started: float) -> None:
    with closing(sqlite3.connect(library.directory / DATABASE_NAME)) as connection:
        connection.execute("UPDATE tracks SET owner_pid = ?, owner_started = ? WHERE id = ?", (pid, started, track_id))
        connection.commit()


def test_what_a_dead_process_left_is_failed_with_its_reason(library: Library) -> None:
    waiting, begun, done = added(library), added(library), completed(library)
    library.processing(begun.id)
    (library.staging(begun.id) / "half").write_bytes(b"x")
    for entry in (waiting, begun, done):
        dead_owner(library, entry.id, os.getpid(), 12345.0)  # this very pid, but another process had it
    with closing(Library(library.directory)) as reopened:
        assert reopened.get(waiting.id).error == "The studio was closed before this take was begun."
        assert reopened.get(begun.id).error == "The studio stopped while this take was being made."
        assert {reopened.get(t.id).status for t in (waiting, begun)} == {Status.FAILED}
        assert reopened.get(done.id) == done
    assert list((library.directory / "staging").iterdir()) == []
    assert [folder.name for folder in (library.directory / "tracks").iterdir()] == [done.id]


def test_music_the_database_knows_nothing_of_is_never_removed(library: Library) -> None:
    kept = completed(library)
    begun = library.directory / "staging" / new_track_id()
    begun.mkdir()
    library.close()
    for path in library.directory.glob(f"{DATABASE_NAME}*"):
        path.unlink()  # lost, or put back from a copy made before this take
    with closing(Library(library.directory)) as reopened:
        assert reopened.count() == 0
        assert reopened.without_rows() == [kept.id]
    assert (kept.folder / "mix.flac").read_bytes() == b"music"
    assert not begun.exists()


def test_a_purge_that_is_cut_off_goes_on_the_next_time(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = completed(library)
    library.delete(gone.id)

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", cut_off)
        library.purge()
    assert library.purge() == [gone.id]
    assert not gone.folder.exists()


def test_a_damaged_entry_is_a_sentence(library: Library) -> None:
    done = completed(library)
    with closing(sqlite3.connect(library.directory / DATABASE_NAME)) as connection:
        connection.execute("UPDATE tracks SET recipe = '{'")
        connection.commit()
    with pytest.raises(FileProblem, match=f"The library's entry of {done.id} is damaged"):
        library.list()


def test_half_characters_are_searched_for_and_not_found(library: Library) -> None:
    completed(library)
    assert library.list("\udcff") == library.list(genre="\udcff") == []
    with pytest.raises(TrackNotFound):
        library.get("\udcff")


def test_a_title_moves_no_cursor(library: Library) -> None:
    assert library.rename(completed(library).id, " a\x1b[2Jb\u202e ").title == "a [2Jb"
    with pytest.raises(StudioError, match="at least one character"):
        library.rename(completed(library).id, "\x07\udcff")


def test_a_crash_between_move_and_commit_leaves_no_half_track(library: Library) -> None:
    new = added(library)
    library.processing(new.id)
    library.staging(new.id).replace(library.folder(new.id))
    dead_owner(library, new.id, os.getpid(), 12345.0)
    with closing(Library(library.directory)) as reopened:
        assert reopened.get(new.id).status is Status.FAILED
    assert not library.folder(new.id).exists()


def test_what_a_living_process_makes_is_left_alone(library: Library) -> None:
    waiting, begun = added(library), added(library)
    library.processing(begun.id)
    staging = library.staging(begun.id)
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert sleeper.stdin is not None
    with sleeper, sleeper.stdin:
        dead_owner(library, waiting.id, sleeper.pid, psutil.Process(sleeper.pid).create_time())
        with closing(Library(library.directory)) as other:
            assert other.get(waiting.id).status is Status.PENDING
            assert other.get(begun.id).status is Status.PROCESSING
        assert staging.exists()
        sleeper.kill()
        sleeper.wait()
    with closing(Library(library.directory)) as other:
        assert other.get(waiting.id).status is Status.FAILED
        assert other.get(begun.id).status is Status.PROCESSING


WRITER = """
import sys
from contextlib import closing
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_library as helpers
from nur_studio.library.library import Library

with closing(Library(Path({directory!r}))) as library:
    print("open", flush=True)
    for n in range({count}):
        done = helpers.completed(library, f"{name} {{n}}")
        library.star(done.id, True)
        library.rename(done.id, f"{name} renamed {{n}}")
"""


def test_two_processes_and_two_threads_write_one_library(library: Library) -> None:
    count = 12
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER).format(
                tests=str(Path(__file__).parent), directory=str(library.directory), name=name, count=count
            )],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("first", "second")
    ]  # fmt: skip
    seen = {library.change_count()}
    threads = [
        threading.Thread(target=lambda name=name: [completed(library, f"{name} {n}") for n in range(count)])  # type: ignore[misc]
        for name in ("third", "fourth")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    seen.add(library.change_count())
    assert len(seen) == 2
    tracks = library.list()
    assert len(tracks) == 4 * count
    assert {t.status for t in tracks} == {Status.COMPLETED}
    assert len(library.list("renamed", starred=True)) == 2 * count
    assert all((t.folder / "mix.flac").read_bytes() == b"music" for t in tracks)
    assert library.fault() == ""


def test_many_processes_open_a_new_library_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nur_studio.library.library import Library; "
        "Library(Path(sys.argv[1])).close()"
    )
    openers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for opener in openers:
        _, errors = opener.communicate(timeout=60)
        assert (opener.returncode, errors) == (0, "")
