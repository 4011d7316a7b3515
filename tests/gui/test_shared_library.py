"""One library, two programs: what a script does is in the open window at once, and the other way round."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import fake_script
import fake_server
import pytest
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import STEMS
from nur_studio.core.request import GenerationRequest
from nur_studio.gui import shelf
from nur_studio.gui.jobs import Job
from nur_studio.gui.main_window import MainWindow

LONG = 30_000


class Script:
    """`fake_script`, run by a person while the window is open."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, fake_script.__file__, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, command: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(30) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()


def test_a_script_and_the_window_see_each_others_takes_at_once(
    tmp_path: Path, open_window: Callable[..., MainWindow], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_POLL_MS", 50)
    with closing(Script(tmp_path)) as script, fake_server.make_studio(tmp_path) as studio:
        window = open_window(studio)
        rows = window.library.model

        made = script("make")
        qtbot.waitUntil(lambda: [track.id for track in rows.tracks] == [made], timeout=LONG)
        window.stage.open(made)
        qtbot.waitUntil(lambda: window.playback.loaded == made)
        assert window.view.lanes.stems == ()

        script(f"rename {made} Another name")
        script(f"star {made}")
        qtbot.waitUntil(lambda: [(t.title, t.starred) for t in rows.tracks] == [("Another name", True)])
        qtbot.waitUntil(lambda: window.stage.track is not None and window.stage.track.starred)
        assert window.view.header.title.label.whole_text == "Another name"

        script(f"separate {made}")
        qtbot.waitUntil(lambda: window.view.lanes.stems == STEMS)
        assert window.playback.loaded == made

        script(f"delete {made}")
        qtbot.waitUntil(lambda: window.stage.track is None)
        assert rows.tracks == []
        assert window.playback.loaded == ""
        assert window.toast.text == "“Another name” was deleted by another program."
        window.toast.button.click()
        qtbot.waitUntil(lambda: [track.id for track in rows.tracks] == [made])

        window.maker.ask(GenerationRequest("made in the window", 5))
        qtbot.waitUntil(lambda: window.stage.track is not None and not window.maker.busy, timeout=LONG)
        shown = window.stage.track
        assert shown is not None
        assert script("list").split() == [shown.id, made]
        window.shelf.delete([shown.id])
        qtbot.waitUntil(lambda: window.stage.track is None)
        assert script("list").split() == [made]
        assert window.toast.text == "“Made in the window” is deleted.", "by this window, not by another program"
        window.close()  # before its library


def test_what_is_read_of_a_take_just_deleted_is_no_fault(
    tmp_path: Path, open_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    with fake_server.make_studio(tmp_path) as studio:
        (track,) = studio.generate(GenerationRequest("soon gone", 5))
        window = open_window(studio)
        window.stage.open(track.id)
        qtbot.waitUntil(lambda: window.playback.loaded == track.id)
        told: list[object] = []
        window.stage.failed.connect(told.append)
        window.dragging.failed.connect(told.append)
        window.shelf.delete([track.id])
        window.stage.opened.emit(track)  # its notes are looked for after the deletion too
        window.stage.open(track.id)  # as what is heard of the take on show does: its read comes after the deletion
        after = Job(lambda _progress, _cancel: None)
        with qtbot.waitSignal(after.finished):
            window.reading.submit(after)
        qtbot.waitUntil(lambda: window.stage.track is None)
        qtbot.waitUntil(lambda: window.toast.text == "“Soon gone” is deleted.")
        assert told == []
        window.close()
