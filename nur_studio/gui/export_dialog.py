"""Export: the mix, the mix as heard, stems, or the mix without some, in any format; never over an old file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Progress
from nur_studio.core.request import FORMATS
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice, What, balance, qualities, told_names
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.lane_picker import LanePicker
from nur_studio.gui.segments import SegmentedControl


class ExportDialog(QDialog):
    """Asks what to export and shows how far it is. It blocks nothing."""

    export_requested = Signal(object)  # ExportChoice
    cancel_requested = Signal()

    def __init__(self, track: Track, mix: Mix, folder: Path, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(540)
        self._track, self._mix = track, mix.within(track.lanes)
        self._running = False
        self._picked = {"stems": track.lanes, "minus": track.lanes[:1]}  # what is picked where, in_turn for its own
        self._shown = "mix"
        self._qualities = qualities()
        self._build(folder)
        self._show_what()
        self._on_format()

    def _build(self, folder: Path) -> None:
        title = QLabel(self._track.title)
        title.setProperty("role", "heading")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        self._build_what()
        self.format = SegmentedControl([(name, name) for name in FORMATS])
        self.format.set_value(self._track.output_format)
        self.format.chosen.connect(self._on_format)
        self.quality = QComboBox()
        self.folder = QLineEdit(str(folder))
        self.folder.textChanged.connect(self._tell)
        choose = QPushButton(self.tr("Choose…"))
        choose.clicked.connect(self._on_choose)
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.folder, 1)
        place.addWidget(choose)
        self.names = QLabel()
        self.names.setProperty("role", "dim")
        self.names.setWordWrap(True)
        self.names.setTextFormat(Qt.TextFormat.PlainText)
        form = QGridLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setColumnMinimumWidth(0, 88)
        form.setColumnStretch(1, 1)
        for row, (text, widget) in (
            (0, (self.tr("What"), self.part)),
            (3, (self.tr("Format"), self.format)),
            (4, (self.tr("Quality"), self.quality)),
        ):
            self._label(form, row, text, widget)
            form.addWidget(widget, row, 1)
        self._which = self._label(form, 1, "", self.lanes)
        form.addWidget(self.lanes, 1, 1)
        form.addLayout(self._switches, 2, 1)
        self._label(form, 5, self.tr("Into folder"), self.folder)
        form.addLayout(place, 5, 1)
        form.addWidget(self.names, 6, 1)
        self.fault = FaultLabel()
        form.addWidget(self.fault, 7, 1)
        self.progress = QProgressBar(textVisible=False, maximum=1000)
        self.progress.setAccessibleName(self.tr("Progress of the export"))
        keep = self.progress.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(keep)
        self.progress.hide()
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(self._on_cancel)
        self.go = QPushButton(self.tr("Export"))
        self.go.setProperty("role", "primary")
        self.go.setDefault(True)
        self.go.clicked.connect(self._on_go)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.progress, 1)
        foot.addSpacing(8)
        foot.addWidget(self.cancel)
        foot.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(16)
        column.addWidget(title)
        column.addLayout(form)
        column.addStretch(1)
        column.addLayout(foot)

    def _build_what(self) -> None:
        parts = [("mix", self.tr("Mix"))]
        if self._mix != Mix():
            parts.append(("heard", self.tr("Mix as heard")))
        if self._track.lanes:
            parts += [("stems", self.tr("Stems")), ("minus", self.tr("Minus one"))]
        self.part = SegmentedControl(parts)
        self.part.chosen.connect(self._on_what)
        self.lanes = LanePicker(self._track.lanes)
        self.lanes.changed.connect(self._tell)
        self.zipped = QCheckBox(self.tr("As one zip"))
        self.zipped.setToolTip(self.tr("One file with all of them in it, easy to send"))
        self.zipped.toggled.connect(self._tell)
        self.in_turn = QCheckBox(self.tr("Each in turn"))
        self.in_turn.setToolTip(self.tr("A mix for each of these, with only that one left out"))
        self.in_turn.toggled.connect(self._on_in_turn)
        self.balanced = QCheckBox(self.tr("With the mixer's gains and pans"))
        self.balanced.setToolTip(self.tr("The rest as loud and in the place it is set to; else as it was made"))
        self.balanced.toggled.connect(self._tell)
        self._switches = QHBoxLayout()
        self._switches.setSpacing(16)
        for switch in (self.zipped, self.in_turn, self.balanced):
            self._switches.addWidget(switch)
        self._switches.addStretch(1)

    def _label(self, form: QGridLayout, row: int, text: str, widget: QWidget) -> QLabel:
        label = QLabel(text)
        label.setProperty("role", "field")
        label.setBuddy(widget)
        widget.setAccessibleName(text)
        form.addWidget(label, row, 0)
        return label

    def offer(self, what: What, lanes: Sequence[str] = (), *, in_turn: bool = False) -> None:
        """Begin with this; without `lanes` with what is usual. What the take has not is not offered."""
        self.part.set_value(what)
        self._show_what()
        self.in_turn.setChecked(in_turn and what == "minus")
        if lanes and self.part.value == what:
            self.lanes.pick(lanes)
        self._tell()

    def choice(self) -> ExportChoice:
        what = self._what
        mix = None
        if what == "heard":
            mix = self._mix
        elif what == "minus" and self.balanced.isChecked():
            mix = balance(self._mix)
        return ExportChoice(
            self._track.id,
            Path(self.folder.text().strip()).expanduser(),
            what,
            mix,
            self.lanes.picked if what in self._picked else (),
            in_turn=what == "minus" and self.in_turn.isChecked(),
            zipped=what == "stems" and self.zipped.isChecked(),
            encoding=self._encoding(),
        )

    @property
    def _what(self) -> What:
        return cast(What, self.part.value)

    def set_progress(self, progress: Progress) -> None:
        self.progress.setValue(round(progress.fraction * 1000))

    def show_failure(self, sentence: str) -> None:
        """The export did not work; say so and let the person choose again."""
        self._set_running(False)
        self.fault.say(sentence)

    def finish(self) -> None:
        """The files are there."""
        self._set_running(False)
        self.accept()

    def _encoding(self) -> Encoding:
        return self._qualities[str(self.format.value)][max(0, self.quality.currentIndex())][1]

    def _set_running(self, running: bool) -> None:
        self._running = running
        self.progress.setValue(0)
        self.progress.setVisible(running)
        self.go.setEnabled(not running)
        for widget in (
            self.part, self.lanes, self.zipped, self.in_turn, self.balanced, self.format, self.quality, self.folder
        ):  # fmt: skip
            widget.setEnabled(not running)

    def _show_what(self) -> None:
        """The rows that belong to what is chosen, as they were left."""
        if self._shown in self._picked:
            self._picked[self._shown] = self.lanes.picked
        self._shown = what = self._what
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
        self._tell()

    def _on_in_turn(self, on: bool) -> None:
        """All of them, to begin with; and one again afterwards."""
        self.lanes.pick(self._track.lanes if on else self._track.lanes[:1])
        self._tell()

    def _on_format(self) -> None:
        self.quality.clear()
        self.quality.addItems([text for text, _ in self._qualities[str(self.format.value)]])
        self._tell()

    def _tell(self) -> None:
        fault, names = "", []
        try:
            names = told_names(self._track, self.choice())
        except StudioError as error:
            fault = str(error)
        self.names.setText("\n".join(names))
        self.names.setVisible(bool(names))
        self.fault.say(fault)
        self.go.setEnabled(bool(names) and bool(self.folder.text().strip()) and not self._running)

    def _on_choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Export into"), self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _on_go(self) -> None:
        self.fault.say("")
        self._set_running(True)
        self.export_requested.emit(self.choice())

    def _on_cancel(self) -> None:
        if self._running:
            self.cancel_requested.emit()
            self._set_running(False)
        else:
            self.reject()

    def reject(self) -> None:
        if self._running:
            self.cancel_requested.emit()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._running:
            self.cancel_requested.emit()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Text that wraps needs more than the least height: grow rather than squeeze the controls."""
        if event.type() != QEvent.Type.LayoutRequest:
            return super().event(event)  # perhaps the end: nothing of the dialog is there after it
        done = super().event(event)
        layout = self.layout()
        needed = 0 if layout is None else layout.totalHeightForWidth(self.width())
        if needed > self.height():
            self.resize(self.width(), needed)
        return done
