"""A track's own small answers."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from nur_studio.core.timing import Grid
from nur_studio.core.track import COMBINED, IMPORTED, Status, Track, is_track_id, new_track_id

TRACK = Track(
    id="trk_abc123abc123", status=Status.PENDING, title="t", prompt="p", genre="g", tempo=120, duration_s=30.0,
    output_format="mp3", engine="sketch", seed=1, created_at=datetime(2025, 1, 15, 14, 20, 0, 999999, UTC),
    folder=Path("x"),
)  # fmt: skip


def test_ids_have_the_references_form_and_do_not_repeat() -> None:
    ids = {new_track_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("trk_[a-z0-9]{12}", i) and is_track_id(i) for i in ids)


@pytest.mark.parametrize(
    "text", ["", "trk_", "trk_ABC123abc123", "trk_abc123abc1234", "trk_abc123abc123\n", "../../../../x"]
)
def test_anything_else_is_no_id(text: str) -> None:
    assert not is_track_id(text)


def test_the_date_is_written_in_utc_to_the_second() -> None:
    assert TRACK.created_iso == "2025-01-15T14:20:00Z"
    there = datetime(2025, 1, 15, 16, 20, tzinfo=timezone(timedelta(hours=2)))
    assert replace(TRACK, created_at=there).created_iso == "2025-01-15T14:20:00Z"


def test_takes_have_letters() -> None:
    assert [replace(TRACK, take=n).take_letter for n in (1, 2, 26, 27)] == ["A", "B", "Z", "A"]


def test_the_grid_is_the_tracks_tempo() -> None:
    assert replace(TRACK, tempo=90, beats_per_bar=3, beat_offset_s=0.5).grid == Grid(90.0, 3, 0.5)


def test_status_is_the_references_word() -> None:
    assert [str(status) for status in Status] == ["pending", "processing", "completed", "failed"]


def test_without_a_tempo_the_grid_is_there_and_harmless() -> None:
    none = replace(TRACK, tempo=0)
    assert (TRACK.has_tempo, none.has_tempo) == (True, False)
    assert TRACK.grid == Grid(120.0)
    assert none.grid.bar_s > 0


def test_only_what_an_engine_made_is_generated() -> None:
    engines = ("sketch", IMPORTED, COMBINED)
    assert [replace(TRACK, engine=engine).generated for engine in engines] == [True, False, False]
