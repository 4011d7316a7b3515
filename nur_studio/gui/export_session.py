"""The export dialog's page for sessions of other programs."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice
from nur_studio.gui.export_page import ClicksRow, ExportPage, add_row, remark
from nur_studio.gui.segments import SegmentedControl
from nur_studio.studio.sessions import DAWPROJECT, FOLDER, REAPER


class SessionPage(ExportPage):
    """A track per lane, as the mixer was left."""

    def __init__(self, track: Track, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._track = track
        self.kind = SegmentedControl(
            [(DAWPROJECT, "DAWproject"), (REAPER, "REAPER"), (FOLDER, self.tr("Plain folder"))]
        )
        self.kind.chosen.connect(self._on_changed)
        self.says = remark()
        self.clicks = ClicksRow(track)
        self.clicks.changed.connect(self.changed)
        add_row(self.form, 0, self.tr("For"), self.kind)
        self.form.addWidget(self.says, 1, 1)
        add_row(self.form, 2, self.tr("Clicks"), self.clicks)
        self._show_what()

    def fill(self, choice: ExportChoice) -> ExportChoice:
        return replace(choice, what="session", session=str(self.kind.value), clicks=self.clicks.clicks)

    def _on_changed(self) -> None:
        self._show_what()
        self.changed.emit()

    def _show_what(self) -> None:
        tempo = self._track.has_tempo
        said = {
            DAWPROJECT: self.tr(
                "One file that Bitwig Studio, Studio One and Cubase open: stems with gain, pan and mute."
            ),
            REAPER: self.tr("A folder with a REAPER project: stems with gain, pan and mute."),
            FOLDER: self.tr(
                "A folder with the stems, and a session.txt that says how they lie and how they are mixed."
            ),
        }[str(self.kind.value)]
        if tempo:
            said += " " + self.tr("Tempo, bars and sections come along; audio is 24-bit wav.")
        elif self.kind.value == FOLDER:
            said += " " + self.tr("No steady tempo is heard: there are no bars. Audio is 24-bit wav.")
        else:
            said += " " + self.tr(
                "No steady tempo is heard: it is set to {tempo:g} BPM, which means nothing, and the audio follows no "
                "tempo. It is 24-bit wav."
            ).format(tempo=self._track.grid.tempo)
        self.says.setText(said)
