"""Keeps the library panel true to the library: reads pages beside the window, follows every process's changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nur_studio.core.track import Track
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.library_model import PAGE
from nur_studio.gui.library_panel import LibraryPanel, Query
from nur_studio.library.library import Library

T = TypeVar("T")

_POLL_MS = 1000
_MOST_REREAD = 1000  # a change re-reads the rows on show, at most so many


@dataclass(frozen=True, slots=True)
class _Page:
    query: Query
    offset: int
    tracks: Sequence[Track]
    more: bool
    total: int
    genres: Sequence[str]
    engines: Sequence[str]
    changes: int


class Shelf(QObject):
    """Between the panel and the library; every access to the library is a job on `queue`."""

    failed = Signal(object)  # an error of the library
    deleted = Signal(object)  # tracks that were deleted: offer an undo
    changed = Signal(object)  # a Track the person changed here
    refreshed = Signal()

    def __init__(self, panel: LibraryPanel, library: Library, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panel, self._library, self._queue = panel, library, queue
        self._seen = -1
        self._reading = False
        self._again = False
        self._select = ""
        panel.query_changed.connect(self._on_query)
        panel.model.page_wanted.connect(self._on_page_wanted)
        panel.renamed.connect(self.rename)
        panel.star_toggled.connect(self.star)
        panel.deleted.connect(self.delete)
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._on_poll)

    def start(self) -> None:
        """Read for the first time, then follow."""
        self.refresh()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def refresh(self) -> None:
        """Read what is on show again. Asked for while a reading is on its way, it follows on that one."""
        if self._reading:
            self._again = True
            return
        self._reading = True
        query, shown = self._panel.query(), len(self._panel.model.tracks)
        self._submit(self._reader(query, 0, min(_MOST_REREAD, max(PAGE, shown))), self._on_read)

    def select(self, track_id: str) -> None:
        """Select a row, after the next refresh where it is not there yet."""
        if self._panel.model.row_of(track_id) is not None:
            self._panel.select(track_id)
        else:
            self._select = track_id
            self.refresh()

    def rename(self, track_id: str, title: str) -> None:
        self._submit(lambda: self._library.rename(track_id, title), self._on_changed)

    def star(self, track_id: str, on: bool) -> None:
        self._submit(lambda: self._library.star(track_id, on), self._on_changed)

    def delete(self, ids: Sequence[str]) -> None:
        def work() -> list[Track]:
            tracks = [self._library.get(track_id) for track_id in ids]
            for track in tracks:
                self._library.delete(track.id)
            return tracks

        self._submit(work, self._on_deleted)

    def restore(self, ids: Sequence[str]) -> None:
        self._submit(lambda: [self._library.restore(track_id) for track_id in ids], self._on_restored)

    # -- within --------------------------------------------------------------------------------------------------

    def _reader(self, query: Query, offset: int, limit: int) -> Callable[[], _Page]:
        def read() -> _Page:
            changes = self._library.change_count()  # before the reading: what changes meanwhile is read again
            found = self._library.list(
                query.text,
                starred=query.starred,
                genre=query.genre,
                engine=query.engine,
                limit=limit + 1,
                offset=offset,
            )
            return _Page(
                query,
                offset,
                found[:limit],
                len(found) > limit,
                self._library.count(),
                self._library.genres(),
                self._library.engines(),
                changes,
            )

        return read

    def _submit(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(then)
        job.failed.connect(self._on_failed)
        self._queue.submit(job)

    @Slot(object)
    def _on_query(self, _: object) -> None:
        self.refresh()

    @Slot(int)
    def _on_page_wanted(self, offset: int) -> None:
        self._submit(self._reader(self._panel.query(), offset, PAGE), self._on_page)

    @Slot(object)
    def _on_read(self, page: _Page) -> None:
        self._reading = False
        self._seen = page.changes
        if page.query == self._panel.query():
            self._panel.model.show(page.tracks, more=page.more)
            self._panel.show_filters(page.genres, page.engines)
            self._panel.show_counts(len(page.tracks), page.more, page.total)
            if self._select and self._panel.model.row_of(self._select) is not None:
                self._panel.select(self._select)
                self._select = ""
            self.refreshed.emit()
        else:
            self._again = True
        if self._again:
            self._again = False
            self.refresh()

    @Slot(object)
    def _on_page(self, page: _Page) -> None:
        if page.query == self._panel.query():
            self._panel.model.append(page.tracks, page.offset, more=page.more)
            self._panel.show_counts(len(self._panel.model.tracks), page.more, page.total)

    @Slot(object)
    def _on_changed(self, track: Track) -> None:
        self._panel.model.replace(track)
        self.changed.emit(track)
        self.refresh()

    @Slot(object)
    def _on_deleted(self, tracks: list[Track]) -> None:
        self.refresh()
        self.deleted.emit(tracks)

    @Slot(object)
    def _on_restored(self, tracks: list[Track]) -> None:
        if tracks:
            self.select(tracks[0].id)
        self.refresh()

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._reading = False
        self.failed.emit(error)

    @Slot()
    def _on_poll(self) -> None:
        if not self._reading and self._library.change_count() != self._seen:
            self.refresh()
