"""Stems that come to a finished take, and the mix they are set to: moved in whole, remembered, never half."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nur_studio.core.errors import FileProblem, StudioError, TrackNotFound
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.library.library import DATABASE_NAME, Library
from nur_studio.library.schema import MIGRATIONS

MIX = Mix({"drums": Channel(-6.0, 0.5, mute=True), "bass": Channel(solo=True)}, -1.5)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with closing(Library(tmp_path / "library")) as opened:
        yield opened


def pending(library: Library) -> Track:
    track_id = new_track_id()
    track = Track(
        id=track_id,
        status=Status.PENDING,
        title="Rainy night tape",
        prompt="lo-fi",
        genre="lo-fi",
        tempo=85,
        duration_s=30.0,
        output_format="mp3",
        engine="sketch",
        seed=1,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        folder=library.folder(track_id),
    )
    library.add(track)
    return track


def completed(library: Library) -> Track:
    track = pending(library)
    staging = library.staging(track.id)
    (staging / "mix.flac").write_bytes(b"music")
    (staging / "peaks.npz").write_bytes(b"mix only")
    return library.complete(track.id, staging, frames=44100)


def put(workspace: Path, mark: bytes) -> None:
    (workspace / "stems").mkdir()
    (workspace / "stems" / "drums.flac").write_bytes(mark)
    (workspace / "peaks.npz").write_bytes(mark)


def test_stems_come_to_a_finished_take_and_are_replaced_later(library: Library) -> None:
    track = completed(library)
    assert track.lanes == ()
    library.set_mix(track.id, MIX)
    for mark, lanes in ((b"four", STEMS), (b"six", SIX_LANES)):
        with library.workspace(track.id) as workspace:
            put(workspace, mark)
            after = library.replace_stems(track.id, workspace, lanes, {"separation": mark.decode()})
        assert after == library.get(track.id)
        assert after.lanes == lanes
        assert after.recipe == {"separation": mark.decode()}
        assert after.mix == Mix(), "faders of other stems mean nothing for these"
        assert (track.folder / "stems" / "drums.flac").read_bytes() == mark
        assert (track.folder / "peaks.npz").read_bytes() == mark
        assert (track.folder / "mix.flac").read_bytes() == b"music"
        assert not workspace.exists()


def test_what_cannot_be_moved_leaves_the_old_stems(library: Library) -> None:
    track = completed(library)
    with library.workspace(track.id) as workspace:
        put(workspace, b"old")
        library.replace_stems(track.id, workspace, STEMS, {})
    with library.workspace(track.id) as workspace:
        (workspace / "stems").mkdir()  # and no peaks
        with pytest.raises(FileProblem, match="cannot be moved"):
            library.replace_stems(track.id, workspace, SIX_LANES, {"new": True})
    assert library.get(track.id).lanes == STEMS
    assert library.get(track.id).recipe == {}
    assert (track.folder / "stems" / "drums.flac").read_bytes() == b"old"
    assert (track.folder / "peaks.npz").read_bytes() == b"old"


def test_only_a_finished_track_that_is_there_gets_stems(library: Library, tmp_path: Path) -> None:
    unfinished, gone = pending(library), completed(library)
    library.delete(gone.id)
    with pytest.raises(StudioError, match="finished"):
        library.replace_stems(unfinished.id, tmp_path, STEMS, {})
    with pytest.raises(TrackNotFound):
        library.replace_stems(gone.id, tmp_path, STEMS, {})
    with pytest.raises(TrackNotFound), library.workspace(gone.id):
        pass


def test_a_mix_is_remembered(library: Library) -> None:
    track = completed(library)
    assert library.set_mix(track.id, MIX).mix == MIX
    with closing(Library(library.directory)) as again:
        assert again.get(track.id).mix == MIX


def test_a_workspace_goes_with_its_process_and_not_before(library: Library) -> None:
    track = completed(library)
    with library.workspace(track.id) as workspace:
        track_id, _, rest = workspace.name.partition(".")
        dead = workspace.with_name(f"{track_id}.{2**22 + 7}.1.{rest[-8:]}")
        dead.mkdir()
        foreign = workspace.with_name("notes.1.2.3")
        foreign.mkdir()
        Library(library.directory).close()
        assert workspace.is_dir()
        assert not dead.exists()
        assert foreign.is_dir()
    assert not workspace.exists()
    assert f".{os.getpid()}." in workspace.name


def test_tracks_of_an_older_studio_have_the_stems_they_came_with(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as old:
        for statement in MIGRATIONS[0].split(";"):
            old.execute(statement)
        for number, (status, engine) in enumerate(
            (("completed", "sketch"), ("completed", "musicgen-small"), ("failed", "sketch"))
        ):
            row = {
                "id": f"trk_00000000000{number}", "status": status, "title": "t", "prompt": "p", "genre": "lo-fi",
                "tempo": 80, "duration_s": 5.0, "output_format": "mp3", "engine": engine, "seed": 1,
                "created_at": "2026-01-02T03:04:05+00:00", "group_id": "", "take": 1, "model": "", "licence": "",
                "key": "", "beats_per_bar": 4, "beat_offset_s": 0.0, "sections": "[]", "sample_rate": 44100,
                "frames": 1, "starred": 0, "error": "", "recipe": json.dumps({}), "found_by": "", "owner_pid": 1,
                "owner_started": 0.0,
            }  # fmt: skip
            old.execute(f"INSERT INTO tracks ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
        old.execute("PRAGMA user_version = 1")
        old.commit()
    with closing(Library(tmp_path)) as library:
        tracks = [library.get(f"trk_00000000000{number}") for number in range(3)]
    assert [track.lanes for track in tracks] == [STEMS, (), ()]
    assert all(track.mix == Mix() for track in tracks)
