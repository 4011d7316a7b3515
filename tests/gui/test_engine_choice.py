"""The engine menu, the settings behind it and the models it leads to, in the real window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_studio import ModelStudio
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from nur_studio.core.paths import Directories
from nur_studio.core.track import Track
from nur_studio.gui.main_window import MainWindow

OpenWindow = Callable[..., MainWindow]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[ModelStudio]:
    with ModelStudio(Directories.below(tmp_path / "home"), {"musicgen-small": "ready"}) as it:
        it.update_settings(engine="sketch")
        it.go.set()
        yield it


def menu(window: MainWindow) -> QMenu:
    found = window.top.engine.menu()
    assert isinstance(found, QMenu)
    return found


def entry(within: QMenu, text: str) -> QAction:
    return next(action for action in within.actions() if action.text() == text)


def submenu(within: QMenu, text: str) -> QMenu:
    found = entry(within, text).menu()
    assert isinstance(found, QMenu)
    return found


def test_models_that_are_here_can_be_chosen_and_the_others_lead_to_the_manager(
    studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    assert window.top.engine.text().startswith("Sketch")
    assert entry(menu(window), "Sketch").isChecked()
    small = entry(menu(window), "MusicGen small")
    assert "CC BY-NC 4.0" in small.toolTip()
    small.trigger()
    assert studio.settings.engine == "musicgen-small"
    assert window.top.engine.text().startswith("MusicGen small")
    away = submenu(menu(window), "Not here yet")
    assert [action.text() for action in away.actions()][:2] == ["MusicGen medium…", "MusicGen large…"]
    entry(away, "MusicGen large…").trigger()
    assert window.models.dialog is not None
    assert window.models.dialog.detail.title.text() == "MusicGen large"
    window.models.dialog.accept()


def test_the_device_is_kept_and_shown(
    studio: ModelStudio, open_window: OpenWindow, make_track: Callable[..., Track], qtbot: QtBot
) -> None:
    studio.update_settings(engine="musicgen-small")
    window = open_window(studio)
    entry(submenu(menu(window), "Compute on"), "Processor (CPU)").trigger()
    assert studio.settings.device == "cpu"
    assert "Processor (CPU)" in window.top.engine.text()
    assert entry(submenu(menu(window), "Compute on"), "Processor (CPU)").isChecked()
    window.model_work.measure("musicgen-small")
    qtbot.waitUntil(lambda: " CPU " in window.top.engine.text())
    window.engines.on_made(make_track(engine="musicgen-small", recipe={"details": {"device": "NVIDIA H100"}}))
    assert "NVIDIA H100" in window.top.engine.text()
    window.preferences.change(device="auto")
    assert "NVIDIA H100" not in window.top.engine.text(), "it may be another now"
    window.preferences.change(engine="sketch")
    assert "CPU" not in window.top.engine.text(), "Sketch computes wherever"


def test_only_what_may_be_sold_is_one_switch_in_two_places(
    studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    window.preferences.open()
    dialog = window.preferences.dialog
    assert dialog is not None
    entry(menu(window), "Only models whose output I may sell").trigger()
    assert studio.settings.sellable_only
    assert dialog.sellable.isChecked()
    window.models.open("musicgen-small")
    assert window.models.dialog is not None
    assert window.models.dialog.detail.barred.isVisible()
    assert not window.models.dialog.detail.use.isEnabled()
    window.models.dialog.accept()
    dialog.sellable.click()
    assert not studio.settings.sellable_only
    assert not entry(menu(window), "Only models whose output I may sell").isChecked()
    dialog.accept()


def test_the_precision_is_one_choice_in_two_places(studio: ModelStudio, open_window: OpenWindow) -> None:
    window = open_window(studio)
    window.preferences.open()
    dialog = window.preferences.dialog
    assert dialog is not None
    assert entry(submenu(menu(window), "Precision"), "Usual").isChecked()
    entry(submenu(menu(window), "Precision"), "Fast").trigger()
    assert studio.settings.precision == "fast"
    assert dialog.precision.button("fast").isChecked()
    assert "1 %" in entry(submenu(menu(window), "Precision"), "Fast").toolTip()
    dialog.precision.button("full").click()
    assert studio.settings.precision == "full"
    assert entry(submenu(menu(window), "Precision"), "Full").isChecked()
    dialog.accept()


def test_the_settings_of_music_are_kept(studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(studio)
    window.preferences.open()
    dialog = window.preferences.dialog
    assert dialog is not None
    dialog.master.button(False).click()
    dialog.rate.button(48000).click()
    dialog.compute.setCurrentIndex(dialog.compute.findData("cuda"))
    dialog.compute.activated.emit(dialog.compute.currentIndex())
    assert (studio.settings.master, studio.settings.sample_rate, studio.settings.device) == (False, 48000, "cuda")
    dialog.manage.click()
    assert window.models.dialog is not None
    window.models.dialog.accept()
    dialog.accept()


def test_the_manager_opens_by_key_and_a_removed_model_leaves_the_menu(
    studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    studio.update_settings(engine="musicgen-small")
    window = open_window(studio)
    qtbot.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = window.models.dialog
    assert dialog is not None
    assert dialog.detail.title.text() == "MusicGen small"
    assert dialog.detail.use.text() == "In use"
    dialog.detail.remove.click()
    dialog.detail.really.click()
    qtbot.waitUntil(lambda: "MusicGen small" not in [action.text() for action in menu(window).actions()])
    assert entry(submenu(menu(window), "Not here yet"), "MusicGen small…")
    assert window.top.engine.text().startswith("Sketch"), "the best that is left takes its place"
    assert studio.settings.engine == ""
    dialog.accept()


def test_the_bar_says_when_the_network_is_used(studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot) -> None:
    studio.go.clear()
    window = open_window(studio)
    assert window.top.network.text() == "Offline"
    window.model_work.download("musicgen-large")
    qtbot.waitUntil(lambda: window.top.network.text() == "Downloading")
    studio.go.set()
    qtbot.waitUntil(lambda: window.top.network.text() == "Offline")
    assert studio.states["musicgen-large"] == "ready"


def test_closing_the_window_stops_a_download_and_keeps_what_came(
    studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    studio.go.clear()
    window = open_window(studio)
    window.model_work.download("musicgen-large")
    qtbot.waitUntil(lambda: window.model_work.busy is not None)
    window.close()
    assert studio.states["musicgen-large"] == "partial"
    assert studio.done == []


def test_a_dismissed_banner_stays_away(studio: ModelStudio, open_window: OpenWindow, qtbot: QtBot) -> None:
    studio.states.clear()
    window = open_window(studio)
    assert window.banner.isVisible()
    window.banner.close_button.click()
    assert not window.banner.isVisible()
    assert studio.settings.banner_dismissed
    window.close()
    assert not open_window(studio).banner.isVisible()
