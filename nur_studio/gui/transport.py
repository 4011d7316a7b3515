"""The transport row: start, stop, play, loop, where we are, volume, and the ways out as files."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from nur_studio.core.mix import MAX_GAIN_DB, MIN_GAIN_DB
from nur_studio.core.timing import Grid, format_time
from nur_studio.gui.controls import NumberLabel, icon_button
from nur_studio.gui.drag_sources import DragButton
from nur_studio.gui.faders import Fader, gain_text
from nur_studio.gui.icons import icon
from nur_studio.gui.loop_note import LoopNote
from nur_studio.gui.metronome import MetronomeButton


class Transport(QWidget):
    """Shows what the player does and says what a person wants; it plays nothing."""

    play_requested = Signal()
    stop_requested = Signal()
    start_requested = Signal()
    loop_toggled = Signal(bool)
    volume_changed = Signal(float)  # dB
    export_requested = Signal()
    drag_pressed = Signal(object)  # "mix" or "stems"
    drag_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing = False
        self._position = ""
        self._grid: Grid | None = Grid(120.0)  # None where no tempo is claimed
        self.to_start = icon_button("to-start", self.tr("To the start (Home)"))
        self.play = icon_button("play", self.tr("Play (Space)"), role="play", size=20, color="background")
        self.stop = icon_button("stop", self.tr("Stop and return to the start (Esc)"))
        self.loop = icon_button("loop", self.tr("Loop the marked part, or all of it (L)"), on="accent")
        self.loop.setCheckable(True)
        self.metronome = MetronomeButton()
        self.loop_note = LoopNote()
        medium = QFont.Weight.Medium
        self.time = NumberLabel("0:00.00", size=18, color="text", weight=medium, align=Qt.AlignmentFlag.AlignRight)
        self.time.setAccessibleName(self.tr("Time"))
        self.total = NumberLabel("/ 0:00.00", size=12)
        self.bar = NumberLabel("100.4.4", size=16)
        self.bar.setAccessibleName(self.tr("Position in bars"))
        self.bar.setToolTip(self.tr("Bar, beat, sixteenth"))
        self.speaker = icon_button("volume", self.tr("Silence"), role="icon-flat", color="dim", on="error")
        self.speaker.setCheckable(True)
        self.volume = Fader()
        self.volume.setAccessibleName(self.tr("Volume"))
        self.volume.setFixedWidth(96)
        self.drag_mix, self.drag_stems = DragButton(), DragButton()
        self.drag_mix.setAccessibleName(self.tr("Drag mix"))
        self.drag_stems.setAccessibleName(self.tr("Drag stems"))
        self.drag_mix.setToolTip(self.tr("Drag the mix into another program as a file"))
        self.drag_stems.setToolTip(self.tr("Drag all stems into another program as files"))
        self.export = QPushButton(self.tr("Export…"))
        self.export.setProperty("role", "outline")
        self.export.setToolTip(self.tr("Save the mix or the stems as files (Ctrl+E)"))
        self.export.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for button in (self.to_start, self.play, self.stop, self.loop, self.metronome):
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self.time)
        row.addWidget(self.total, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addSpacing(8)
        row.addWidget(self.bar)
        row.addSpacing(4)
        row.addWidget(self.loop_note)
        row.addStretch(1)
        row.addWidget(self.speaker)
        row.addWidget(self.volume)
        row.addSpacing(8)
        for wide in (self.drag_mix, self.drag_stems, self.export):
            row.addWidget(wide)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.to_start.clicked.connect(self.start_requested)
        self.play.clicked.connect(self.play_requested)
        self.stop.clicked.connect(self.stop_requested)
        self.loop.toggled.connect(self.loop_toggled)
        self.export.clicked.connect(self.export_requested)
        self.speaker.toggled.connect(self._on_volume)
        self.volume.moved.connect(self._on_fader)
        self.loop_note.told.connect(self._fit)
        self.drag_mix.drag_pressed.connect(self._on_mix_pressed)
        self.drag_mix.drag_requested.connect(self._on_mix_dragged)
        self.drag_stems.drag_pressed.connect(self._on_stems_pressed)
        self.drag_stems.drag_requested.connect(self._on_stems_dragged)
        self._say_volume()
        self._fit()

    # What is shown

    def set_track(self, grid: Grid | None, duration_s: float) -> None:
        self._grid = grid
        none = self.tr("No steady beat is claimed: there is nothing to click to") if grid is None else ""
        self.metronome.set_why_not(none)
        total = format_time(duration_s)
        self.time.set_widest("0" * (len(total) - 3) + ":00")
        self.total.set_widest(f"/ {total}")
        self.total.set_text(f"/ {total}")
        self.set_position(0.0)

    def set_position(self, time_s: float) -> None:
        self.time.set_text(format_time(time_s))
        self.bar.set_text(self._grid.position(time_s) if self._grid is not None else "–")

    def set_playing(self, playing: bool) -> None:
        if playing != self._playing:
            self._playing = playing
            self.play.setIcon(icon("pause" if playing else "play", "background"))
            tip = self.tr("Pause (Space)") if playing else self.tr("Play (Space)")
            self.play.setToolTip(tip)
            self.play.setAccessibleName(tip.split(" (")[0])

    def set_loop(self, on: bool) -> None:
        blocked = self.loop.blockSignals(True)
        self.loop.setChecked(on)
        self.loop.blockSignals(blocked)

    def set_ready(self, *, playable: bool, files: bool, stems: bool) -> None:
        """Whether there is something to hear, to take out, and to take out in parts."""
        for widget in (self.to_start, self.play, self.stop, self.loop):
            widget.setEnabled(playable)
        self.drag_mix.setEnabled(files)
        self.export.setEnabled(files)
        self.drag_stems.setEnabled(files and stems)

    @property
    def volume_db(self) -> float:
        """What is wanted now: closed while silenced."""
        return MIN_GAIN_DB if self.speaker.isChecked() else self.volume.amount()

    def set_volume(self, volume_db: float) -> None:
        """Show a volume without telling anyone."""
        self.volume.set_gain(min(max(volume_db, MIN_GAIN_DB), MAX_GAIN_DB))
        self._say_volume()

    # Intents

    def _on_fader(self) -> None:
        if self.speaker.isChecked():
            self.speaker.setChecked(False)  # tells by itself
        else:
            self._on_volume()

    def _on_volume(self) -> None:
        self._say_volume()
        self.volume_changed.emit(self.volume_db)

    def _say_volume(self) -> None:
        self.speaker.setIcon(icon("volume-off" if self.volume_db <= MIN_GAIN_DB else "volume", "dim", on="error"))
        tip = self.tr("Listening volume {gain} dB; what is exported does not change with it")
        self.volume.setToolTip(tip.format(gain=gain_text(self.volume.amount())))

    def _on_mix_pressed(self) -> None:
        self.drag_pressed.emit("mix")

    def _on_mix_dragged(self) -> None:
        self.drag_requested.emit("mix")

    def _on_stems_pressed(self) -> None:
        self.drag_pressed.emit("stems")

    def _on_stems_dragged(self) -> None:
        self.drag_requested.emit("stems")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Give up what is least missed, step by step, until the row has room; nothing is ever cut off."""
        row = self.layout()
        for step in range(11):
            self.drag_mix.setText(self.tr("Drag mix") if step < 1 else self.tr("Mix"))
            self.drag_stems.setText(self.tr("Drag stems") if step < 1 else self.tr("Stems"))
            self.volume.setFixedWidth(96 if step < 1 else 64)
            self.total.setVisible(step < 2)
            self.loop_note.set_brief((0, 0, 0, 1, 1, 2, 2, 1, 2, 3, 3)[step])  # what the bar gives up gives it room
            self.stop.setVisible(step < 4)
            self.volume.setVisible(step < 6)
            self.bar.setVisible(step < 7)
            self.to_start.setVisible(step < 10)
            if row is None or row.minimumSize().width() <= self.width():
                return
