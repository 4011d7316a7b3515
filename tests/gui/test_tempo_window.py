"""Tempo in the window: the badge, the question in the header, and what is done about the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import planted_engine
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.core.contract import rolled_seed
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.core.story import tempo_story
from nur_studio.core.track import Track
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.settings_dialog import SettingsDialog
from nur_studio.gui.tempo_words import tempo_facts, tempo_lines, tempo_tip
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio

LONG = 30_000
MakeTrack = Callable[..., Track]


def told(**changes: Any) -> dict[str, Any]:
    usual = {"asked": 120, "measured": 119.4, "step": "stretch", "ratio": 0.995, "bar_one": True, "moved_s": 0.3}
    return {"contract": usual | changes, "request": {}}


def badge(track: Track) -> str:
    story = tempo_story(track)
    assert story is not None
    return "".join(fact.text for fact in tempo_facts(track, story))


def test_the_badge_says_asked_measured_delivered(make_track: MakeTrack) -> None:
    track = make_track(tempo_asked=120, tempo_measured=120.003, recipe=told())
    assert badge(track) == "asked 120  ·  measured 119.40  ·  delivered 120.00 BPM"
    story = tempo_story(track)
    assert story is not None
    assert tempo_facts(track, story)[-1].color == "good"
    tip = tempo_tip(track, story)
    for line in ("made: 119.40 BPM", "delivered take: 120.00 BPM", "by -0.50 %", "0.30 s before it were cut"):
        assert line in tip
    back = make_track(tempo=119, tempo_measured=119.4, recipe=told(as_made=True, ratio=1.0, moved_s=0.0))
    assert badge(back) == "asked 120  ·  measured 119.40 BPM"
    beatless = make_track(tempo=0, tempo_measured=None, recipe=told(measured=None, step="beatless", ratio=1.0))
    assert badge(beatless) == "asked 120  ·  no steady beat"
    loop = make_track(recipe=told(loop={"bars": 4, "seam": "tail", "score": 0.93}, moved_s=-0.5, rolls=[1, 2]))
    lines = dict(tempo_lines(loop))
    assert lines["Loop"] == "4 bars, seam 0.93 of 1"
    assert lines["Rolled"] == "2 times, for its tempo"
    assert lines["Bar 1"] == "0.50 s of silence before a pickup"
    assert tempo_lines(make_track()) == []
    assert tempo_story(make_track(recipe={"contract": {"asked": "x", "ratio": None, "loop": 4}})) is not None


def test_the_question_is_asked_in_a_line_and_only_where_there_is_one(
    themed: QApplication, qtbot: QtBot, make_track: MakeTrack
) -> None:
    view = TrackView()
    qtbot.addWidget(view)
    far = make_track(tempo=112, tempo_measured=112.0, recipe=told(measured=112.0, step="ask", ratio=1.0, open=True))
    for track, asks in ((far, True), (make_track(recipe=told()), False), (make_track(), False)):
        view.show_track(track, (track,), {})
        assert view.tempo_offer.isHidden() is not asks
    assert view.tempo_offer.words.whole_text == "112 BPM heard instead of 120"
    assert view.tempo_offer.stretch.text() == "Stretch to 120"
    view.show_track(make_track(recipe=told()), (), {})
    assert not view.header.original.isHidden()
    assert not view.header.original.isChecked()
    view.show_empty()
    assert view.tempo_offer.isHidden()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    engines = (planted_engine.info("slow", 111.0),)
    with Studio(Directories.below(tmp_path / "home"), engines=lambda: engines, separators=lambda: ()) as it:
        it.update_settings(engine="slow")
        yield it


@pytest.fixture
def window(studio: Studio, open_window: Callable[..., MainWindow]) -> MainWindow:
    return open_window(studio)


def test_stretched_undone_rolled_again_and_left(window: MainWindow, qtbot: QtBot) -> None:
    stages: set[str] = set()
    window.maker.stepped.connect(lambda step: stages.add(step.progress.stage))
    offer, header = window.view.tempo_offer, window.view.header

    def shown(track_id: str = "") -> Track:
        track = window.stage.track
        assert track is not None
        return track

    window.compose.set_request(GenerationRequest("drums at 120 bpm", 6, seed=5, engine="slow"))
    window.compose.generate()
    qtbot.waitUntil(lambda: offer.isVisible() and not window.maker.busy, timeout=LONG)
    first = shown()
    assert not window.toast.isVisible(), "the line says it already"
    qtbot.mouseClick(offer.stretch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown().tempo == 120 and not window.maker.busy, timeout=LONG)
    assert shown().id == first.id
    assert offer.isHidden()
    assert "bringing it to 120 BPM" in stages
    assert "measured 111.0" in "".join(fact.text for fact in header._tempo)
    assert header.tempo.text.startswith("120.0") or "delivered 120.0" in header.tempo.text
    window.history.undo()
    qtbot.waitUntil(lambda: shown().tempo == 111 and not window.maker.busy, timeout=LONG)
    assert header.original.isChecked()
    qtbot.mouseClick(header.original, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown().tempo == 120 and not window.maker.busy, timeout=LONG)

    window.tempi._on_roll()
    qtbot.waitUntil(lambda: shown().id != first.id and offer.isVisible() and not window.maker.busy, timeout=LONG)
    second = shown()
    assert (second.seed, second.group_id, second.take) == (rolled_seed(5, 1), first.group_id, 2)
    qtbot.mouseClick(offer.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: offer.isHidden(), timeout=LONG)
    assert shown().id == second.id


def test_bars_and_loops_are_asked_for(window: MainWindow) -> None:
    form = window.compose.form
    window.compose.prompt.setPlainText("house at 120 bpm")
    window.compose._on_read()
    form.unit.button("bars").click()
    assert (form.length.text(), form.length.suffix) == ("15", "")
    window.compose._on_read()
    assert form.length.suffix == "30 s"
    form.end.button(True).click()
    request = window.compose.request()
    assert (request.bars, request.duration, request.controls.loop) == (15, 30, True)
    draft = form.draft()
    window.compose.set_request(GenerationRequest("x"))
    assert (form.unit.value, form.length.text(), form.loop) == ("s", "30", False)
    form.restore(draft)
    assert form.request("house", None).bars == 15
    assert form.loop
    form.length.setText("")
    assert [fault.field for fault in window.compose.request().faults()] == ["bars"]
    window.compose.generate()
    assert "1 to 64" in window.compose.fault("bars")
    form.unit.button("s").click()
    assert window.compose.request().duration is None


def test_a_setting_answers_for_good(window: MainWindow) -> None:
    window.preferences.open()
    dialog = window.preferences.dialog
    assert isinstance(dialog, SettingsDialog)
    assert dialog.far_off.value == "ask"
    dialog.far_off.button("reroll").click()
    assert window._studio.settings.far_off == "reroll"
    dialog.close()
