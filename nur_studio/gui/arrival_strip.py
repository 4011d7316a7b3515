"""A line above the takes of the library: what is on its way into it, how far, and what did not arrive."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nur_studio.core.progress import Progress
from nur_studio.gui.controls import ElidedLabel, icon_button
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.model_view import how_far

_STEPS = 1000
_MOST_FAULTS = 2


class ArrivalStrip(QWidget):
    """Takes no room while there is nothing to say. What did not arrive is said when nothing is on its way any more: in
    a small window there is no room for both.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ElidedLabel()
        self.rate = QLabel()
        self.rate.setProperty("role", "numbers")
        self.progress = QProgressBar(textVisible=False, maximum=_STEPS)
        self.progress.setAccessibleName(self.tr("Progress of what comes into the library"))
        self.progress.setFixedWidth(160)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setToolTip(self.tr("Stop this, and what waits behind it; nothing of it is kept"))
        self.cancel.clicked.connect(self.cancel_requested)
        self._work = QWidget()
        work = QHBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(12)
        work.addWidget(self.words, 1)
        work.addWidget(self.rate)
        work.addWidget(self.progress)
        work.addWidget(self.cancel)
        self.invitation = QLabel(self.tr("Let go to take it into the library"))
        self.invitation.setProperty("role", "drop")
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.invitation.hide()
        self.fault = FaultLabel()
        self.close_button = icon_button("close", self.tr("Close this message"), role="icon-flat", size=14)
        self.close_button.clicked.connect(lambda: self.show_faults(()))
        self._told = QWidget()
        told = QHBoxLayout(self._told)
        told.setContentsMargins(0, 0, 0, 0)
        told.setSpacing(8)
        told.addWidget(self.fault, 1)
        told.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 0, 20, 6)
        column.setSpacing(4)
        column.addWidget(self.invitation)
        column.addWidget(self._work)
        column.addWidget(self._told)
        self.rest()

    def show_work(self, what: str, progress: Progress | None) -> None:
        """This is on its way."""
        stage, rate = how_far(progress)
        self.words.set_text(f"{what} · {stage}")
        self.rate.setText(rate)
        self.progress.setValue(round(_STEPS * progress.fraction) if progress else 0)
        self._work.show()
        self._dress()

    def rest(self) -> None:
        """Nothing is on its way any more."""
        self._work.hide()
        self._dress()

    def show_faults(self, faults: Sequence[str]) -> None:
        """What did not arrive, and why; it stays until it is closed."""
        lines = list(faults[:_MOST_FAULTS])
        if len(faults) > _MOST_FAULTS:
            lines.append(self.tr("And {n} more could not be taken in.").format(n=len(faults) - _MOST_FAULTS))
        self.fault.say("\n".join(lines))
        self._dress()

    def invite(self, on: bool) -> None:
        """Files are over the window: they may be let go."""
        self.invitation.setVisible(on)
        self._dress()

    def _dress(self) -> None:
        self._told.setVisible(self._work.isHidden() and bool(self.fault.sentence))
        self.setHidden(self._work.isHidden() and self._told.isHidden() and self.invitation.isHidden())
