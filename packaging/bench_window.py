"""Measure how long the window's event loop stands still while work goes on beside it.

    .venv/bin/python packaging/bench_window.py

Drives the real window (on the display, else offscreen) in a home of its own through making, opening, zooming,
exporting and playing takes of 30 s and 300 s. A timer of 1 ms in the GUI thread notes every gap: `gap` is time on the
clock (other processes stretch it), `computing` is the GUI thread's own processor time at a stretch.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QApplication

from nur_studio.audio.files import Encoding
from nur_studio.audio.player import Player
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status
from nur_studio.gui.app import prepare_process
from nur_studio.gui.jobs import Job
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.theme import apply_theme
from nur_studio.studio import Studio

PROMPT = "lo-fi beat with Rhodes, upright bass, vinyl crackle, 82 bpm"


class Watchdog:
    """The gaps between two rounds of the event loop, and the processor time the GUI thread took in each."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.busy: list[float] = []
        self._last, self._cpu = time.perf_counter(), time.thread_time()
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    def _on_tick(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self._last)
        self.busy.append(cpu - self._cpu)
        self._last, self._cpu = now, cpu

    def lap(self, name: str, seconds: float) -> None:
        over = sum(gap > 0.05 for gap in self.gaps)
        print(
            f"{name:28} {seconds:7.2f} s   gap {max(self.gaps) * 1e3:5.0f} ms ({over} over 50)"
            f"   computing {max(self.busy) * 1e3:4.0f} ms",
            flush=True,
        )
        self.gaps, self.busy = [], []


def main() -> None:
    prepare_process()
    app = QApplication(sys.argv[:1])
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        studio = Studio(Directories.below(Path(home)))
        window = MainWindow(studio, Player(), lambda error: print("unforeseen:", error, file=sys.stderr))
        window.show()
        wait(0.5)
        window.begin()
        dog = Watchdog()
        try:
            measure(window, studio, dog)
        finally:
            window.close()
            studio.close()
            window.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def measure(window: MainWindow, studio: Studio, dog: Watchdog) -> None:
    def lap(name: str, begin: Callable[[], object], over: Callable[[], bool]) -> None:
        dog.gaps, dog.busy = [], []
        started = time.perf_counter()
        begin()
        until(over)
        took = time.perf_counter() - started
        wait(0.3)
        dog.lap(name, took)

    def made(count: int) -> bool:
        done = [t for t in studio.library.list() if t.status is Status.COMPLETED]
        return len(done) >= count and window.stage.track is not None and window.stage.track.id == done[0].id

    def generate(seconds: int) -> Callable[[], object]:
        return lambda: window.maker.ask(GenerationRequest(PROMPT, duration=seconds, seed=7))

    lap("idle", lambda: None, after(2.0))
    lap("make 30 s, engine cold", generate(30), lambda: made(1))
    lap("make 30 s, engine warm", generate(30), lambda: made(2))
    lap("make 300 s", generate(300), lambda: made(3))
    long, short = [t.id for t in studio.library.list()][:2]
    opened: list[object] = []
    window.stage.opened.connect(opened.append)

    def open_take(name: str, track_id: str) -> None:
        count = len(opened)
        lap(name, lambda: window.library.opened.emit(track_id), lambda: len(opened) > count)

    def write(ending: str) -> None:
        done: list[object] = []
        job = Job(lambda on_progress, cancel: studio.drag_files(long, STEMS, Encoding(ending), on_progress, cancel))
        job.finished.connect(done.append)
        lap(f"300 s of 4 stems to {ending}", lambda: window.writing.submit(job), lambda: bool(done))

    open_take("open 30 s", short)
    open_take("open 300 s", long)
    write("wav")
    write("mp3")
    lap("play", window.view.play_requested.emit, after(2.0))
    lap("type a prompt", lambda: window.compose.prompt.setPlainText(PROMPT * 3), after(1.0))


def after(seconds: float) -> Callable[[], bool]:
    start: list[float] = []

    def over() -> bool:
        start.append(time.perf_counter())
        return start[-1] - start[0] >= seconds

    return over


def until(over: Callable[[], bool], at_most_s: float = 300.0) -> None:
    deadline = time.perf_counter() + at_most_s
    while not over():
        if time.perf_counter() > deadline:
            raise SystemExit("this took too long")
        wait(0.02)


def wait(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QCoreApplication.processEvents()
        time.sleep(0.0005)


if __name__ == "__main__":
    main()
