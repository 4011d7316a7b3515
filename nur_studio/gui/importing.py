"""Audio files from elsewhere: chosen in a dialog, or dropped anywhere on the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QStandardPaths, Qt, Slot
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.track import Track
from nur_studio.gui.arrivals import Arrival, Arrivals
from nur_studio.gui.drag import dragged_takes
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.reference_field import AUDIO_FILES
from nur_studio.studio import Studio

_WITH_FFMPEG = (".m4a", ".aac", ".mp4", ".wma", ".wv", ".ape", ".mka", ".webm")


def dropped_files(data: QMimeData) -> list[Path]:
    """The files that are dragged from another program. Whether they are audio their content decides, not their name."""
    if dragged_takes(data)[1]:
        return []
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class ImportDesk(QObject):
    """What falls on the window and no part of it wants goes into the library."""

    def __init__(self, studio: Studio, panel: LibraryPanel, arrivals: Arrivals, window: QWidget) -> None:
        super().__init__(window)
        self._studio, self._strip, self._arrivals, self._window = studio, panel.strip, arrivals, window
        self._folder = ""
        panel.import_requested.connect(self.ask)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    @Slot()
    def ask(self) -> None:
        """Let the person choose files."""
        patterns = " ".join(f"*{ending}" for ending in (*AUDIO_FILES, *_WITH_FFMPEG))
        start = self._folder or QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MusicLocation)
        kinds = ";;".join((self.tr("Audio ({patterns})").format(patterns=patterns), self.tr("All files (*)")))
        names, _ = QFileDialog.getOpenFileNames(self._window, self.tr("Import audio"), start, kinds)
        if names:
            self._folder = str(Path(names[0]).parent)
            self.take([Path(name) for name in names])

    def take(self, paths: Sequence[Path]) -> None:
        """Take these in, one after the other."""
        for path in paths:
            doing = self.tr("Importing “{name}”").format(name=path.name)
            self._arrivals.add(Arrival(doing, self.tr("“{title}” is imported."), path.name, self._importer(path)))

    def _importer(self, path: Path) -> Callable[[OnProgress, Cancel], Track]:
        def work(on_progress: OnProgress, cancel: Cancel) -> Track:
            return self._studio.import_audio(path, on_progress, cancel)

        return work

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._window and isinstance(event, QDropEvent):  # and what comes before it, which Qt derives
            paths = dropped_files(event.mimeData())
            if not paths:
                return False
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._strip.invite(kind != QEvent.Type.Drop)
            if kind == QEvent.Type.Drop:
                self.take(paths)
            return True
        if kind == QEvent.Type.DragLeave and watched is self._window:
            self._strip.invite(False)
        return super().eventFilter(watched, event)
