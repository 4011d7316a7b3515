"""Export: the mix, the mix as heard, or the stems, in any format, into a folder; never over an old file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
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
from nur_studio.core.mix import Mix
from nur_studio.core.names import file_name
from nur_studio.core.progress import Progress
from nur_studio.core.request import FORMATS
from nur_studio.core.track import Track
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.segments import SegmentedControl


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What to write. `mix` is None for the take as it was made."""

    track_id: str
    stems: bool
    mix: Mix | None
    encoding: Encoding
    folder: Path


class ExportDialog(QDialog):
    """Asks what to export and shows how far it is. It blocks nothing."""

    export_requested = Signal(object)  # ExportChoice
    cancel_requested = Signal()

    def __init__(self, track: Track, mix: Mix, folder: Path, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(540)
        self._track, self._mix = track, mix
        self._running = False
        self._qualities: dict[str, list[tuple[str, Encoding]]] = {
            "wav": [
                (self.tr("24 bit"), Encoding("wav", "PCM_24")),
                (self.tr("16 bit, dithered"), Encoding("wav", "PCM_16")),
                (self.tr("32 bit float"), Encoding("wav", "FLOAT")),
            ],
            "flac": [
                (self.tr("24 bit"), Encoding("flac", "PCM_24")),
                (self.tr("16 bit, dithered"), Encoding("flac", "PCM_16")),
            ],
            "mp3": [(self.tr("{k} kbit/s").format(k=k), Encoding("mp3", mp3_kbps=k)) for k in (320, 256, 192, 128)],
            "ogg": [
                (self.tr("high"), Encoding("ogg", ogg_quality=0.7)),
                (self.tr("very high"), Encoding("ogg", ogg_quality=0.9)),
                (self.tr("small"), Encoding("ogg", ogg_quality=0.4)),
            ],
        }
        self._build(folder)
        self._on_format()

    def _build(self, folder: Path) -> None:
        title = QLabel(self._track.title)
        title.setProperty("role", "heading")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        parts = [("mix", self.tr("Mix"))]
        if self._mix != Mix():
            parts.append(("heard", self.tr("Mix as heard")))
        if self._track.lanes:
            parts.append(("stems", self.tr("Stems, {n} files").format(n=len(self._track.lanes))))
        self.part = SegmentedControl(parts)
        self.part.chosen.connect(self._tell)
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
        for row, (text, widget) in enumerate(
            ((self.tr("What"), self.part), (self.tr("Format"), self.format), (self.tr("Quality"), self.quality))
        ):
            self._label(form, row, text, widget)
            form.addWidget(widget, row, 1)
        self._label(form, 3, self.tr("Into folder"), self.folder)
        form.addLayout(place, 3, 1)
        form.addWidget(self.names, 4, 1)
        self.fault = FaultLabel()
        form.addWidget(self.fault, 5, 1)
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

    def _label(self, form: QGridLayout, row: int, text: str, widget: QWidget) -> None:
        label = QLabel(text)
        label.setProperty("role", "field")
        label.setBuddy(widget)
        widget.setAccessibleName(text)
        form.addWidget(label, row, 0)

    def choice(self) -> ExportChoice:
        return ExportChoice(
            self._track.id,
            self.part.value == "stems",
            self._mix if self.part.value == "heard" else None,
            self._encoding(),
            Path(self.folder.text().strip()).expanduser(),
        )

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
        for widget in (self.part, self.format, self.quality, self.folder):
            widget.setEnabled(not running)

    def _on_format(self) -> None:
        self.quality.clear()
        self.quality.addItems([text for text, _ in self._qualities[str(self.format.value)]])
        self._tell()

    def _tell(self) -> None:
        track, ending = self._track, str(self.format.value)
        parts = {"stems": track.lanes, "heard": ("as heard",)}.get(str(self.part.value), ("mix",))
        self.names.setText("\n".join(file_name(track.title, track.tempo, track.key, part, ending) for part in parts))
        self.fault.say("")
        self.go.setEnabled(bool(self.folder.text().strip()) and not self._running)

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
