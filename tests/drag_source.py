"""The studio's real window on a screen, with one finished take in it, for a test to drag from with a real mouse.

    python tests/drag_source.py HOME PLACES

Once the take is on show, PLACES holds as JSON where to take hold of what (screen coordinates), and the take's folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fake_engine
from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from nur_studio.audio.masters import score_path
from nur_studio.audio.midi import write_midi
from nur_studio.audio.player import Player
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.theme import apply_theme
from nur_studio.studio import Studio

SIZE = (1100, 800)
SPAN = (0, 2 * 44100)  # what is marked; the middle is not
SHEET = NoteSheet("", 85.0, 4, 7.0, (NoteLine("Bass", "bass", 32, (PlayedNote(1.5, 1.0, 40, 0.5),)),))


def middle(widget: QWidget) -> tuple[int, int]:
    point = widget.mapToGlobal(widget.rect().center())
    return point.x(), point.y()


class Announcer(QObject):
    """Writes down where things are as soon as they are there."""

    def __init__(self, window: MainWindow, folder: Path, places: Path) -> None:
        super().__init__(window)
        self._window, self._folder, self._places = window, folder, places
        self._timer = QTimer(self, interval=100)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        lane, table = self._window.view.lanes.lanes["drums"], self._window.library.table
        row = table.visualRect(table.model().index(0, 2))
        mix = self._window.view.lanes.mix_lane
        if not (lane.handle.isEnabled() and mix.handle.notes_area.height() and row.isValid()):
            return
        if self._window.view.timeline.loop is None:
            self._window.view.timeline.set_loop(SPAN)
            return
        self._timer.stop()
        foot = mix.handle.mapToGlobal(mix.handle.notes_area.center().toPoint())
        in_row = table.viewport().mapToGlobal(QPoint(row.left() + 12, row.center().y()))
        found = {
            "lane": middle(lane.handle),
            "wave": middle(mix.wave),
            "region": middle(mix.grip),
            "notes": (foot.x(), foot.y()),
            "mix": middle(self._window.view.transport.drag_mix),
            "stems": middle(self._window.view.transport.drag_stems),
            "row": (in_row.x(), in_row.y()),
            "folder": str(self._folder),
        }
        written = self._places.with_suffix(".new")
        written.write_text(json.dumps(found), "utf-8")
        written.replace(self._places)


def raise_unforeseen(error: BaseException) -> None:
    raise error


def main() -> int:
    home, places = Path(sys.argv[1]), Path(sys.argv[2])
    app = QApplication(sys.argv[:1])
    apply_theme(app, "dark")
    with Studio(Directories.below(home), engines=lambda: (fake_engine.info(),)) as studio:
        request = GenerationRequest("Rainy night tape, 85 bpm", duration=5, seed=7, engine="fake")
        (track,) = studio.generate(request)
        write_midi(score_path(track.folder), SHEET)
        player = Player()
        window = MainWindow(studio, player, raise_unforeseen)
        window.setGeometry(0, 0, *SIZE)
        window.show()
        window.begin()
        window.stage.open(track.id)
        Announcer(window, track.folder, places)
        code = app.exec()
        player.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
