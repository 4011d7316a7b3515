"""The window's composition root: makes everything once, shows the window, then warms what will be needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from nur_studio.audio.player import Player
from nur_studio.core.errors import StudioError
from nur_studio.core.logs import start_log
from nur_studio.core.paths import Directories
from nur_studio.gui.error_dialog import LastResort
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.signals import quit_on_signals
from nur_studio.gui.sweeper import Sweeper
from nur_studio.gui.theme import apply_theme
from nur_studio.studio import Studio

_SWITCH_S = 0.0005


def prepare_process() -> None:
    """Let the GUI thread have the interpreter quickly: its work comes in many short turns, and each of them waits for
    the lock as long as a worker thread may keep it (5 ms by default, a stalled window in sum)."""
    sys.setswitchinterval(_SWITCH_S)


def run_window(argv: Sequence[str] = ()) -> int:
    """Open the window and stay until it is closed; the exit code of the process."""
    prepare_process()
    directories = Directories.of_person()
    log_path = directories.log / "window.log"
    start_log(log_path)
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication([sys.argv[0] or "nur-studio", *argv])
    sweeper = Sweeper(app)
    app.setApplicationName("NUR Studio")
    app.setDesktopFileName("nur-studio")
    try:
        studio = Studio(directories)
    except StudioError as error:
        QMessageBox.critical(None, "NUR Studio", str(error))
        return 1
    apply_theme(app, studio.settings.theme if studio.settings.theme in ("dark", "light", "system") else "dark")
    windows: list[MainWindow] = []
    last_resort = LastResort(log_path, lambda: windows[0] if windows else None)
    last_resort.install()
    window = MainWindow(studio, Player(studio.settings.output_device), last_resort.tell)
    windows.append(window)

    def begin() -> None:
        window.begin()
        sweeper.spare_what_is_there()

    # Only once something is to be seen; a timer, so that the paint itself is over.
    window.painted.connect(lambda: QTimer.singleShot(0, window, begin))
    window.show()
    try:
        with quit_on_signals(app):
            return app.exec()
    finally:
        window.close()
        studio.close()
        windows.clear()
        shiboken6.delete(window)  # now and in order, rather than whenever the garbage is collected
