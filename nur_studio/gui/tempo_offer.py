"""A take far from the tempo that was asked for: what was heard, and what can be done about it, in a line."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from nur_studio.core.story import tempo_story
from nur_studio.core.track import Status, Track
from nur_studio.gui.controls import ElidedLabel, icon_button


class TempoOffer(QFrame):
    """It blocks nothing: the take can be played and exported as it is. It takes no room where nothing is to decide."""

    stretch_requested = Signal()
    roll_requested = Signal()
    leave_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._heard = ""
        self.words = ElidedLabel()
        self.stretch = QPushButton()
        self.stretch.clicked.connect(self.stretch_requested)
        self.roll = QPushButton(self.tr("Roll again"))
        self.roll.setToolTip(self.tr("Make another take of the same request, with another seed; this one stays"))
        self.roll.clicked.connect(self.roll_requested)
        self.leave = icon_button("close", self.tr("Leave this take as it is"), role="icon-flat", size=14)
        self.leave.clicked.connect(self.leave_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.words, 1)
        for button in (self.stretch, self.roll, self.leave):
            row.addWidget(button)
        self.hide()

    def show_track(self, track: Track) -> None:
        """Ask about this take, if there is anything to ask."""
        story = tempo_story(track)
        asks = story is not None and story.open and track.status is Status.COMPLETED
        if asks and story is not None and story.measured is not None:
            self._heard = self.tr("{heard} BPM heard instead of {asked}").format(
                heard=f"{story.measured:.1f}".removesuffix(".0"), asked=story.asked
            )
            self.stretch.setText(self.tr("Stretch to {asked}").format(asked=story.asked))
            change = abs(story.measured / (story.asked or 1) - 1.0)
            self.stretch.setToolTip(
                self.tr("Exactly in tempo, the pitch as it is. {change:.0%} of stretch may be heard").format(
                    change=change
                )
            )
            self.set_working(False)
        self.setVisible(asks)

    def set_working(self, on: bool) -> None:
        """Whether this very take is being stretched, or waits for it."""
        self.words.set_text(self.tr("It is being brought to its tempo.") if on else self._heard)
        for button in (self.stretch, self.roll, self.leave):
            button.setEnabled(not on)
