"""Measure how long the window takes from the start of its process to the first paint, and until it answers.

    python packaging/bench_startup.py [RUNS]

Prints milliseconds per run, in a home of its own. Needs a display, or QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

CHILD = """
import sys, time
from PySide6.QtCore import QTimer
from nur_studio.gui import app
from nur_studio.gui.main_window import MainWindow

class Measured(MainWindow):
    def __init__(self, *args):
        super().__init__(*args)
        self.painted.connect(self.on_painted)
        self.shelf.refreshed.connect(self.on_interactive)

    def on_painted(self):
        print("painted", time.time(), flush=True)

    def on_interactive(self):
        print("interactive", time.time(), flush=True)
        QTimer.singleShot(0, self.close)

if __name__ == "__main__":
    app.MainWindow = Measured
    sys.exit(app.run_window([]))
"""


def measure(home: str) -> dict[str, float]:
    """Milliseconds from the start of one process to its marks."""
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=os.environ | {"NUR_STUDIO_HOME": home},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    marks = (line.split() for line in done.stdout.splitlines())
    found: dict[str, float] = {}
    for name, when in marks:
        found.setdefault(name, (float(when) - start) * 1000)
    return found


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as home:
        measure(home)  # the first one compiles and warms the disk
        results = [measure(home) for _ in range(runs)]
    for name in ("painted", "interactive"):
        values = [result[name] for result in results]
        listed = ", ".join(f"{value:.0f}" for value in values)
        print(f"{name}: median {statistics.median(values):.0f} ms ({listed})")


if __name__ == "__main__":
    main()
