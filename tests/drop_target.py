"""A program that is not the studio: a window one can drop on, which writes down what it was given.

    python tests/drop_target.py REPORT X Y WIDTH HEIGHT

REPORT gets a line of JSON "ready", then one per drop: the URLs, the actions on offer, and each file's size and
SHA-256 at that very moment, so that a file still being written would show.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel


class DropTarget(QLabel):
    """Takes files as a DAW does, with the action the source proposes."""

    def __init__(self, report: Path) -> None:
        super().__init__("Drop here")
        self._report = report
        self.setAcceptDrops(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def write(self, entry: dict[str, object]) -> None:
        with self._report.open("a", encoding="utf-8") as report:
            report.write(json.dumps(entry) + "\n")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
        self.write(
            {
                "event": "drop",
                "formats": event.mimeData().formats(),
                "urls": [url.toString() for url in event.mimeData().urls()],
                "paths": [str(path) for path in paths],
                "proposed": event.proposedAction().name,
                "possible": event.possibleActions().value,
                "sizes": [path.stat().st_size if path.exists() else -1 for path in paths],
                "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "" for path in paths],
            }
        )
        event.acceptProposedAction()


def main() -> int:
    report, x, y, width, height = sys.argv[1:]
    app = QApplication(sys.argv[:1])
    target = DropTarget(Path(report))
    target.setGeometry(int(x), int(y), int(width), int(height))
    target.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    target.show()
    app.processEvents()
    target.write({"event": "ready"})
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
