"""Stems in the window: made after a take, asked for from a button, cancelled, chosen; the take plays on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fake_engine
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track
from nur_studio.engines.base import EngineInfo
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.recipe_card import recipe_lines
from nur_studio.gui.stems_offer import StemsOffer
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
LONG = 30_000
WHOLE = GenerationRequest("jazz trio", 5, tempo=120, seed=1)


class Apart:
    def __init__(self) -> None:
        self.known: list[EngineInfo] = [
            fake_engine.separator("htdemucs", step_s=0.05),
            fake_engine.separator("htdemucs_ft", why_not="Its weights are not here."),
        ]

    def __call__(self) -> list[EngineInfo]:
        return self.known


@pytest.fixture
def apart() -> Apart:
    return Apart()


@pytest.fixture
def studio(tmp_path: Path, apart: Apart) -> Iterator[Studio]:
    """Its engine makes no stems."""
    whole = replace(fake_engine.info("sketch", step_s=0.05, stems=False), stems=False)
    with Studio(Directories.below(tmp_path / "home"), engines=lambda: (whole,), separators=apart) as it:
        yield it


def shown(window: MainWindow, studio: Studio, qtbot: QtBot) -> Track:
    """A take without stems, on show."""
    (track,) = studio.generate(WHOLE, stems=False)
    window.stage.open(track.id)
    qtbot.waitUntil(lambda: window.playback.loaded == track.id, timeout=LONG)
    return track


def test_a_take_is_shown_first_and_then_gets_its_stems_while_it_plays(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    told: list[str] = []
    stages: list[str] = []
    window.maker.made.connect(lambda _: told.append("made"))
    window.maker.separating.connect(lambda _: told.append("separating"))
    window.maker.separated.connect(lambda _: told.append("separated"))
    window.maker.stepped.connect(lambda step: stages.append(step.progress.stage))
    window.maker.ask(WHOLE)
    qtbot.waitUntil(lambda: "separated" in told and not window.maker.busy, timeout=LONG)
    assert told == ["made", "separating", "separated"]
    assert stages.index("separating") > stages.index("pretending")
    qtbot.waitUntil(lambda: window.stage.has_stems, timeout=LONG)
    track = window.stage.track
    assert track is not None
    assert track.lanes == STEMS
    assert not window.view.stems_offer.isVisible()
    assert dict(recipe_lines(track))["Stems"] == "Htdemucs · CPU · for tests too"


def test_it_plays_on_without_a_break(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(studio)
    track = shown(window, studio, qtbot)
    window.playback._player.seek(44100)
    qtbot.waitUntil(lambda: window.playback._player.state().position_frames == 44100, timeout=LONG)
    with qtbot.waitSignal(window.maker.separated, timeout=LONG):
        window.view.stems_offer.button.click()
    qtbot.waitUntil(lambda: window.stage.has_stems, timeout=LONG)
    assert window.playback.loaded == track.id
    qtbot.wait(100)
    assert window.playback._player.state().position_frames == 44100, "where it was"


def test_the_offer_is_there_where_stems_would_be(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(studio)
    offer = window.view.stems_offer
    assert not offer.isVisible(), "nothing is on show"
    track = shown(window, studio, qtbot)
    assert offer.isVisible()
    assert offer.separator.currentData() == "htdemucs"
    with qtbot.waitSignal(window.maker.separating, timeout=LONG):
        qtbot.keyClick(window.view, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: not offer.button.isEnabled(), timeout=LONG)
    assert not window.compose.bar.keep_button.isVisible(), "there is nothing to keep"
    assert not window.maker.making
    qtbot.waitUntil(lambda: not window.maker.busy and window.stage.has_stems, timeout=LONG)
    assert studio.library.get(track.id).lanes == STEMS
    assert not offer.isVisible()


def test_cancel_ends_the_separation_and_keeps_the_take(
    studio: Studio, apart: Apart, open_window: OpenWindow, qtbot: QtBot
) -> None:
    apart.known = [fake_engine.separator("htdemucs", step_s=0.8)]
    window = open_window(studio)
    with qtbot.waitSignal(window.maker.separating, timeout=LONG):
        window.maker.ask(WHOLE)
    window.compose.bar.button.click()
    qtbot.waitUntil(lambda: not window.maker.busy, timeout=LONG)
    qtbot.waitUntil(lambda: window.stage.track is not None and window.playback.loaded != "", timeout=LONG)
    track = window.stage.track
    assert track is not None
    assert (studio.library.get(track.id).lanes, window.compose.bar.failure.sentence) == ((), "")
    qtbot.waitUntil(lambda: window.view.stems_offer.isVisible() and window.view.stems_offer.button.isEnabled())


def test_a_failure_is_said_and_the_take_stays(
    studio: Studio, apart: Apart, open_window: OpenWindow, qtbot: QtBot
) -> None:
    apart.known = [fake_engine.separator("htdemucs", fault="sentence")]
    window = open_window(studio)
    with qtbot.waitSignal(window.maker.not_separated, timeout=LONG):
        window.maker.ask(WHOLE)
    qtbot.waitUntil(lambda: "has no stems: The fake is tired. Let it sleep." in window.toast.text, timeout=LONG)
    assert window.compose.bar.failure.sentence == ""
    qtbot.waitUntil(lambda: window.playback.loaded != "", timeout=LONG)


def test_nothing_is_separated_by_itself_where_the_person_does_not_want_it(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    window.preferences.open()
    dialog = window.preferences.dialog
    assert dialog is not None
    dialog.separate.click()
    assert studio.settings.separate is False
    dialog.separator.setCurrentIndex(1)
    dialog.separator.activated.emit(1)
    assert studio.settings.separator == "htdemucs_ft"
    with qtbot.assertNotEmitted(window.maker.separating):
        window.maker.ask(WHOLE)
        qtbot.waitUntil(lambda: not window.maker.busy and window.playback.loaded != "", timeout=LONG)


def test_where_none_is_here_the_models_are_shown(
    studio: Studio, apart: Apart, open_window: OpenWindow, qtbot: QtBot
) -> None:
    apart.known = [replace(info, why_not="Not here.") for info in apart.known]
    window = open_window(studio)
    shown(window, studio, qtbot)
    offer = window.view.stems_offer
    assert offer.separator.currentIndex() == -1
    offer.button.click()
    assert window.models.dialog is not None
    assert window.models.dialog.list.current == "htdemucs"
    detail = window.models.dialog.detail
    assert detail.title.text() == "Demucs"
    assert "MIT" in detail.licence.text()
    assert not detail.consent.isVisible(), "its licence keeps nobody from selling"


def test_an_engines_own_stems_are_left_alone(
    tmp_path: Path, apart: Apart, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine = fake_engine.info("sketch")
    with Studio(Directories.below(tmp_path), engines=lambda: (engine,), separators=apart) as studio:
        (track,) = studio.generate(WHOLE)
        window = open_window(studio)
        window.stage.open(track.id)
        qtbot.waitUntil(lambda: window.playback.loaded == track.id, timeout=LONG)
        assert not window.view.stems_offer.isVisible()
        titles = [action.text() for action in window.library.menu_for([track]).actions()]
        assert "Separate into stems" not in titles
        window.view.separate_requested.emit()
        assert "are its own" in window.toast.text
        assert not window.maker.busy
        window.close()


def test_the_menu_separates_and_does_it_again(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(studio)
    (track,) = studio.generate(WHOLE, stems=False)
    for words in ("Separate into stems", "Separate into stems again"):
        menu = window.library.menu_for([studio.library.get(track.id)])
        (action,) = [action for action in menu.actions() if action.text() == words]
        with qtbot.waitSignal(window.maker.separated, timeout=LONG):
            action.trigger()
        qtbot.waitUntil(lambda: not window.maker.busy, timeout=LONG)


def test_using_a_separator_in_the_manager_is_a_setting(studio: Studio, open_window: OpenWindow, apart: Apart) -> None:
    apart.known.append(fake_engine.separator("htdemucs_6s"))
    window = open_window(studio)
    window.models.use_requested.emit("htdemucs_6s")
    assert studio.settings.separator == "htdemucs_6s"
    assert studio.settings.engine == ""
    offer = window.view.stems_offer
    assert offer.separator.currentData() == "htdemucs_6s"
    offer.separator_chosen.emit("htdemucs_ft")
    assert studio.settings.separator == "htdemucs_6s", "what is not here is not chosen, but shown"
    assert window.models.dialog is not None
    assert window.models.dialog.list.current == "htdemucs_ft"


def test_the_choice_says_what_each_is_and_whether_it_is_here(themed: object, qtbot: QtBot, apart: Apart) -> None:
    offer = StemsOffer()
    qtbot.addWidget(offer)
    offer.set_separators(apart.known, "htdemucs")
    texts = [offer.separator.itemText(row) for row in range(offer.separator.count())]
    assert texts == ["Htdemucs", "Htdemucs_ft (not here yet)"]
    assert offer.separator.itemData(1, Qt.ItemDataRole.ToolTipRole) == "Its weights are not here."
    assert "(T)" in offer.button.toolTip()
