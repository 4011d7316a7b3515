"""Keyboard shortcuts: the window's own, and the sheet that tells all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)


def sheet() -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections of (keys, what they do)."""
    return [
        (
            _tr("COMPOSE"),
            [
                ("Ctrl+L", _tr("Write the prompt")),
                ("Ctrl+Return", _tr("Generate; while one is made: queue another")),
                ("Ctrl+.", _tr("Cancel what is being made")),
                ("Ctrl+K", _tr("End it here and keep what is made")),
            ],
        ),
        (
            _tr("TRACK"),
            [
                ("Space", _tr("Play and pause")),
                ("L", _tr("Loop on and off; Shift+L: hear it as it is exported")),
                ("K", _tr("Metronome; Shift+K: count a bar in")),
                ("N", _tr("Snap to the grid; Alt or Shift+click: off it")),
                ("Home", _tr("To the start; End: to the end")),
                ("Left", _tr("A beat back; Right: on; with Shift a bar")),
                ("Esc", _tr("Stop")),
                ("+", _tr("Zoom in; −: out; Ctrl+0: all of it")),
                ("E", _tr("Extend: go on from it; I: how it was made")),
                ("T", _tr("Take it apart into stems")),
                ("Ctrl+E", _tr("Export; Shift+F10: a lane's menu; Ctrl and drag: the lane as a file")),
            ],
        ),
        (
            _tr("MIXER"),
            [
                ("1", _tr("Pick a lane, up to 9")),
                ("M", _tr("Mute the lane; S: solo; Shift+S or Ctrl+click: only it")),
                ("Up", _tr("The lane louder; Down: softer; with Shift finer")),
                ("U", _tr("Nothing muted or soloed; Alt+click: of M, or of S")),
                ("C", _tr("Clear the clip lights")),
            ],
        ),
        (
            _tr("WINDOW"),
            [
                ("Ctrl+Z", _tr("Undo at the mixer and in the library; Ctrl+Y: redo")),
                ("Ctrl+,", _tr("Settings")),
                ("Ctrl+Shift+M", _tr("Models")),
                ("F1", _tr("This sheet")),
                ("Ctrl+Q", _tr("Quit")),
            ],
        ),
        (
            _tr("LIBRARY"),
            [
                ("Ctrl+F", _tr("Search")),
                ("Ctrl+I", _tr("Import audio files")),
                ("Return", _tr("Open the take; drag it: its mix as a file, with Shift its stems")),
                ("F2", _tr("Rename it")),
                ("S", _tr("Star it")),
                ("Del", _tr("Delete it")),
            ],
        ),
    ]


def add_shortcuts(window: QWidget, acts: Mapping[str, Callable[[], object]]) -> None:
    """Keys, and what they do wherever one is in `window`."""
    for keys, act in acts.items():
        action = QAction(window)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(act)
        window.addAction(action)


class ShortcutSheet(QDialog):
    """All shortcuts at a glance, two columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns = QHBoxLayout()
        columns.setSpacing(40)
        sections = sheet()
        for part in (sections[0::2], sections[1::2]):
            grid = QGridLayout()
            grid.setHorizontalSpacing(16)
            grid.setVerticalSpacing(8)
            for title, lines in part:
                head = QLabel(title)
                head.setProperty("role", "section")
                head.setContentsMargins(0, 8 if grid.count() else 0, 0, 0)
                grid.addWidget(head, grid.rowCount(), 0, 1, 2)
                for keys, text in lines:
                    row = grid.rowCount()
                    key = QLabel(QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText))
                    key.setProperty("role", "badge")
                    grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignLeft)
                    grid.addWidget(QLabel(text), row, 1)
            grid.setRowStretch(grid.rowCount(), 1)
            grid.setColumnStretch(1, 1)
            columns.addLayout(grid)
        close = QPushButton(self.tr("Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(20)
        column.addLayout(columns)
        column.addLayout(foot)
