"""The export dialog's page for whole takes: the mix, the mix as heard, stems, the mix without some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from nur_studio.core.mix import Mix
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice, What, balance
from nur_studio.gui.export_page import ClicksRow, ExportPage, add_row
from nur_studio.gui.lane_picker import LanePicker
from nur_studio.gui.segments import SegmentedControl


class SoundPage(ExportPage):
    """`mix` is how the take is heard now."""

    def __init__(self, track: Track, mix: Mix, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._track, self._mix = track, mix
        self._picked = {"stems": track.lanes, "minus": track.lanes[:1]}  # what is picked where, in_turn for its own
        self._shown = "mix"
        parts = [("mix", self.tr("Mix"))]
        if mix != Mix():
            parts.append(("heard", self.tr("Mix as heard")))
        if track.lanes:
            parts += [("stems", self.tr("Stems")), ("minus", self.tr("Minus one"))]
        self.part = SegmentedControl(parts)
        self.part.chosen.connect(self._on_what)
        self.lanes = LanePicker(track.lanes)
        self.lanes.changed.connect(self.changed)
        self.zipped = QCheckBox(self.tr("As one zip"))
        self.zipped.setToolTip(self.tr("One file with all of them in it, easy to send"))
        self.zipped.toggled.connect(self.changed)
        self.in_turn = QCheckBox(self.tr("Each in turn"))
        self.in_turn.setToolTip(self.tr("A mix for each of these, with only that one left out"))
        self.in_turn.toggled.connect(self._on_in_turn)
        self.balanced = QCheckBox(self.tr("With the mixer's gains and pans"))
        self.balanced.setToolTip(self.tr("The rest as loud and in the place it is set to; else as it was made"))
        self.balanced.toggled.connect(self.changed)
        self.clicks = ClicksRow(track)
        self.clicks.changed.connect(self.changed)
        switches = QHBoxLayout()
        switches.setSpacing(16)
        for switch in (self.zipped, self.in_turn, self.balanced):
            switches.addWidget(switch)
        switches.addStretch(1)
        add_row(self.form, 0, self.tr("What"), self.part)
        self._which = add_row(self.form, 1, "", self.lanes)
        self.form.addLayout(switches, 2, 1)
        add_row(self.form, 3, self.tr("Clicks"), self.clicks)
        self._show_what()

    def offer(self, what: What, lanes: Sequence[str] = (), *, in_turn: bool = False) -> None:
        """Begin with this; without `lanes` with what is usual. What the take has not is not offered."""
        self.part.set_value(what)
        self._show_what()
        self.in_turn.setChecked(in_turn and what == "minus")
        if lanes and self.what == what:
            self.lanes.pick(lanes)

    def fill(self, choice: ExportChoice) -> ExportChoice:
        what = self.what
        mix = None
        if what == "heard":
            mix = self._mix
        elif what == "minus" and self.balanced.isChecked():
            mix = balance(self._mix)
        return replace(
            choice,
            what=what,
            mix=mix,
            lanes=self.lanes.picked if what in self._picked else (),
            in_turn=what == "minus" and self.in_turn.isChecked(),
            zipped=what == "stems" and self.zipped.isChecked(),
            clicks=self.clicks.clicks,
        )

    @property
    def what(self) -> What:
        return cast(What, self.part.value)

    def _show_what(self) -> None:
        """The rows that belong to what is chosen, as they were left."""
        if self._shown in self._picked:
            self._picked[self._shown] = self.lanes.picked
        self._shown = what = self.what
        self._which.setText(self.tr("Leave out") if what == "minus" else self.tr("Which"))
        self.lanes.setAccessibleName(self._which.text())
        for widget in (self._which, self.lanes):
            widget.setVisible(what in self._picked)
        if what in self._picked:
            self.lanes.pick(self._picked[what])
        self.zipped.setVisible(what == "stems")
        self.in_turn.setVisible(what == "minus")
        self.balanced.setVisible(what == "minus" and balance(self._mix).within(self._track.lanes) != Mix())

    def _on_what(self) -> None:
        self._show_what()
        self.changed.emit()

    def _on_in_turn(self, on: bool) -> None:
        """All of them, to begin with; and one again afterwards."""
        self.lanes.pick(self._track.lanes if on else self._track.lanes[:1])
        self.changed.emit()
