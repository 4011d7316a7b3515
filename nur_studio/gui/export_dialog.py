"""Export: whole takes, pieces of them, notes, sessions; says what comes out before it is written, never over a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Progress
from nur_studio.core.request import FORMATS
from nur_studio.core.track import Track
from nur_studio.gui.controls import ElidedLabel
from nur_studio.gui.dialog_foot import DialogFoot
from nur_studio.gui.export_choice import ExportChoice, What, facts, qualities, told_names
from nur_studio.gui.export_clip import ClipPage, LoopQuestion
from nur_studio.gui.export_notes import NotesPage
from nur_studio.gui.export_page import ExportPage, Page, add_row, form_grid, remark
from nur_studio.gui.export_session import SessionPage
from nur_studio.gui.export_sound import SoundPage
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.segments import SegmentedControl
from nur_studio.studio.clips import Loop

_MOST_NAMES = 6  # in sight: the dialog fits a small screen


class ExportDialog(QDialog):
    """Asks what to export and shows how far it is. It blocks nothing."""

    export_requested = Signal(object)  # ExportChoice
    cancel_requested = Signal()
    looked_for = Signal(object)  # LoopQuestion, to be answered with `show_seam`

    def __init__(
        self,
        track: Track,
        mix: Mix,
        folder: Path,
        span: tuple[int, int] | None = None,
        *,
        parent: QWidget | None = None,
    ) -> None:
        """`mix` is how it is heard now, `span` what of it is marked, in frames."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(560)
        mix = mix.within(track.lanes)
        self._track = track
        self._running = self._turned = False
        self._qualities = qualities()
        self.sound = SoundPage(track, mix)
        self.clip = ClipPage(track, mix, span)
        self.notes = NotesPage(track)
        self.session = SessionPage(track)
        self._pages: dict[object, ExportPage] = {
            "sound": self.sound, "clip": self.clip, "midi": self.notes, "session": self.session
        }  # fmt: skip
        self._formats = {"sound": track.output_format, "clip": "wav"}  # a piece goes on into a program
        self._shown: object = "sound"
        self._build(folder)
        self._show_page()

    def _build(self, folder: Path) -> None:
        title = ElidedLabel(self._track.title)
        title.setProperty("role", "heading")
        self.kind = SegmentedControl(
            [
                ("sound", self.tr("Whole take")),
                ("clip", self.tr("Part or loop")),
                ("midi", self.tr("MIDI")),
                ("session", self.tr("Session")),
            ]
        )
        self.kind.setAccessibleName(self.tr("Kind of export"))
        self.kind.chosen.connect(self._show_page)
        self.format = SegmentedControl([(name, name) for name in FORMATS])
        self.format.set_value(self._track.output_format)
        self.format.chosen.connect(self._on_format)
        self.quality = QComboBox()
        self.quality.setAccessibleName(self.tr("Quality"))
        self.quality.currentIndexChanged.connect(self._tell)
        self._file = QWidget()
        as_file = QHBoxLayout(self._file)
        as_file.setContentsMargins(0, 0, 0, 0)
        as_file.setSpacing(8)
        as_file.addWidget(self.format, 3)
        as_file.addWidget(self.quality, 2)
        self.folder = QLineEdit(str(folder))
        self.folder.textChanged.connect(self._tell)
        self._choose = QPushButton(self.tr("Choose…"))
        self._choose.clicked.connect(self._on_choose)
        place = QWidget()
        into = QHBoxLayout(place)
        into.setContentsMargins(0, 0, 0, 0)
        into.setSpacing(8)
        into.addWidget(self.folder, 1)
        into.addWidget(self._choose)
        place.setFocusProxy(self.folder)
        self.names, self.facts = remark(), remark()
        self.names.setProperty("role", "")
        self.fault = FaultLabel()
        form = form_grid()
        self._format_label = add_row(form, 0, self.tr("Format"), self._file)
        self._file.setFocusProxy(self.format)
        add_row(form, 1, self.tr("Into folder"), place)
        self.folder.setAccessibleName(self.tr("Into folder"))
        self._comes_out = add_row(form, 2, self.tr("You get"), self.names)
        form.setAlignment(self._comes_out, Qt.AlignmentFlag.AlignTop)
        self.names.setAccessibleName("")
        form.addWidget(self.facts, 3, 1)
        form.addWidget(self.fault, 4, 1)
        foot = DialogFoot(self.tr("Export"))
        self.foot, self.go, self.cancel, self.progress = foot, foot.go, foot.cancel, foot.progress
        self.cancel.clicked.connect(self._on_cancel)
        self.go.clicked.connect(self._on_go)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(self.kind)
        for page in self._pages.values():
            column.addWidget(page)
            page.changed.connect(self._tell)
        self.clip.looked_for.connect(self.looked_for)
        column.addLayout(form)
        column.addStretch(1)
        column.addWidget(foot)

    def offer(self, what: What, lanes: Sequence[str] = (), *, in_turn: bool = False) -> None:
        """Begin with this; without `lanes` with what is usual. What the take has not is not offered."""
        if what in ("clip", "loop"):
            self.kind.set_value("clip")
            self.clip.offer(what, tuple(lanes))
        elif what == "midi":
            self.kind.set_value("midi")
            self.notes.offer(tuple(lanes))
        elif what == "session":
            self.kind.set_value("session")
        else:
            self.sound.offer(what, lanes, in_turn=in_turn)
        self._show_page()

    def choice(self) -> ExportChoice:
        folder = Path(self.folder.text().strip()).expanduser()
        return cast(Page, self._page).fill(ExportChoice(self._track.id, folder, encoding=self._encoding()))

    def show_notes(self, scored: bool, why_not: Mapping[str, str]) -> None:
        """Whether the notes of the take were written, and by part why there can be none."""
        self.notes.show_notes(scored, why_not)

    def show_seam(self, question: LoopQuestion, loop: Loop | str) -> None:
        """The answer to what was looked for: a loop, or why there is none."""
        self.clip.show_seam(question, loop)

    def set_progress(self, progress: Progress) -> None:
        self.foot.set_progress(progress)

    def show_failure(self, sentence: str) -> None:
        """The export did not work; say so and let the person choose again."""
        self._set_running(False)
        self.fault.say(sentence)

    def finish(self) -> None:
        """The files are there."""
        self._set_running(False)
        self.accept()

    @property
    def _page(self) -> ExportPage:
        return self._pages[self.kind.value]

    def _encoding(self) -> Encoding:
        return self._qualities[str(self.format.value)][max(0, self.quality.currentIndex())][1]

    def _set_running(self, running: bool) -> None:
        self._running = running
        self.foot.set_running(running)
        for widget in (self.kind, *self._pages.values(), self._file, self.folder, self._choose):
            widget.setEnabled(not running)

    def _show_page(self) -> None:
        """The rows of the kind that is chosen, and its format as it was left."""
        if self._shown in self._formats:
            self._formats[str(self._shown)] = str(self.format.value)
        self._shown, self._turned = self.kind.value, True
        for page in self._pages.values():
            page.setVisible(page is self._page)
        files = self._shown in self._formats
        for widget in (self._format_label, self._file):
            widget.setVisible(files)
        if files:
            self.format.set_value(self._formats[str(self._shown)])
        self._on_format()

    def _on_format(self) -> None:
        blocked = self.quality.blockSignals(True)
        self.quality.clear()
        self.quality.addItems([text for text, _ in self._qualities[str(self.format.value)]])
        self.quality.blockSignals(blocked)
        self._tell()

    def _tell(self) -> None:
        """What comes out, or why nothing can."""
        fault, names, said = self._page.why_not(), [], ""
        if not fault:
            try:
                choice = self.choice()
                names, said = told_names(self._track, choice), facts(self._track, choice)
            except StudioError as error:
                fault = str(error)
        left_out = len(names) - _MOST_NAMES
        more = [self.tr("… and {n} more").format(n=left_out + 1)] if left_out > 0 else []
        self.names.setText("\n".join([*names[: _MOST_NAMES - 1], *more] if more else names))
        self.names.setToolTip("\n".join(names) if more else "")
        self.facts.setText(said)
        for widget in (self._comes_out, self.names, self.facts):
            widget.setVisible(bool(names))
        self.fault.say(fault)
        self.go.setEnabled(bool(names) and bool(self.folder.text().strip()) and not self._running)
        if self._page is self.clip:
            self.clip.ask()

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
        """Text that wraps needs more than the least height: grow rather than squeeze the controls. A page that was
        turned to has the height it needs.
        """
        if event.type() != QEvent.Type.LayoutRequest:
            return super().event(event)  # perhaps the end: nothing of the dialog is there after it
        done = super().event(event)
        layout = self.layout()
        needed = 0 if layout is None else layout.totalHeightForWidth(self.width())
        if needed > self.height() or self._turned:
            self._turned = False
            self.resize(self.width(), needed)
        return done
