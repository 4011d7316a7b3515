"""What can be taken hold of in the window, and what is asked for then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from planted_tracks import plant, tone
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nur_studio.audio.masters import score_path
from nur_studio.audio.midi import write_midi
from nur_studio.core.mix import STEMS
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.track import Track
from nur_studio.engines import transcribing
from nur_studio.gui.drag import Held, Wanted
from nur_studio.gui.drag_sources import DragHandle
from nur_studio.gui.main_window import MainWindow
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton


def planted(studio: Studio, *, scored: bool) -> Track:
    lanes = {stem: tone(110 * (n + 1), 1.0) for n, stem in enumerate(STEMS)}
    track = plant(studio.library, lanes, title="Scored" if scored else "Plain")
    if scored:
        line = NoteLine("Bass", "bass", 32, (PlayedNote(0.0, 1.0, 40, 0.5),))
        write_midi(score_path(track.folder), NoteSheet("", 120.0, 4, 2.0, (line,)))
    return track


def handle(window: MainWindow, lane: str) -> DragHandle:
    return window.view.lanes.lanes[lane].handle


def offered(window: MainWindow) -> set[str]:
    """The lanes whose notes can be taken hold of."""
    return {name for name in window.view.lanes.lanes if not handle(window, name).notes_area.isEmpty()}


def pull(widget: QWidget, at: QPoint) -> None:
    QTest.mousePress(widget, LEFT, pos=at)
    QTest.mouseMove(widget, at + QPoint(0, -40))
    QTest.mouseRelease(widget, LEFT, pos=at)


def test_what_is_pulled_is_what_is_asked_for(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored, plain = planted(studio, scored=True), planted(studio, scored=False)
    window = open_window(studio, begin=False)
    prepared: list[Wanted] = []
    started: list[Wanted] = []
    monkeypatch.setattr(window.drags, "prepare", prepared.append)
    monkeypatch.setattr(window.drags, "start", started.append)
    monkeypatch.setattr(transcribing, "why_not", lambda: "")
    window.stage.open(scored.id)
    qtbot.waitUntil(lambda: offered(window) == {"mix", "bass"})
    foot = handle(window, "bass").notes_area.center().toPoint()
    pull(handle(window, "bass"), foot)
    assert prepared[-1] == started[-1] == Wanted((scored.id,), Held(("midi bass",)))
    assert "notes of Bass" in handle(window, "bass")._notes
    pull(window.view.transport.drag_stems, QPoint(20, 10))
    assert prepared[-1] == started[-1] == Wanted((scored.id,), Held(("stems",)))

    window.stage.open(plain.id)
    qtbot.waitUntil(lambda: offered(window) == {"mix", "bass", "vocals", "other"})
    assert "transcription of Bass" in handle(window, "bass")._notes
    before = len(prepared)
    QTest.mousePress(handle(window, "bass"), LEFT, pos=foot)
    assert len(prepared) == before, "a click alone starts no transcription"
    QTest.mouseMove(handle(window, "bass"), foot + QPoint(0, -40))
    QTest.mouseRelease(handle(window, "bass"), LEFT)
    assert started[-1] == Wanted((plain.id,), Held(("midi bass",)))

    window.drags.progressed.emit(Wanted((plain.id,), Held(("bass",))), 0.25)
    window.drags.progressed.emit(Wanted((plain.id,), Held(("stems",))), 0.5)
    window.drags.progressed.emit(Wanted((scored.id,), Held(("drums",))), 0.75)
    assert [handle(window, name).progress for name in ("bass", "drums")] == [0.25, None]
    assert window.view.transport.drag_stems.progress == 0.5
    monkeypatch.undo()
