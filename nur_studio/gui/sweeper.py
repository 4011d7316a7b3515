"""Where reference cycles are collected: in the window's thread, and in no other."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_INTERVAL_MS = 1000
_FULL_EVERY = 30  # sweeps: what lived through two of them is looked at again twice a minute


class Sweeper(QObject):
    """Takes over from Python's own collector for as long as it lives. Made in the window's thread, and living there.

    Python collects cycles on whichever thread happens to make the object that is one too many. A QObject caught in a
    cycle would be destroyed there, while the window's thread may be handing it an event: the process dies of that.
    Between the events of the window nobody else has hold of one.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._sweeps = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.sweep)
        self._timer.start(_INTERVAL_MS)

    def spare_what_is_there(self) -> None:
        """Never look again at what there is now: the window and its modules, which stay to the end.

        Looking through them takes some 65 ms, a pause that is seen; through what comes later, hardly one.
        """
        gc.freeze()

    def sweep(self) -> None:
        self._sweeps += 1
        if self._sweeps % _FULL_EVERY == 0:
            gc.collect()
        elif gc.get_count()[0] > gc.get_threshold()[0]:
            gc.collect(1)

    def close(self) -> None:
        """Give collecting back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
