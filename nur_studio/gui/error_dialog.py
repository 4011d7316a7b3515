"""The last resort: what nobody foresaw is logged, and told once, with details to copy and where the log is."""

from __future__ import annotations

import logging
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nur_studio import __version__
from nur_studio.core.errors import Cancelled

log = logging.getLogger("nur_studio")

_SAME_AGAIN_S = 60.0
_MOST = 5  # dialogs of one run; after that only the log grows


class ErrorDialog(QDialog):
    """Says that something unforeseen happened; nothing else of the window stops."""

    def __init__(self, details: str, log_path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Something went wrong"))
        self.setMinimumSize(560, 340)
        head = QLabel(self.tr("Something went wrong that should not have."))
        head.setProperty("role", "heading")
        text = QLabel(
            self.tr("What you typed and made is kept. These details help to mend it; they are also in {log}.").format(
                log=log_path
            )
        )
        text.setProperty("role", "dim")
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = QPlainTextEdit(details, readOnly=True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setAccessibleName(self.tr("Details"))
        copy = QPushButton(self.tr("Copy details"))
        copy.clicked.connect(self._on_copy)
        folder = QPushButton(self.tr("Open the log's folder"))
        folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path.parent))))
        close = QPushButton(self.tr("Close"))
        close.setProperty("role", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(copy)
        row.addWidget(folder)
        row.addStretch(1)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        column.addWidget(head)
        column.addWidget(text)
        column.addWidget(self.details, 1)
        column.addLayout(row)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())


class LastResort(QObject):
    """The process's excepthook. An error that repeats is counted in the log, not shown again and again."""

    _caught = Signal(object, object)  # where, details

    def __init__(self, log_path: Path, window: Callable[[], QWidget | None]) -> None:
        super().__init__()
        self._log_path, self._window = log_path, window
        self._shown_at: dict[str, float] = {}
        self._dialogs = 0
        self._open: ErrorDialog | None = None
        self._caught.connect(self._on_caught, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        sys.excepthook = self.on_exception
        threading.excepthook = lambda args: self.on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def tell(self, error: BaseException) -> None:
        """An error a job brought that is no sentence for people."""
        self.on_exception(type(error), error, error.__traceback__)

    def on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        if issubclass(kind, Cancelled):
            return
        log.error("unforeseen", exc_info=(kind, error, trace))
        frames = traceback.extract_tb(trace)
        where = f"{kind.__name__} {frames[-1].filename}:{frames[-1].lineno}" if frames else repr(error)
        self._caught.emit(where, "".join(traceback.format_exception(kind, error, trace)))

    @Slot(object, object)
    def _on_caught(self, where: str, details: str) -> None:
        now = time.monotonic()
        known = now - self._shown_at.get(where, -_SAME_AGAIN_S) < _SAME_AGAIN_S
        if known or self._open is not None or self._dialogs >= _MOST:
            return
        self._shown_at[where] = now
        self._dialogs += 1
        about = f"NUR Studio {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
        self._open = ErrorDialog(about + details, self._log_path, self._window())
        self._open.finished.connect(self._on_closed)
        self._open.open()

    @Slot()
    def _on_closed(self) -> None:
        self._open = None
