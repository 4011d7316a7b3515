"""The window's process: what it imports, how it starts, how it meets what nobody foresaw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from nur_studio.core.errors import Cancelled
from nur_studio.core.paths import Directories
from nur_studio.gui.error_dialog import ErrorDialog, LastResort
from nur_studio.studio import Studio

HEAVY = ("torch", "scipy", "transformers", "audiocraft", "pyloudnorm", "soxr", "sounddevice")

WHOLE_RUN = """
import json, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from nur_studio.gui import app as app_module
from nur_studio.gui.main_window import MainWindow

seen = {}

class Watched(MainWindow):
    def __init__(self, *args):
        super().__init__(*args)
        self.painted.connect(lambda: QTimer.singleShot(50, self.go))

    def go(self):
        self.compose.prompt.setPlainText("lo-fi with rain, 85 bpm")
        self.compose.form.length.set_value(5)
        self.stage.opened.connect(self.on_opened)
        self.compose.generate()

    def on_opened(self, track):
        seen["status"] = str(track.status)
        self.close()

if __name__ == "__main__":
    app_module.MainWindow = Watched
    code = app_module.run_window([])
    seen["code"] = code
    seen["modules"] = [name for name in sys.modules if "." not in name]
    print(json.dumps(seen))
"""


def test_a_whole_generation_imports_nothing_heavy_into_the_windows_process(tmp_path: Path) -> None:
    script = tmp_path / "whole_run.py"
    script.write_text(WHOLE_RUN)
    environment = os.environ | {"NUR_STUDIO_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["code"] == 0
    assert seen["status"] == "completed"
    assert [name for name in HEAVY if name in seen["modules"]] == []


ASKED_TO_END = """
import os, signal, sys, threading, time
from nur_studio.gui import app as app_module
from nur_studio.gui.main_window import MainWindow

class Watched(MainWindow):
    def begin(self):
        super().begin()
        self.compose.prompt.setPlainText("lo-fi with rain, 85 bpm")
        self.compose.form.length.set_value(300)
        self.maker.started.connect(self.on_started)
        self.compose.generate()

    def on_started(self, track):
        for timer in (self.playback._timer, self.playback._look, self.shelf._timer):
            timer.stop()  # a window at rest: no Python code runs by itself
        threading.Thread(target=self.later, daemon=True).start()

    def later(self):
        time.sleep(0.5)
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))

if __name__ == "__main__":
    app_module.MainWindow = Watched
    sys.exit(app_module.run_window([]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_asked_to_end_by_the_system_the_window_closes_tidily(tmp_path: Path, name: str) -> None:
    script = tmp_path / "asked.py"
    script.write_text(ASKED_TO_END)
    environment = os.environ | {"NUR_STUDIO_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, str(script), name], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    with Studio(Directories.below(tmp_path / "home")) as studio:
        assert studio.library.list() == [], "what was being made left nothing"
    assert list((tmp_path / "home" / "data" / "library" / "staging").iterdir()) == []


@pytest.fixture
def last_resort(tmp_path: Path, themed: object, monkeypatch: pytest.MonkeyPatch) -> LastResort:
    return LastResort(tmp_path / "window.log", lambda: None)


def dialogs() -> list[ErrorDialog]:
    return [w for w in QGuiApplication.instance().topLevelWidgets() if isinstance(w, ErrorDialog) and w.isVisible()]  # type: ignore[union-attr]


def fail(number: int) -> None:
    raise ValueError(f"unforeseen {number}")


def test_what_nobody_foresaw_is_told_once_with_details(last_resort: LastResort, qtbot: QtBot) -> None:
    for number in range(50):
        try:
            fail(number)
        except ValueError as error:
            last_resort.tell(error)
    qtbot.waitUntil(lambda: len(dialogs()) == 1)
    qtbot.wait(50)
    (dialog,) = dialogs()
    assert "unforeseen 0" in dialog.details.toPlainText()
    assert "NUR Studio" in dialog.details.toPlainText()
    dialog._on_copy()
    assert QGuiApplication.clipboard().text() == dialog.details.toPlainText()
    dialog.accept()
    try:
        fail(51)
    except ValueError as error:
        last_resort.tell(error)
    qtbot.wait(50)
    assert dialogs() == [], "the same place does not ask for attention again and again"


def test_an_error_of_a_thread_reaches_the_window_and_cancelled_does_not(last_resort: LastResort, qtbot: QtBot) -> None:
    last_resort.tell(Cancelled())

    def run() -> None:
        last_resort.tell(KeyError("from a thread"))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(dialogs()) == 1)
    assert "from a thread" in dialogs()[0].details.toPlainText()
    dialogs()[0].accept()
