"""The window with an engine that can be steered: its controls, extending, early ends, and what it has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import fake_engine
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.core.controls import Reference
from nur_studio.core.paths import Directories
from nur_studio.core.track import Status
from nur_studio.engines.base import EngineInfo
from nur_studio.gui.drag import Held, Wanted, mime_data
from nur_studio.gui.main_window import MainWindow
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
LONG = 30_000
PROMPT = "Chill lo-fi beat, 90 bpm"
CAN = frozenset({"keep", "controls", "sections", "continue", "melody", "count-in"})


def steerable(step_s: float = 0.02) -> EngineInfo:
    info = fake_engine.info("musicgen-small", can=tuple(CAN), step_s=step_s, keeps=True)
    return replace(info, title="MusicGen small")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Studio]:
    """A studio with an engine that can everything and one that can nothing beside music."""
    engines = (steerable(), fake_engine.info("sketch", step_s=0.02))
    with Studio(Directories.below(tmp_path), engines=lambda: engines) as studio:
        yield studio


def make(window: MainWindow, qtbot: QtBot) -> None:
    window.compose.prompt.setPlainText(PROMPT)
    window.compose.form.length.set_value(5)
    window.compose.generate()
    qtbot.waitUntil(lambda: window.maker.busy, timeout=LONG)
    qtbot.waitUntil(lambda: not window.maker.busy and window.playback.loaded != "", timeout=LONG)
    qtbot.waitUntil(lambda: window.stage.track is not None and window.stage.track.status is Status.COMPLETED)


def test_what_is_offered_follows_the_engine(two: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(two)
    steering = window.compose.steering
    assert not steering.isHidden()
    window.compose.prompt.setPlainText(PROMPT)
    qtbot.waitUntil(lambda: steering.advanced.description.toPlainText() != "")
    assert "bpm: 90" in steering.advanced.description.toPlainText()
    window.engines.choose("sketch")
    assert steering.isHidden()
    window.engines.choose("musicgen-small")
    assert not steering.isHidden()


def test_extend_takes_the_marked_part_with_its_words_and_tempo(
    two: Studio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(two)
    make(window, qtbot)
    track = window.stage.track
    assert track is not None
    assert window.view.header.facts.text.startswith("MusicGen small")
    window.compose.prompt.setPlainText("something else")
    window.view.timeline.set_loop((44100, 3 * 44100))
    window.view.setFocus()
    qtbot.keyClick(window.view, Qt.Key.Key_E)
    request = window.compose.request()
    assert request.prompt == PROMPT
    assert request.tempo == 90
    assert request.controls.reference == Reference("continue", track.id, "mix", 1.0, 3.0)
    assert window.compose.form.length.hasFocus()
    window.compose.prompt.undo()
    assert window.compose.prompt.toPlainText() == "something else", "what was typed can be had back"
    window.view.timeline.set_loop(None)
    window.compose.steering.reference.shown.click()
    reference = window.compose.request().controls.reference
    assert reference is not None
    assert (reference.start_s, reference.end_s) == (0.0, None)


def test_a_row_of_the_library_is_dropped_on_the_panel(two: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(two)
    make(window, qtbot)
    track = window.stage.track
    assert track is not None
    window.stage._clear()
    field = window.compose.steering.reference
    assert field.drop(mime_data([Path("x.wav")], Wanted((track.id,), Held(("drums",)))))
    qtbot.waitUntil(lambda: field.source is not None)
    assert field.title.whole_text == track.title
    reference = window.compose.request().controls.reference
    assert reference == Reference("continue", track.id, "drums")
    field.clear.click()
    (action,) = [entry for entry in window.library.menu_for([track]).actions() if "Start the next" in entry.text()]
    action.trigger()
    qtbot.waitUntil(lambda: field.source is not None)
    assert window.compose.request().controls.reference == Reference("continue", track.id)
    field.clear.click()
    field.shown.click()
    assert "Open a finished take" in field.fault


def test_a_running_take_is_ended_and_kept_with_the_keyboard(
    tmp_path: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    with Studio(Directories.below(tmp_path), engines=lambda: (steerable(step_s=0.4),)) as studio:
        window = open_window(studio)
        bar = window.compose.bar
        window.compose.prompt.setPlainText(PROMPT)
        window.compose.form.length.set_value(8)
        window.compose.form.takes.set_value(2)
        window.compose.generate()
        qtbot.waitUntil(lambda: bar.keep_button.isVisible() and bar.keep_button.isEnabled(), timeout=LONG)
        assert "0:0" in bar.keep_button.text()
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert not bar.keep_button.isEnabled()
        qtbot.waitUntil(lambda: not window.maker.busy, timeout=LONG)
        assert bar.keep_button.isHidden()
        assert studio.library.count() == 1, "the take that was not begun is dropped"
        qtbot.waitUntil(lambda: window.stage.track is not None and window.stage.track.status is Status.COMPLETED)
        track = window.stage.track
        assert track is not None
        assert 1.0 <= track.duration_s < 8.0
        assert window.view.timeline.frames == track.frames, "what is on show is as long as what was kept"
        assert window.toast.text == "It was ended early."
        window.close()


def test_a_take_that_is_partly_made_again_ends_as_what_was_kept_of_it(
    tmp_path: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine = fake_engine.info("musicgen-small", can=tuple(CAN), step_s=0.1, rewinds=True, stems=False)
    with Studio(Directories.below(tmp_path), engines=lambda: (engine,)) as studio:
        window = open_window(studio)
        grown: list[int] = []
        window.maker.grew.connect(lambda growth: grown.append(growth.frames))
        seen: set[bool] = set()
        window.maker.grew.connect(lambda _: seen.add(window.view.lanes.lanes["drums"].isVisible()))
        make(window, qtbot)
        assert grown != sorted(grown), "it fell back once"
        assert grown[-1] == 5 * 44100
        assert seen == {False}, "no stems are promised that will not come"
        window.close()


def test_what_a_take_has_to_say_is_said(two: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(two)
    make(window, qtbot)
    track = window.stage.track
    assert track is not None
    note = "Memory ran out after 0:12: a smaller model needs less."
    window.maker.made.emit(replace(track, recipe={**track.recipe, "note": note}))
    qtbot.waitUntil(lambda: window.toast.text == note)


def test_in_a_small_window_the_banner_leaves_the_lanes_their_height(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    window.resize(1024, 640)
    qtbot.waitUntil(lambda: window.height() == 640)
    window.banner.show_work("Downloading MusicGen small", None)
    assert window.banner.isVisible(), "there is nothing else to see yet"
    make(window, qtbot)
    window.banner.show_work("Downloading MusicGen small", None)
    assert window.banner.isHidden()
    lanes = sorted(
        (lane for lane in window.view.lanes.lanes.values() if lane.isVisible()), key=lambda lane: lane.geometry().y()
    )
    assert len(lanes) > 1
    qtbot.waitUntil(lambda: all(not a.geometry().intersects(b.geometry()) for a, b in pairwise(lanes)))
    window.resize(1024, 900)
    qtbot.waitUntil(window.banner.isVisible)
