"""The export dialog's page for notes: the score of a take as MIDI, or what is heard in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtWidgets import QCheckBox, QWidget

from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice
from nur_studio.gui.export_page import ExportPage, add_row, remark
from nur_studio.gui.lane_picker import LanePicker
from nur_studio.gui.segments import SegmentedControl
from nur_studio.studio.parts import MIX_PART


class NotesPage(ExportPage):
    """What there is comes with `show_notes`; until then nobody knows."""

    def __init__(self, track: Track, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lanes = track.lanes
        self._why_not: Mapping[str, str] | None = None
        kinds = [("all", self.tr("All in one file"))] + ([("stems", self.tr("By stem"))] if track.lanes else [])
        self.of = SegmentedControl(kinds)
        self.of.chosen.connect(self._on_changed)
        self.lanes = LanePicker(track.lanes)
        self.lanes.pick(track.lanes)
        self.lanes.changed.connect(self.changed)
        self.quantise = QCheckBox(self.tr("On the grid: every note on the nearest sixteenth"))
        self.quantise.setEnabled(track.has_tempo)
        if not track.has_tempo:
            self.quantise.setText(self.tr("On the grid (no steady tempo is heard: there is none)"))
        self.quantise.toggled.connect(self.changed)
        self.source = remark()
        add_row(self.form, 0, self.tr("Notes"), self.of)
        self._which = add_row(self.form, 1, self.tr("Which"), self.lanes)
        self.form.addWidget(self.quantise, 2, 1)
        self.form.addWidget(self.source, 3, 1)
        self._show_what()

    def offer(self, lanes: tuple[str, ...] = ()) -> None:
        """Begin with these lanes; with all of it without any."""
        self.of.set_value("stems" if lanes else "all")
        if lanes:
            self.lanes.pick(lanes)
        self._on_changed()

    def show_notes(self, scored: bool, why_not: Mapping[str, str]) -> None:
        """Whether they were written, and by part why there can be none."""
        self._why_not = why_not
        for lane in self._lanes:
            button = self.lanes.button(lane)
            button.setEnabled(not why_not.get(lane))
            button.setToolTip(why_not.get(lane, ""))
        there = [lane for lane in self._lanes if not why_not.get(lane)]
        self.lanes.pick([lane for lane in self.lanes.picked if lane in there] or there)
        self.source.setText(
            self.tr("The score it was played from: tracks, programs, tempo and sections.")
            if scored
            else self.tr(
                "A transcription by Basic Pitch: notes heard in the sound, without the drums. It takes a while."
            )
        )
        self._on_changed()

    def fill(self, choice: ExportChoice) -> ExportChoice:
        lanes = self.lanes.picked if self.of.value == "stems" else ()
        return replace(choice, what="midi", lanes=lanes, quantise=self.quantise.isChecked())

    def why_not(self) -> str:
        parts = self.lanes.picked if self.of.value == "stems" else (MIX_PART,)
        return next((why for part in parts if (why := (self._why_not or {}).get(part, ""))), "")

    @property
    def known(self) -> bool:
        """Whether it is known what there is."""
        return self._why_not is not None

    def _on_changed(self) -> None:
        self._show_what()
        self.changed.emit()

    def _show_what(self) -> None:
        for widget in (self._which, self.lanes):
            widget.setVisible(self.of.value == "stems")
        self.source.setVisible(self.known and not self.why_not())
