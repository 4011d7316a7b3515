"""The strip at the left of a lane: a stem's mute, solo, gain, pan and level; the mix's master, loudness and level."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QWidget

from nur_studio.core.mix import Channel
from nur_studio.gui.controls import NumberLabel, StripButton
from nur_studio.gui.faders import Fader, PanSlider, gain_of, gain_text, pan_of, pan_text
from nur_studio.gui.meters import LevelMeter
from nur_studio.gui.value_label import ValueLabel

HEADER_WIDTH = 264
_METER_WIDTH, _FADER_WIDTH = 92, 92
_BAND = 24  # beside the ruler
_MARGIN, _INDENT = 20, 4  # words are indented: a groove begins only half a knob after its slider
_READ_EVERY_S = 0.12  # a number that changes more often cannot be read

Touch = tuple[str, int] | None
"""Which control, and which gesture on it: changes of the same one belong together. None: a change of its own."""


class LaneHeader(QWidget):
    """What all strips share: two rows, the name and the meter in the upper one, below `band` px left free."""

    def __init__(self, title: str, band: int = 0, right: int = 12) -> None:
        super().__init__()
        self.setFixedWidth(HEADER_WIDTH)
        self.name = QLabel(title)
        self.name.setIndent(_INDENT)
        self.meter = LevelMeter(self.tr("{lane} level").format(lane=title))
        self.meter.setFixedWidth(_METER_WIDTH)
        self.fader = Fader()
        self.fader.setFixedWidth(_FADER_WIDTH)
        self.gain_label = ValueLabel(self.fader, gain_of, "−59.9", self.tr("{lane} gain in dB").format(lane=title))
        self.controls: tuple[QWidget, ...] = (self.fader, self.gain_label)
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        for row in (self._first, self._second):
            row.setSpacing(6)
        self._first.addWidget(self.name, 1)
        self._second.addWidget(self.fader)
        self._second.addWidget(self.gain_label)
        self._second.addSpacing(2)
        self._right = right
        self._rows = QGridLayout(self)
        self._rows.setVerticalSpacing(0)
        for number, height in ((0, band), (2, 22), (3, 20)):
            self._rows.setRowMinimumHeight(number, height)
        self._rows.addLayout(self._first, 2, 0)
        self._rows.addLayout(self._second, 3, 0)
        self._rows.setRowStretch(1, 1)
        self._rows.setRowStretch(4, 1)
        self.set_compact(False)

    def set_number(self, number: int) -> None:
        """Which key picks the lane."""
        self.name.setToolTip(self.tr("Press {number} to pick this lane").format(number=number))

    def set_compact(self, compact: bool) -> None:
        """Give up the air between the rows, for many lanes on a small screen."""
        air = 0 if compact else 4
        self._rows.setContentsMargins(_MARGIN - _INDENT, air, self._right, air)

    def set_ready(self, ready: bool) -> None:
        """Whether there is something to mix."""
        for control in self.controls:
            control.setEnabled(ready)


class StemHeader(LaneHeader):
    """A stem's strip. What concerns other strips is asked for, not done."""

    channel_changed = Signal(object, object)  # Channel, Touch
    solo_only_requested = Signal()
    unmute_all_requested = Signal()
    unsolo_all_requested = Signal()

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._channel = Channel()
        self.mute = StripButton("M", self.tr("Mute {lane} (M)").format(lane=title), "mute")
        self.mute.setToolTip(self.tr("Mute {lane} (M). Alt+click: nothing muted (U)").format(lane=title))
        self.solo = StripButton("S", self.tr("Solo {lane} (S)").format(lane=title), "solo")
        self.solo.setToolTip(
            self.tr("Solo {lane} (S). Ctrl+click: only this one (Shift+S). Alt+click: no solo (U)").format(lane=title)
        )
        self.fader.setAccessibleName(self.tr("{lane} gain").format(lane=title))
        self.fader.setToolTip(self.tr("Gain, −∞ to +6 dB. Double click: 0 dB. Shift: finer. Return: type it"))
        self.pan = PanSlider()
        self.pan.setAccessibleName(self.tr("{lane} pan").format(lane=title))
        self.pan.setToolTip(self.tr("Pan. Double click: centre. Shift: finer. Return: type it"))
        self.pan_label = ValueLabel(self.pan, pan_of, "R100", self.tr("{lane} pan in percent").format(lane=title))
        self.controls += (self.mute, self.solo, self.pan, self.pan_label)
        self._first.addWidget(self.mute)
        self._first.addWidget(self.solo)
        self._first.addSpacing(2)
        self._first.addWidget(self.meter)
        self._second.addWidget(self.pan, 1)
        self._second.addWidget(self.pan_label)
        for before, after in ((self.mute, self.solo), (self.solo, self.fader), (self.fader, self.pan)):
            QWidget.setTabOrder(before, after)
        self.mute.toggled.connect(self._on_mute)
        self.solo.toggled.connect(self._on_solo)
        self.fader.moved.connect(self._on_gain)
        self.pan.moved.connect(self._on_pan)
        self.solo.ctrl_clicked.connect(self.solo_only_requested)
        self.mute.alt_clicked.connect(self.unmute_all_requested)
        self.solo.alt_clicked.connect(self.unsolo_all_requested)
        self._say()

    @property
    def channel(self) -> Channel:
        return self._channel

    def set_channel(self, channel: Channel) -> None:
        """Show a strip without telling anyone."""
        self._channel = channel
        for button, on in ((self.mute, channel.mute), (self.solo, channel.solo)):
            blocked = button.blockSignals(True)
            button.setChecked(on)
            button.blockSignals(blocked)
        self.fader.set_gain(channel.gain_db)
        self.pan.set_pan(channel.pan)
        self._say()

    def _on_mute(self, on: bool) -> None:
        self._change(replace(self._channel, mute=on), None)

    def _on_solo(self, on: bool) -> None:
        self._change(replace(self._channel, solo=on), None)

    def _on_gain(self, gain_db: float) -> None:
        self._change(replace(self._channel, gain_db=gain_db), ("gain", self.fader.gesture))

    def _on_pan(self, pan: float) -> None:
        self._change(replace(self._channel, pan=pan), ("pan", self.pan.gesture))

    def _change(self, channel: Channel, touch: Touch) -> None:
        self._channel = channel
        self._say()
        self.channel_changed.emit(channel, touch)

    def _say(self) -> None:
        self.gain_label.set_text(gain_text(self._channel.gain_db))
        self.pan_label.set_text(pan_text(self._channel.pan))


class MixHeader(LaneHeader):
    """The master strip: its fader belongs to the mix and goes into what is exported as heard."""

    master_changed = Signal(float, object)  # dB, Touch
    reset_requested = Signal()

    def __init__(self, title: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(title, _BAND, right=6)  # the button there has air of its own
        self._clock, self._read_at = clock, -math.inf
        self._of_file = ("", "")  # text, tooltip
        self.loudness = NumberLabel("M −14.0 · S −14.0 LUFS", size=11, parent=self)
        self.loudness.setAccessibleName(self.tr("Loudness"))
        self.loudness.setGeometry(_MARGIN, 0, 172, _BAND)
        self.fader.setAccessibleName(self.tr("Master gain"))
        self.fader.setToolTip(
            self.tr(
                "Master gain of the mix: saved with the take, exported as heard. Double click: 0 dB. Shift: finer. "
                "The loudspeaker below only changes how loud you listen."
            )
        )
        self.reset = QToolButton()
        self.reset.setText(self.tr("Reset"))
        self.reset.setProperty("role", "corner")
        self.reset.setToolTip(self.tr("All strips as they were made: 0 dB, centre, nothing muted or soloed"))
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset.clicked.connect(self.reset_requested)
        self._first.addWidget(self.meter)
        self._first.addSpacing(6)
        self._second.addStretch(1)
        self._second.addWidget(self.reset)
        self.fader.moved.connect(self._on_master)
        self.set_master(0.0, touched=False)

    def set_master(self, master_db: float, *, touched: bool) -> None:
        """Show a master gain without telling anyone; `touched`: there is something to reset."""
        self.fader.set_gain(master_db)
        self.gain_label.set_text(gain_text(master_db))
        self.reset.setVisible(touched)

    def set_loudness(self, lufs: float | None, peak_dbtp: float | None) -> None:
        """Integrated loudness and true peak of the file, said while nothing plays; None is left out."""
        parts = []
        if lufs is not None:
            parts.append(f"{gain_text(lufs)} LUFS")
        if peak_dbtp is not None:
            parts.append(f"{gain_text(peak_dbtp)} dBTP")
        tip = self.tr("Integrated loudness and true peak of the mix as it was made") if parts else ""
        self._of_file = (" · ".join(parts), tip)
        self.show_file()

    def show_file(self) -> None:
        """Nothing plays: say how loud the file is."""
        text, tip = self._of_file
        self._read_at = -math.inf
        self.loudness.set_text(text)
        if tip != self.loudness.toolTip():
            self.loudness.setToolTip(tip)

    def show_playing(self, momentary: float, short_term: float) -> None:
        """How loud it is now, in LUFS; −inf is silence."""
        now = self._clock()
        if now - self._read_at < _READ_EVERY_S:
            return
        if self._read_at == -math.inf:
            self.loudness.setToolTip(
                self.tr("Loudness of the mix as it plays: M momentary (0.4 s), S short-term (3 s)")
            )
        self._read_at = now
        text = self.tr("M {momentary} · S {short} LUFS")
        self.loudness.set_text(text.format(momentary=gain_text(momentary), short=gain_text(short_term)))

    def _on_master(self, master_db: float) -> None:
        self.gain_label.set_text(gain_text(master_db))
        self.master_changed.emit(master_db, ("master", self.fader.gesture))
