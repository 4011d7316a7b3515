"""Takes handed to other programs: the files are whole on disk before a drag starts, and only copies leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QMimeData, QObject, QPoint, QRect, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QColor, QDrag, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.theme import scaled_font, tokens
from nur_studio.studio.parts import MIX_PART, PARTS


@dataclass(frozen=True, slots=True)
class Held:
    """What of a take is taken hold of: parts as `Studio.drag_files` names them; all of them, or a `span` of frames."""

    parts: tuple[str, ...] = (MIX_PART,)
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """That of these takes, in one drag."""

    takes: tuple[str, ...]
    held: Held


class DragFiles(Protocol):
    """The part of the studio that makes files for other programs."""

    def drag_files(
        self, track_id: str, parts: Sequence[str], encoding: Encoding, on_progress: OnProgress, cancel: Cancel
    ) -> list[Path]: ...

    def drag_clip(
        self,
        track_id: str,
        start_frame: int,
        end_frame: int,
        parts: Sequence[str],
        encoding: Encoding,
        on_progress: OnProgress,
        cancel: Cancel,
    ) -> list[Path]: ...

    def ready_drag_files(
        self, track_id: str, parts: Sequence[str], encoding: Encoding, span: tuple[int, int] | None
    ) -> list[Path] | None: ...


_TAKES = "application/x-nur-studio-takes"


def mime_data(paths: Sequence[Path], wanted: Wanted | None = None) -> QMimeData:
    """File URLs, as file managers and DAWs take them; which takes they are of, for this window itself."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if wanted is not None:
        parts = wanted.held.parts
        part = parts[0] if len(parts) == 1 and parts[0] in PARTS else MIX_PART
        data.setData(_TAKES, f"{part} {' '.join(wanted.takes)}".encode())
    return data


def dragged_takes(data: QMimeData) -> tuple[str, list[str]]:
    """The part, "mix" or a stem, and the ids of the takes that are dragged from this window."""
    part, *takes = bytes(data.data(_TAKES).data()).decode("ascii", "ignore").split() or ["mix"]
    return part, takes


class DragOut(QObject):
    """Prepares files when a drag is in the air and starts it once they are whole."""

    failed = Signal(object)
    progressed = Signal(object, object)  # Wanted, how far its files are: 0 to 1, None when nothing is written for it
    waiting = Signal()  # a drag was asked for and its files are still being written
    ready = Signal()  # they are there now, but the button was let go meanwhile

    def __init__(self, source: QWidget, studio: DragFiles, queue: JobQueue) -> None:
        super().__init__(source)
        self._source, self._studio, self._queue = source, studio, queue
        self._encoding = Encoding()
        self._preparing: dict[Wanted, Job] = {}
        self._dragging: Wanted | None = None

    def set_encoding(self, encoding: Encoding) -> None:
        self._encoding = encoding

    @Slot(object)
    def prepare(self, wanted: Wanted) -> None:
        """The pointer is on a handle: write the files now, beside the window, unless they are there."""
        if wanted in self._preparing or self._paths(wanted) is not None:
            return
        takes, held, encoding = wanted.takes, wanted.held, self._encoding

        def work(on_progress: OnProgress, cancel: Cancel) -> Wanted:
            for index, track_id in enumerate(takes):
                share = ranged(on_progress, index / len(takes), (index + 1) / len(takes))
                if held.span is None:
                    self._studio.drag_files(track_id, held.parts, encoding, share, cancel)
                else:
                    self._studio.drag_clip(track_id, *held.span, held.parts, encoding, share, cancel)
            return wanted

        job = Job(work, self)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(self._on_prepared)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self._preparing[wanted] = job
        self._queue.submit(job)

    @Slot(object)
    def start(self, wanted: Wanted) -> None:
        """The pointer moved on with the button held: drag, at once or as soon as the files are whole."""
        paths = self._paths(wanted)
        if paths is None:
            self._dragging = wanted
            self.waiting.emit()
            for other, job in tuple(self._preparing.items()):
                if other != wanted:  # the pointer only came by there, and a hand waits here
                    self._queue.remove(job)
            self.prepare(wanted)
        else:
            self._dragging = None
            self._drag(paths, wanted)

    def _paths(self, wanted: Wanted) -> list[Path] | None:
        found: list[Path] = []
        for track_id in wanted.takes:
            paths = self._studio.ready_drag_files(track_id, wanted.held.parts, self._encoding, wanted.held.span)
            if paths is None:
                return None
            found += paths
        return found

    def _drag(self, paths: Sequence[Path], wanted: Wanted) -> None:
        drag = QDrag(self._source)
        drag.setMimeData(mime_data(paths, wanted))
        drag.setPixmap(_badge(paths, self._source.devicePixelRatioF()))
        drag.setHotSpot(QPoint(-12, -8))
        drag.exec(Qt.DropAction.CopyAction)

    def _wanted_of(self, job: QObject | None) -> Wanted | None:
        return next((wanted for wanted, other in self._preparing.items() if other is job), None)

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        if (wanted := self._wanted_of(self.sender())) is not None:
            self.progressed.emit(wanted, progress.fraction)

    @Slot(object)
    def _on_prepared(self, wanted: Wanted) -> None:
        self._preparing.pop(wanted, None)
        self.progressed.emit(wanted, None)
        if self._dragging != wanted:
            return
        self._dragging = None
        paths = self._paths(wanted)
        if paths is not None and QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._drag(paths, wanted)
        else:
            self.ready.emit()

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        wanted = self._wanted_of(self.sender())
        asked = wanted is not None and wanted == self._dragging
        self._on_cancelled()
        # Nobody who only clicked has to hear of files: the drag itself fails again, and then it is told.
        if asked or not isinstance(error, StudioError):
            self._dragging = None
            self.failed.emit(error)

    @Slot()
    def _on_cancelled(self) -> None:
        if (wanted := self._wanted_of(self.sender())) is not None:
            del self._preparing[wanted]
            self.progressed.emit(wanted, None)


def _badge(paths: Sequence[Path], dpr: float) -> QPixmap:
    """What hangs at the pointer: the file's name, or how many there are."""
    text = paths[0].name if len(paths) == 1 else QApplication.translate("DragOut", "{n} files").format(n=len(paths))
    font = scaled_font(12)
    probe = QPixmap(1, 1)
    painter = QPainter(probe)
    painter.setFont(font)
    text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 320)
    width = painter.fontMetrics().horizontalAdvance(text) + 24
    painter.end()
    badge = QPixmap(round(width * dpr), round(28 * dpr))
    badge.setDevicePixelRatio(dpr)
    badge.fill(Qt.GlobalColor.transparent)
    painter = QPainter(badge)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    painter.setBrush(QColor(tokens().raised))
    painter.setPen(QPen(QColor(tokens().accent)))
    painter.drawRoundedRect(QRect(0, 0, width - 1, 27), 7, 7)
    painter.setPen(QColor(tokens().text))
    painter.drawText(QRect(12, 0, width - 24, 28), Qt.AlignmentFlag.AlignVCenter, text)
    painter.end()
    return badge
