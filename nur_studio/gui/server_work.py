"""Keeps what is known of the other studio on the network up to date, beside the window."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nur_studio.core.errors import StudioError
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.preferences import Preferences
from nur_studio.studio import Studio

_AGAIN_MS = 30_000


class ServerWork(QObject):
    """Asks the server of the settings at the start, when it is another, now and then, and when somebody tests it. A
    server that swallows what it is sent holds nothing up: it is asked on a thread of its own.
    """

    changed = Signal()  # its engines are others, or can run, or cannot any more
    failed = Signal(object)  # an error that is no sentence for people

    def __init__(self, studio: Studio, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._preferences = studio, preferences
        self._queue = JobQueue(self, "server")
        self._again = QTimer(self, interval=_AGAIN_MS)
        self._again.timeout.connect(self.ask)
        preferences.changed.connect(self._on_preferences)
        preferences.server_test_requested.connect(self._on_test)

    def start(self) -> None:
        """Ask, from now on."""
        self._again.start()
        self.ask()

    @Slot()
    def ask(self) -> None:
        """Ask now, unless it is being asked, or there is none."""
        if self._studio.server_address and self._queue.current is None:
            self._submit()

    def close(self) -> None:
        self._again.stop()
        self._queue.close()

    def _submit(self) -> Job:
        """Ask by what the settings say now; what is being asked by older ones is of no interest any more."""
        for old in (*self._queue.waiting, self._queue.current):
            if old is not None:
                self._queue.remove(old)
        before = self._known()
        job = Job(lambda _progress, cancel: self._studio.ask_server(cancel), self)

        def compare(_: object) -> None:
            if self._known() != before:
                self.changed.emit()

        job.finished.connect(compare)
        job.failed.connect(compare)
        job.failed.connect(self._on_failed)
        return self._queue.submit(job)

    def _known(self) -> list[tuple[str, str]]:
        return [(info.name, info.why_not) for info in self._studio.engines() if info.host]

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        if not isinstance(error, StudioError):
            self.failed.emit(error)

    @Slot(object)
    def _on_preferences(self, names: frozenset[str]) -> None:
        if names & {"server", "server_token"}:
            self.changed.emit()
            if self._studio.server_address:
                self._submit()

    @Slot()
    def _on_test(self) -> None:
        job = self._submit()
        job.finished.connect(self._on_answered)
        job.failed.connect(self._on_no_answer)

    @Slot(object)
    def _on_answered(self, sentence: str) -> None:
        self._preferences.show_server(sentence, "good")

    @Slot(object)
    def _on_no_answer(self, error: BaseException) -> None:
        self._preferences.show_server(str(error) if isinstance(error, StudioError) else "", "error")
