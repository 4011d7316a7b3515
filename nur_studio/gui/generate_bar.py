"""The foot of the compose panel: the button that generates and cancels, progress with time left, who waits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.progress import Progress
from nur_studio.gui.controls import ElidedLabel, icon_button
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.theme import scaled_font, set_role, tokens

_STEPS = 1000
_BUTTON_HEIGHT = 40
_ROWS = 3
_LEAST_KEPT_S = 1.0  # less is no music


def time_left(eta_s: float) -> str:
    """`0:07`: minutes and seconds, up to the next whole second."""
    minutes, seconds = divmod(math.ceil(max(0.0, eta_s)), 60)
    return f"{minutes}:{seconds:02d}"


class _BigButton(QPushButton):
    """A tall button whose shortcut stands beside its text, smaller and quieter."""

    def __init__(self) -> None:
        super().__init__()
        self.hint = ""
        self.setStyleSheet(f"min-height: {_BUTTON_HEIGHT - 2}px; max-height: {_BUTTON_HEIGHT - 2}px;")

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.hint:
            super().paintEvent(event)
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        text, option.text = option.text, ""
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        color = QColor(tokens().on_accent if self.isEnabled() else tokens().dim)
        small = scaled_font(12)
        width = self.fontMetrics().horizontalAdvance(text)
        hint_width = QFontMetrics(small).horizontalAdvance(self.hint)
        left = (self.width() - width - 10 - hint_width) // 2
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(self.font())
        painter.setPen(color)
        painter.drawText(QRect(left, 0, width + 4, self.height()), middle, text)
        color.setAlphaF(0.72)
        painter.setPen(color)
        painter.setFont(small)
        painter.drawText(QRect(left + width + 10, 0, hint_width + 4, self.height()), middle, self.hint)
        painter.end()


class GenerateBar(QFrame):
    """Shows what runs and what waits; emits what the person wants done about it."""

    generate_requested = Signal()
    cancel_requested = Signal()
    keep_requested = Signal()  # end the running take here and keep what is made of it
    remove_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._running = False
        self._ending = False
        self._why_not = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)

        self._queue = QWidget()
        self._queue_rows = QGridLayout(self._queue)
        self._queue_rows.setContentsMargins(0, 0, 0, 0)
        self._queue_rows.setVerticalSpacing(0)
        self._queue_rows.setColumnStretch(0, 1)
        self._queue.hide()
        column.addWidget(self._queue)

        self.failure = FaultLabel()
        column.addWidget(self.failure)

        self.stage = ElidedLabel()
        self.stage.setProperty("role", "dim")
        self.rate = QLabel()
        self.rate.setProperty("role", "dim")
        self.rate.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        line = QHBoxLayout()
        line.addWidget(self.stage, 1)
        line.addWidget(self.rate)
        column.addLayout(line)
        self.progress = QProgressBar()
        self.progress.setRange(0, _STEPS)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(self.tr("Progress of the generation"))
        column.addWidget(self.progress)

        self.keep_button = QPushButton()
        self.keep_button.clicked.connect(self._on_keep)
        self.keep_button.hide()
        column.addWidget(self.keep_button)

        self.button = _BigButton()
        self.button.clicked.connect(self._on_clicked)
        self.queue_button = _BigButton()
        self.queue_button.setToolTip(self.tr("Make this one after the one that is being made (Ctrl+Enter)"))
        self.queue_button.clicked.connect(self.generate_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.button, 3)
        buttons.addWidget(self.queue_button, 2)
        column.addLayout(buttons)
        self.set_queue(())
        self.set_progress(None)

    @property
    def running(self) -> bool:
        return self._running

    def set_progress(self, progress: Progress | None, what: str = "") -> None:
        """What runs now; None: nothing, and the button generates again."""
        self._running = progress is not None
        shown = progress or Progress("", 0.0)
        self.progress.setValue(round(shown.fraction * _STEPS))
        self.progress.setEnabled(self._running)
        stage = " · ".join(part for part in (what, shown.stage) if part)
        self.stage.set_text(stage)
        percent = self.tr("{percent} %").format(percent=int(shown.fraction * 100))
        if shown.eta_s is not None:
            percent = self.tr("{percent} · {time} left").format(percent=percent, time=time_left(shown.eta_s))
        self.rate.setText(percent if self._running else "")
        self.progress.setVisible(self._running)
        self.queue_button.setVisible(self._running)
        if not self._running:
            self.set_kept(None)
        self._dress_button()

    def set_kept(self, seconds: float | None) -> None:
        """How much of the running take there is to keep; None: its engine cannot end early, and nothing is offered.

        0 begins a new take; after `set_ending` anything else changes nothing.
        """
        if self._ending and seconds:
            return
        self._ending = False
        self.keep_button.setVisible(seconds is not None)
        enough = seconds is not None and seconds >= _LEAST_KEPT_S
        self.keep_button.setEnabled(enough)
        if not enough:
            self.keep_button.setText(self.tr("Keep what is made"))
            self.keep_button.setToolTip(
                self.tr("End here and keep what is made, once there is a second of it (Ctrl+K)")
            )
        else:
            length = time_left(math.floor(seconds or 0.0))
            self.keep_button.setText(self.tr("Keep what is made · {length}").format(length=length))
            self.keep_button.setToolTip(self.tr("End the take here, with a fade, and keep it (Ctrl+K)"))

    def set_ending(self) -> None:
        """The running take is on its way to an early end."""
        self._ending = True
        self.keep_button.setText(self.tr("Ending the take …"))
        self.keep_button.setEnabled(False)

    def keep(self) -> None:
        """Ask for an early end, where there is something to keep."""
        if self.keep_button.isEnabled() and not self.keep_button.isHidden():
            self.set_ending()
            self.keep_requested.emit()

    def set_possible(self, why_not: str) -> None:
        """Turn the button off while the chosen engine cannot run, and say why."""
        self._why_not = why_not
        self._dress_button()
        if why_not:
            self.failure.say(why_not)
        elif not self.failure.isHidden():
            self.failure.say("")

    def show_failure(self, sentence: str) -> None:
        self.failure.say(sentence or self._why_not)

    def set_queue(self, titles: Sequence[str]) -> None:
        """The waiting requests, each with a button that removes it."""
        while (item := self._queue_rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, title in enumerate(titles[:_ROWS]):
            label = ElidedLabel(self.tr("Next: {title}").format(title=title) if row == 0 else title)
            label.setProperty("role", "dim")
            tip = self.tr("Take “{title}” out of the queue").format(title=title)
            remove = icon_button("close", tip, role="icon-flat", size=14, color="dim")
            remove.setProperty("row", row)
            remove.clicked.connect(self._on_remove)
            self._queue_rows.addWidget(label, row, 0)
            self._queue_rows.addWidget(remove, row, 1)
        if len(titles) > _ROWS:
            more = QLabel(self.tr("and {count} more").format(count=len(titles) - _ROWS))
            more.setProperty("role", "dim")
            self._queue_rows.addWidget(more, _ROWS, 0)
        self._queue.setVisible(bool(titles))
        count = len(titles)
        self.queue_button.setText(self.tr("Queue · {count}").format(count=count) if count else self.tr("Queue"))

    def _dress_button(self) -> None:
        if self._running:
            set_role(self.button, "")
            self.button.setText(self.tr("Cancel"))
            self.button.hint = ""
            self.button.setToolTip(self.tr("Stop this; nothing is kept of what is not finished (Ctrl+.)"))
            self.button.setEnabled(True)
        else:
            set_role(self.button, "primary")
            self.button.setText(self.tr("Generate"))
            self.button.hint = self.tr("Ctrl ↵")
            self.button.setToolTip(self._why_not or self.tr("Make the music (Ctrl+Enter)"))
            self.button.setEnabled(not self._why_not)

    def _on_clicked(self) -> None:
        (self.cancel_requested if self._running else self.generate_requested).emit()

    def _on_keep(self) -> None:
        self.keep()

    def _on_remove(self) -> None:
        button = self.sender()
        if button is not None:
            self.remove_requested.emit(int(button.property("row")))
