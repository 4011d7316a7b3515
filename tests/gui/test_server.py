"""Another studio on the network in the window: named in the settings, chosen in the menu, heard here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import fake_server
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from nur_studio.core.track import Status
from nur_studio.gui.engine_names import unlisted
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.settings_dialog import SettingsDialog
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
TOKEN = "a-token-of-the-tests"
LONG = 30_000


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fake_server.Server]:
    with (
        fake_server.make_studio(tmp_path_factory.mktemp("far")) as studio,
        fake_server.serving(studio, token=TOKEN) as server,
    ):
        yield server


def settings(window: MainWindow) -> SettingsDialog:
    window.preferences.open()
    assert window.preferences.dialog is not None
    return window.preferences.dialog


def entries(window: MainWindow) -> dict[str, QAction]:
    menu = window.top.engine.menu()
    assert isinstance(menu, QMenu)
    return {action.text(): action for action in menu.actions()}


def test_a_studio_is_named_tested_chosen_and_makes_a_take_that_is_here(
    studio: Studio, far: fake_server.Server, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(studio)
    dialog = settings(window)
    server = dialog.server
    assert server.token.echoMode() == QLineEdit.EchoMode.Password
    server.address.setFocus()
    qtbot.keyClicks(server.address, far.address)
    qtbot.keyClick(server.address, Qt.Key.Key_Tab)
    qtbot.keyClicks(server.token, "not-the-token-there")
    qtbot.keyClick(server.token, Qt.Key.Key_Tab)
    assert dialog.focusWidget() is server.button
    qtbot.keyClick(server.button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "was given another" in server.answer.text())
    assert server.answer.property("role") == "error"
    assert "Fake on 127.0.0.1" not in entries(window)
    server.token.setText(TOKEN)
    qtbot.mouseClick(server.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "it makes music with Fake" in server.answer.text())
    assert server.answer.property("role") == "good"
    dialog.accept()
    assert (studio.settings.server, studio.settings.server_token) == (far.address, TOKEN)

    assert window.top.network.text() == "Offline"
    assert not entries(window)["Absent on 127.0.0.1"].isEnabled()
    entries(window)["Fake on 127.0.0.1"].trigger()
    assert window.top.engine.text().startswith("Fake on 127.0.0.1")
    assert window.top.network.text() == "Over the network"
    assert "127.0.0.1" in window.top.network.toolTip()
    window.compose.prompt.setPlainText("made over there, 90 bpm")
    window.compose.form.length.set_value(5)
    qtbot.mouseClick(window.compose.bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: (
            window.view.track is not None and window.view.track.status is Status.COMPLETED and not window.maker.busy
        ),
        timeout=LONG,
    )
    track = window.view.track
    assert track is not None
    assert (track.engine, track.tempo, track.licence) == ("remote:fake", 90, "for tests")
    assert "Fake on 127.0.0.1" in window.view.header.facts.text
    assert far.studio.library.list() == []

    window.preferences.change(server="")
    assert "Fake on 127.0.0.1" not in entries(window)
    assert window.top.engine.text().startswith("Sketch")
    assert window.top.network.text() == "Offline"
    assert window.engines.title("remote:gone") == "Gone on another studio"


def test_a_server_that_is_gone_greys_its_engines_and_says_why(
    studio: Studio, far: fake_server.Server, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    studio.update_settings(server=far.address, server_token=TOKEN, engine="remote:fake")
    studio.ask_server()
    window = open_window(studio)
    assert entries(window)["Fake on 127.0.0.1"].isEnabled()
    with fake_server.make_studio(tmp_path / "gone") as other, fake_server.serving(other) as gone:
        window.preferences.change(server=gone.address, server_token="")
        qtbot.waitUntil(lambda: "Fake on 127.0.0.1" in entries(window))
    with qtbot.waitSignal(window.server.changed):
        window.server.ask()
    fake = entries(window)["Fake on 127.0.0.1"]
    assert not fake.isEnabled()
    assert "cannot be reached" in fake.toolTip()
    assert "cannot run here" in window.top.engine.text()


def test_what_the_environment_names_is_shown_and_not_to_be_written_over(
    studio: Studio, far: fake_server.Server, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv("NUR_STUDIO_SERVER", far.address)
    monkeypatch.setenv("NUR_STUDIO_SERVER_TOKEN", TOKEN)
    studio.update_settings(server="studio.local")
    window = open_window(studio)
    qtbot.waitUntil(lambda: "Fake on 127.0.0.1" in entries(window))
    server = settings(window).server
    assert (server.address.text(), server.address.isEnabled(), server.token.text()) == (far.address, False, "")
    server.tell()
    assert studio.settings.server == "studio.local"


def test_a_name_is_all_that_is_left_of_an_engine() -> None:
    assert [unlisted(name) for name in ("old", "remote:old")] == ["Old", "Old on another studio"]
