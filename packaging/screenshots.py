"""Takes the README's pictures: starts the real studio on a screen of its own, makes takes with it and photographs it.

    .venv/bin/python packaging/screenshots.py [FOLDER]

Needs Xvfb on Linux (`packaging/bootstrap.py test` installs it); elsewhere the window opens on the desktop.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from nur_studio.core.request import GenerationRequest
from nur_studio.gui.app import run_window
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.theme import apply_theme

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE, SMALL = (1440, 900), (1024, 640)
COLORS = 256

TAKES = (
    GenerationRequest("Slow waltz for strings and celesta in D minor", duration=45, seed=11),
    GenerationRequest("Driving techno, 132 bpm, acid bass, no vocals", duration=60, seed=5),
    GenerationRequest("Ambient pads with rain and distant bells", duration=90, seed=21),
    GenerationRequest("Drum and bass at 174 bpm with a deep reese", duration=40, seed=8),
    GenerationRequest("Epic cinematic rise with taiko, low strings and choir", duration=60, seed=3),
    GenerationRequest("Synthwave night drive, arpeggio and gated snare, 96 bpm", duration=30, seed=84),
    GenerationRequest(
        "Rainy night tape: lo-fi beat with warm Rhodes chords, soft bass and vinyl crackle, 82 bpm",
        duration=30,
        seed=82,
        takes=2,
    ),
)
LONG = GenerationRequest("Late night house with piano stabs and a rolling bass line, 122 bpm", duration=300, seed=9)


class Director:
    """Works the window as a person would, and takes the pictures."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self._app, self._folder = app, folder
        self.fault: BaseException | None = None

    def start(self) -> None:
        """Called by the event loop once the window is open."""
        windows = [widget for widget in self._app.topLevelWidgets() if isinstance(widget, MainWindow)]
        if not windows or not windows[0].isVisible():
            QTimer.singleShot(50, self.start)
            return
        window = windows[0]
        try:
            self.shoot(window)
        except Exception as error:
            self.fault = error
        window.close()

    def shoot(self, window: MainWindow) -> None:
        window.resize(*SIZE)
        for request in TAKES:
            self.generate(window, request)
        self.click(window.banner.close_button)
        for row in (2, 4):
            self.click(window.library.table.viewport(), self.cell(window, row, 0))
        wave = window.view.lanes.lanes["mix"].wave
        across, down = wave.width(), wave.height() // 2
        QTest.mousePress(wave.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(across * 39 // 100, down))
        for percent in (42, 50, 58):
            QTest.mouseMove(wave.viewport(), QPoint(across * percent // 100, down))
        QTest.mouseRelease(wave.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(across * 58 // 100, down))
        self.click(wave.viewport(), QPoint(across * 47 // 100, down))
        QTest.mouseMove(window, QPoint(5, 5))
        QTest.qWait(7000)  # until the last message is gone
        self.save(window, "window")
        apply_theme(self._app, "light")
        self.save(window, "light")
        apply_theme(self._app, "dark")
        heard: list[int] = []
        window.maker.grew.connect(lambda growth: heard.append(growth.frames))
        self.ask(window, LONG)
        self.until(lambda: bool(heard) and heard[-1] > 0.55 * LONG.duration * 44100, "half of the long take")
        self.save(window, "generating")
        self.click(window.compose.bar.button)  # it cancels now
        self.until(lambda: not window.maker.busy, "cancelled")
        window.models.open()
        QTest.qWait(12_000)  # until the forecast is there
        self.save(self.dialog(window), "models")
        self.dialog(window).accept()
        window.resize(*SMALL)
        QTest.qWait(500)
        QTest.mouseDClick(window.library.table.viewport(), Qt.MouseButton.LeftButton, pos=self.cell(window, 2, 2))
        QTest.qWait(7000)
        self.save(window, "small")

    def dialog(self, window: MainWindow) -> QDialog:
        dialog = window.models.dialog
        assert dialog is not None
        return dialog

    def cell(self, window: MainWindow, row: int, column: int) -> QPoint:
        table = window.library.table
        return table.visualRect(table.model().index(row, column)).center()

    def generate(self, window: MainWindow, request: GenerationRequest) -> None:
        self.ask(window, request)
        self.until(lambda: not window.maker.busy, request.prompt)

    def ask(self, window: MainWindow, request: GenerationRequest) -> None:
        window.compose.set_request(request)
        QTest.qWait(200)
        self.click(window.compose.bar.button)  # keys need an active window, and here no window manager makes one
        self.until(lambda: window.maker.busy, "accepted")

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())

    def until(self, what: Callable[[], bool], name: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:g} s for: {name}")
            QTest.qWait(50)

    def save(self, widget: QWidget, name: str) -> None:
        QTest.qWait(600)
        path = self._folder / f"{name}.png"
        if not with_few_colors(widget.grab().toImage()).save(str(path), quality=0):  # 0: smallest
            raise OSError(f"{path} cannot be written")
        print(f"{path}  {path.stat().st_size / 1000:.0f} KB")


def with_few_colors(image: QImage) -> QImage:
    """The picture in at most 256 colours, picked by median cut: a third of the size, and the eye sees no difference."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    width, height = image.width(), image.height()
    rgb = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine() // 4, 4)[:, :width, 2::-1]
    colors, where, counts = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    boxes = [np.arange(len(colors))]
    while len(boxes) < COLORS:
        weights = [np.ptp(colors[box], axis=0).max() * np.sqrt(counts[box].sum()) for box in boxes]
        box = boxes.pop(int(np.argmax(weights)))
        if len(box) == 1:
            boxes.append(box)
            break
        channel = int(np.argmax(np.ptp(colors[box], axis=0)))
        box = box[np.argsort(colors[box, channel], kind="stable")]
        half = np.searchsorted(np.cumsum(counts[box]), counts[box].sum() / 2)
        cut = int(np.clip(half, 1, len(box) - 1))
        boxes += [box[:cut], box[cut:]]
    palette = [np.average(colors[box], axis=0, weights=counts[box]).round().astype(int) for box in boxes]
    index = np.empty(len(colors), np.uint8)
    for number, box in enumerate(boxes):
        index[box] = number
    pixels = np.zeros((height, (width + 3) // 4 * 4), np.uint8)  # lines end on four bytes
    pixels[:, :width] = index[where.ravel()].reshape(height, width)
    small = QImage(pixels.data, width, height, pixels.shape[1], QImage.Format.Format_Indexed8)
    small.setColorTable([0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for r, g, b in palette])
    return small.copy()


def on_own_screen(arguments: Sequence[str]) -> int:
    """Run this script again inside a private X server, with silence for a sound card and an empty library."""
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, NUR_STUDIO_HOME=home, QT_SCALE_FACTOR="1")
        command = [sys.executable, str(Path(__file__).resolve()), "--here", *arguments]
        if not sys.platform.startswith("linux"):
            return subprocess.call(command, env=environment)
        silence = Path(home) / "asound.conf"
        silence.write_text('pcm.!default { type null hint { show on description "Silence" } }\n')
        listening, telling = os.pipe()
        screen = ["Xvfb", "-displayfd", str(telling), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"]
        server = subprocess.Popen(screen, pass_fds=[telling], stderr=subprocess.DEVNULL)
        os.close(telling)
        try:
            with os.fdopen(listening) as number:
                environment["DISPLAY"] = f":{int(number.readline())}"
            environment |= {"QT_QPA_PLATFORM": "xcb", "ALSA_CONFIG_PATH": str(silence)}
            return subprocess.call(command, env=environment)
        finally:
            server.terminate()
            server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=PICTURES, help="where the pictures go")
    parser.add_argument("--here", action="store_true", help="on this screen and in this person's library")
    options = parser.parse_args()
    if not options.here:
        return on_own_screen([str(options.folder)])
    options.folder.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    director = Director(app, options.folder)
    QTimer.singleShot(0, director.start)
    code = run_window()
    if director.fault is not None:
        print(f"screenshots: {type(director.fault).__name__}: {director.fault}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
