"""The library panel on a real library: pages, search, filters, stars, names, deletion, other processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.gui.drag import Held, Wanted
from nur_studio.gui.jobs import JobQueue
from nur_studio.gui.library_model import PAGE, Column, LibraryModel, length_text, made_text
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.shelf import Shelf
from nur_studio.library.library import Library

MakeTrack = Callable[..., Track]
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

LONG = 20_000  # ms; a busy machine


class Room:
    """A library, the panel on it, and what is between them."""

    def __init__(self, folder: Path, qtbot: QtBot) -> None:
        self.library = Library(folder)
        self.queue = JobQueue()
        self.panel = LibraryPanel(lambda name: name.capitalize())
        self.shelf = Shelf(self.panel, self.library, self.queue)
        self.errors: list[object] = []
        self.shelf.failed.connect(self.errors.append)
        qtbot.addWidget(self.panel)
        self.panel.resize(1140, 320)
        self.panel.show()
        qtbot.waitExposed(self.panel)
        self.qtbot = qtbot

    def read(self) -> None:
        with self.qtbot.waitSignal(self.shelf.refreshed):
            self.shelf.refresh()

    def titles(self) -> list[str]:
        return [track.title for track in self.panel.model.tracks]

    def text(self, row: int, column: Column) -> str:
        return str(self.panel.model.index(row, column).data() or "")

    def close(self) -> None:
        self.shelf.stop()
        self.queue.close()
        self.library.close()


@pytest.fixture
def room(tmp_path: Path, qtbot: QtBot, themed: object) -> Iterator[Room]:
    room = Room(tmp_path / "library", qtbot)
    yield room
    room.close()
    assert room.errors == []


def add(library: Library, make_track: MakeTrack, count: int, **facts: object) -> list[Track]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    tracks = [
        make_track(
            id=new_track_id(),
            title=f"Tape {n}",
            group_id=f"g{n}",
            created_at=start + timedelta(minutes=n),
            frames=0,
            **facts,
        )
        for n in range(count)
    ]
    library.add(*tracks)
    return tracks


def test_an_empty_library_says_what_it_is_for(room: Room) -> None:
    room.read()
    assert "No take yet" in room.panel._nothing.text()
    assert room.panel.count.text() == "0 takes"


def test_rows_newest_first_with_their_facts(room: Room, make_track: MakeTrack) -> None:
    add(room.library, make_track, 3, status=Status.COMPLETED, tempo=85, duration_s=64.2, starred=True)
    room.read()
    assert room.titles() == ["Tape 2", "Tape 1", "Tape 0"]
    facts = [room.text(0, column) for column in list(Column)[1:-1]]
    assert facts == ["Tape 2", "lo-fi", "lo-fi", "85", "Dm", "1:04", "Sketch"]
    assert room.panel.count.text() == "3 takes"


def test_a_row_without_a_tempo_claims_none(room: Room, make_track: MakeTrack) -> None:
    add(room.library, make_track, 1, status=Status.COMPLETED, tempo=0)
    room.read()
    assert room.text(0, Column.TEMPO) == "–"


def test_search_stars_and_filters_narrow_what_is_shown(room: Room, make_track: MakeTrack, qtbot: QtBot) -> None:
    add(room.library, make_track, 2, status=Status.COMPLETED)
    techno = replace(add(room.library, make_track, 1, status=Status.COMPLETED, genre="techno", prompt="acid")[0])
    room.library.star(techno.id, True)
    room.read()
    assert room.panel.genre.findData("techno") > 0
    qtbot.keyClicks(room.panel.search, "acid")
    qtbot.waitUntil(lambda: room.titles() == [techno.title])
    assert room.panel.count.text() == "1 of 3 takes"
    qtbot.keyClicks(room.panel.search, " nothing like it")
    qtbot.waitUntil(lambda: room.titles() == [])
    assert "No take matches" in room.panel._nothing.text()
    qtbot.keyClick(room.panel.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(room.titles()) == 3)
    room.panel.starred.click()
    qtbot.waitUntil(lambda: len(room.titles()) == 1)
    room.panel.starred.click()
    room.panel.genre.setCurrentIndex(room.panel.genre.findData("lo-fi"))
    qtbot.waitUntil(lambda: len(room.titles()) == 2)


def test_another_process_is_followed(room: Room, make_track: MakeTrack, tmp_path: Path, qtbot: QtBot) -> None:
    room.shelf.start()
    qtbot.waitUntil(lambda: room.panel.count.text() == "0 takes")
    other = Library(tmp_path / "library")
    add(other, make_track, 1, status=Status.COMPLETED)
    qtbot.waitUntil(lambda: room.titles() == ["Tape 0"], timeout=4000)
    other.close()


def test_a_star_is_one_click_and_a_name_is_edited_in_place(room: Room, make_track: MakeTrack, qtbot: QtBot) -> None:
    (track,) = add(room.library, make_track, 1, status=Status.COMPLETED)
    room.read()
    table = room.panel.table
    at = table.visualRect(room.panel.model.index(0, Column.STAR)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: room.library.get(track.id).starred)
    room.panel.select(track.id)
    qtbot.keyClick(table, Qt.Key.Key_F2)
    editor = table.indexWidget(table.currentIndex()) or table.findChild(type(room.panel.search))
    assert editor is not None
    qtbot.keyClicks(editor, "  Rain   on")
    room.library.star(track.id, False)
    room.read()
    qtbot.keyClicks(editor, " tape ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: room.titles() == ["Rain on tape"])
    assert room.library.get(track.id).title == "Rain on tape"


def test_enter_and_double_click_open_and_delete_deletes_with_a_way_back(
    room: Room, make_track: MakeTrack, qtbot: QtBot
) -> None:
    first, second = add(room.library, make_track, 2, status=Status.COMPLETED)
    room.read()
    opened: list[str] = []
    room.panel.opened.connect(opened.append)
    room.panel.select(second.id)
    qtbot.keyClick(room.panel.table, Qt.Key.Key_Return)
    at = room.panel.table.visualRect(room.panel.model.index(1, Column.NAME)).center()
    qtbot.mouseDClick(room.panel.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert opened == [second.id, first.id]
    room.panel.select(second.id)
    with qtbot.waitSignal(room.shelf.deleted) as deleted:
        qtbot.keyClick(room.panel.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: room.titles() == ["Tape 0"])
    room.shelf.restore([track.id for track in deleted.args[0]])
    qtbot.waitUntil(lambda: room.titles() == ["Tape 1", "Tape 0"])


def test_space_and_letters_are_left_to_the_window(room: Room, make_track: MakeTrack, qtbot: QtBot) -> None:
    add(room.library, make_track, 3, status=Status.COMPLETED)
    room.read()
    room.panel.select(room.panel.model.tracks[0].id)
    keys: list[int] = []

    class Above:
        def __call__(self, event: object) -> None:
            keys.append(event.key())  # type: ignore[attr-defined]

    room.panel.keyPressEvent = Above()  # type: ignore[method-assign, assignment]
    for key in (Qt.Key.Key_Space, Qt.Key.Key_L):
        qtbot.keyClick(room.panel.table, key)
    assert room.panel.table.currentIndex().row() == 0


def test_states_are_shown_in_the_row(room: Room, make_track: MakeTrack) -> None:
    base = {"created_at": NOON}
    room.library.add(make_track(id="trk_bbbbbbbbbbbb", status=Status.PENDING, **base))
    room.library.add(make_track(id="trk_cccccccccccc", status=Status.PROCESSING, **base))
    room.library.add(make_track(id="trk_dddddddddddd", status=Status.PROCESSING, **base))
    room.library.fail("trk_dddddddddddd", "The disk is full.")
    room.read()
    made = {track.id: row for row, track in enumerate(room.panel.model.tracks)}
    assert room.text(made["trk_bbbbbbbbbbbb"], Column.MADE) == "waiting"
    assert room.text(made["trk_cccccccccccc"], Column.MADE) == "making"
    room.panel.model.set_fractions({"trk_cccccccccccc": 0.456})
    assert room.text(made["trk_cccccccccccc"], Column.MADE) == "45 %"
    failed = made["trk_dddddddddddd"]
    assert room.text(failed, Column.MADE) == "failed"
    assert room.text(failed, Column.PROMPT) == "The disk is full."


def test_the_menu_offers_only_what_can_be_done(room: Room, make_track: MakeTrack) -> None:
    done = make_track()
    failed = make_track(id="trk_bbbbbbbbbbbb", status=Status.FAILED)

    def enabled(*tracks: Track) -> set[str]:
        menu = room.panel.menu_for(tracks)
        return {action.text() for action in menu.actions() if action.isEnabled() and action.text()}

    everything = {
        "Open",
        "Rename",
        "Star",
        "Use this prompt",
        "Make again with the same seed",
        "Export…",
        "Export minus one",
        "Show in folder",
        "Delete",
    }
    assert enabled(done) == everything
    assert enabled(replace(done, lanes=())) == everything - {"Export minus one"} | {"Separate into stems"}
    assert enabled(failed) == everything - {"Export…", "Export minus one", "Show in folder"}
    assert enabled(done, failed) == {"Star", "Delete"}


def test_a_drag_over_rows_asks_for_files_of_the_pressed_row(room: Room, make_track: MakeTrack, qtbot: QtBot) -> None:
    _, track = add(room.library, make_track, 2, status=Status.COMPLETED)
    room.read()
    pressed: list[object] = []
    dragged: list[object] = []
    room.panel.drag_pressed.connect(pressed.append)
    room.panel.drag_requested.connect(dragged.append)
    viewport = room.panel.table.viewport()
    at = room.panel.table.visualRect(room.panel.model.index(0, Column.NAME)).center()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    qtbot.wait(250)
    assert pressed == [], "a click writes no files"
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: pressed == [Wanted((track.id,), Held(("mix",)))])
    qtbot.mouseMove(viewport, at + QPoint(2, 0))
    assert dragged == []
    qtbot.mouseMove(viewport, at + QPoint(40, 30))
    assert dragged == [Wanted((track.id,), Held(("mix",)))]
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, at)
    qtbot.mouseMove(viewport, at + QPoint(40, 30))
    assert dragged[1:] == [Wanted((track.id,), Held(("stems",)))], "with Shift all its stems"
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at)


def test_the_model_keeps_qts_rules_while_rows_come_and_go(
    themed: object, make_track: MakeTrack, qtmodeltester: ModelTester
) -> None:
    model = LibraryModel(str.capitalize)
    tracks = [make_track(id=new_track_id(), title=str(n)) for n in range(6)]
    model.show(tracks, more=False)
    qtmodeltester.check(model, force_py=True)
    inserted: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    reset: list[object] = []
    model.modelReset.connect(lambda: reset.append(1))
    model.show([make_track(id=new_track_id()), *tracks], more=False)
    model.show(tracks, more=False)
    model.show([*tracks[:2], *tracks[3:]], more=False)
    model.show([replace(track, title=track.title + "!") for track in tracks], more=False)
    assert inserted == [(0, 0), (2, 2)], "only what is new is inserted"
    assert reset == []
    assert [track.title for track in model.tracks] == ["0!", "1!", "2!", "3!", "4!", "5!"]
    assert [model.row_of(track.id) for track in tracks] == list(range(6))


def test_ten_thousand_takes_stay_fluid(room: Room, make_track: MakeTrack, qtbot: QtBot) -> None:
    add(room.library, make_track, 10_000, status=Status.COMPLETED)
    room.read()
    assert len(room.panel.model.tracks) == PAGE, "only what is looked at is read"
    assert room.panel.count.text() == "10 000 takes"
    bar = room.panel.table.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=LONG)
    for pages in (2, 3, 4):
        before = bar.maximum()
        bar.setValue(before)
        qtbot.waitUntil(lambda pages=pages: len(room.panel.model.tracks) >= pages * PAGE, timeout=LONG)  # type: ignore[misc]
        qtbot.waitUntil(lambda before=before: bar.maximum() > before, timeout=LONG)  # type: ignore[misc]
    qtbot.keyClicks(room.panel.search, "tape 9999")
    qtbot.waitUntil(lambda: room.titles() == ["Tape 9999"], timeout=LONG)


@pytest.mark.parametrize(
    ("ago", "text"), [(timedelta(hours=1), "11:00"), (timedelta(days=2), "Fri"), (timedelta(days=40), "13 Oct")]
)
def test_when_it_was_made(ago: timedelta, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert made_text(NOON - ago, NOON) == text
    assert length_text(59.6) == "1:00"
