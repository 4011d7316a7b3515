"""The system's ways to ask a program to end (Ctrl+C, a session that ends, a closed terminal) close the window."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication, QSocketNotifier

_ASKING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those of them that the system has


@contextmanager
def quit_on_signals(app: QCoreApplication) -> Iterator[None]:
    """Within, such a signal ends the event loop, which the window's tidy end follows; a second one does no more.

    Python acts on a signal only when it next runs Python code, and a window at rest runs none: the byte that it
    writes at once wakes the event loop.
    """
    numbers = [getattr(signal, name) for name in _ASKING if hasattr(signal, name)]
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: reader.recv(64))
    old_wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: app.quit())
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # what follows is the tidy end: nobody is to cut it short
        signal.set_wakeup_fd(old_wakeup)
        notifier.setEnabled(False)
        reader.close()
        writer.close()
