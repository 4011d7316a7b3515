"""The settings: how the studio looks, sounds, makes music, and what it hands over. Each acts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.contract import MOST_STRETCH, FarOff
from nur_studio.core.paths import Directories
from nur_studio.core.request import FORMATS
from nur_studio.core.settings import Settings
from nur_studio.engines.models import SEPARATORS
from nur_studio.gui.controls import ElidedLabel
from nur_studio.gui.segments import SegmentedControl
from nur_studio.gui.server_section import ServerSection
from nur_studio.gui.top_bar import devices, precisions

_LOOK_AGAIN_MS = 700
_AROUND = 160  # title bar, margins, foot and the system's own bars
_BAR = 8


class SettingsDialog(QDialog):
    """Shows `settings`; emits each change as it is made. It blocks nothing: the window stays usable beside it."""

    changed = Signal(object)  # dict of the settings that are others now
    models_requested = Signal()
    server_test_requested = Signal()

    def __init__(
        self,
        settings: Settings,
        directories: Directories,
        devices: Callable[[], Sequence[str]],
        parent: QWidget,
        *,
        server_fixed: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumWidth(520)
        self._devices = devices
        self._device = settings.output_device
        self._page = QWidget()
        self._form = QGridLayout(self._page)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setColumnMinimumWidth(0, 120)
        self._form.setColumnStretch(1, 1)

        self._section(self.tr("LOOK"))
        self.theme = SegmentedControl(
            [("dark", self.tr("Dark")), ("light", self.tr("Light")), ("system", self.tr("As the system"))]
        )
        self.theme.set_value(settings.theme)
        self.theme.chosen.connect(lambda value: self.changed.emit({"theme": value}))
        self._row(self.tr("Theme"), self.theme)

        self._section(self.tr("SOUND"))
        self.device = QComboBox()
        self.device.setMinimumContentsLength(24)
        self.device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device.activated.connect(self._on_device)
        self._row(self.tr("Output device"), self.device)
        self._fill_devices()

        self._section(self.tr("MUSICGEN"))
        self._build_music(settings)

        self._section(self.tr("STEMS"))
        self._build_stems(settings)

        self._section(self.tr("FILES FOR OTHER PROGRAMS"))
        self.drag_format = SegmentedControl([(name, name) for name in FORMATS])
        self.drag_format.set_value(settings.drag_format)
        self.drag_format.setToolTip(self.tr("What a drag hands over"))
        self.drag_format.chosen.connect(self._on_drag_format)
        self._row(self.tr("Drag as"), self.drag_format)
        self.wav = SegmentedControl(
            [("PCM_16", self.tr("16 bit")), ("PCM_24", self.tr("24 bit")), ("FLOAT", self.tr("32 bit float"))]
        )
        self.wav.set_value(settings.wav_subtype)
        self.wav.setEnabled(settings.drag_format == "wav")
        self.wav.chosen.connect(lambda value: self.changed.emit({"wav_subtype": value}))
        self._row(self.tr("WAV files"), self.wav)

        self._section(self.tr("ANOTHER STUDIO ON THE NETWORK"))
        self._build_server(settings, server_fixed)

        self._section(self.tr("ON THIS MACHINE"))
        self._folder(self.tr("Library"), directories.library)
        self._models(directories.models)
        self._folder(self.tr("Log files"), directories.log)

        close = QPushButton(self.tr("Done"))
        close.setProperty("role", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addWidget(self._scrolled(), 1)
        column.addLayout(foot)
        # The player looks devices up in its own process; what it finds is there a moment later.
        self._again = QTimer(self, interval=_LOOK_AGAIN_MS)
        self._again.timeout.connect(self._fill_devices)
        self._again.start()

    def _scrolled(self) -> QScrollArea:
        """All of it at once where the screen has room for that."""
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._page)
        self._page.ensurePolished()
        needed = self._page.sizeHint()
        room = self.screen().availableGeometry().height() - _AROUND
        scroll.setMinimumSize(needed.width() + _BAR, min(needed.height(), room))
        return scroll

    def _build_music(self, settings: Settings) -> None:
        self.compute = QComboBox()
        for value, text in devices():
            self.compute.addItem(text, value)
        self.compute.setCurrentIndex(max(0, self.compute.findData(settings.device)))
        self.compute.setToolTip(self.tr("What is chosen here is taken, or it says why not: never another in silence"))
        self.compute.activated.connect(lambda row: self.changed.emit({"device": str(self.compute.itemData(row))}))
        self._row(self.tr("Compute on"), self.compute)
        self.precision = SegmentedControl([(value, title) for value, title, _ in precisions()])
        self.precision.set_value(settings.precision)
        self.precision.setToolTip("\n".join(f"{title}: {tip}." for _, title, tip in precisions()))
        self.precision.chosen.connect(lambda value: self.changed.emit({"precision": value}))
        self._row(self.tr("Precision"), self.precision)
        self.master = SegmentedControl([(True, self.tr("−14 LUFS")), (False, self.tr("As the model makes it"))])
        self.master.set_value(settings.master)
        self.master.setToolTip(self.tr("Peaks stay at −1 dBTP or below; the model's own level is never clipped"))
        self.master.chosen.connect(lambda value: self.changed.emit({"master": value}))
        self._row(self.tr("Loudness"), self.master)
        self.rate = SegmentedControl([(44100, self.tr("44.1 kHz")), (48000, self.tr("48 kHz"))])
        self.rate.set_value(settings.sample_rate)
        self.rate.setToolTip(self.tr("Of what is made from now on"))
        self.rate.chosen.connect(lambda value: self.changed.emit({"sample_rate": value}))
        self._row(self.tr("Sample rate"), self.rate)
        self.far_off = SegmentedControl(
            [
                (FarOff.ASK.value, self.tr("Ask")),
                (FarOff.STRETCH.value, self.tr("Stretch")),
                (FarOff.REROLL.value, self.tr("Roll again")),
                (FarOff.LEAVE.value, self.tr("Leave")),
            ]
        )
        self.far_off.set_value(settings.far_off)
        self.far_off.setToolTip(
            self.tr(
                "What to do with takes more than {most:.0%} off the asked tempo; nearer ones are always stretched"
            ).format(most=MOST_STRETCH)
        )
        self.far_off.chosen.connect(lambda value: self.changed.emit({"far_off": value}))
        self._row(self.tr("Far off tempo"), self.far_off)
        self.sellable = QCheckBox(self.tr("Only models whose output I may sell"))
        self.sellable.setChecked(settings.sellable_only)
        self.sellable.setToolTip(self.tr("MusicGen's weights are CC BY-NC 4.0: what they make is not for sale"))
        self.sellable.clicked.connect(lambda on: self.changed.emit({"sellable_only": on}))
        self._row(self.tr("Licence"), self.sellable)
        self.sellable.setAccessibleName(self.sellable.text())

    def _build_stems(self, settings: Settings) -> None:
        self.separate = QCheckBox(self.tr("Make stems of what MusicGen makes"))
        self.separate.setChecked(settings.separate)
        self.separate.setToolTip(self.tr("Each take is separated when it is made, where a separator is here"))
        self.separate.clicked.connect(lambda on: self.changed.emit({"separate": on}))
        self._row(self.tr("By itself"), self.separate)
        self.separate.setAccessibleName(self.separate.text())
        self.separator = QComboBox()
        for info in SEPARATORS:
            self.separator.addItem(info.title, info.name)
            self.separator.setItemData(self.separator.count() - 1, info.summary, Qt.ItemDataRole.ToolTipRole)
        self.separator.setCurrentIndex(self.separator.findData(settings.separator))
        self.separator.setToolTip(self.tr("Where this one is not here, another that is does the work"))
        self.separator.activated.connect(lambda row: self.changed.emit({"separator": self.separator.itemData(row)}))
        self._row(self.tr("Separate with"), self.separator)

    def _build_server(self, settings: Settings, fixed: str) -> None:
        self.server = ServerSection(settings.server, settings.server_token, fixed, self)
        self.server.chosen.connect(self.changed)
        self.server.test_requested.connect(self.server_test_requested)
        self._row(self.tr("Address"), self.server.address)
        self._row(self.tr("Token"), self.server.token)
        self._row("", self.server.line)
        self.server.button.setAccessibleName(self.tr("Test the studio at this address"))
        self.finished.connect(self.server.tell)  # closed while a field was being written

    def show_settings(self, settings: Settings) -> None:
        """Some of them were changed elsewhere in the window."""
        self.compute.setCurrentIndex(max(0, self.compute.findData(settings.device)))
        self.precision.set_value(settings.precision)
        self.sellable.setChecked(settings.sellable_only)
        self.separator.setCurrentIndex(self.separator.findData(settings.separator))

    def _section(self, text: str) -> None:
        label = QLabel(text)
        label.setProperty("role", "section")
        label.setContentsMargins(0, 12 if self._form.count() else 0, 0, 0)
        self._form.addWidget(label, self._form.rowCount(), 0, 1, 2)

    def _row(self, text: str, widget: QWidget) -> None:
        row = self._form.rowCount()
        label = QLabel(text)
        label.setProperty("role", "field")
        label.setBuddy(widget)
        widget.setAccessibleName(text)
        self._form.addWidget(label, row, 0)
        self._form.addWidget(widget, row, 1)

    def _folder(self, text: str, folder: Path) -> None:
        line = QFrame()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        path = ElidedLabel(str(folder))
        path.setProperty("role", "dim")
        button = QPushButton(self.tr("Open"))
        button.setAccessibleName(self.tr("Open: {what}").format(what=text))
        button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        row.addWidget(path, 1)
        row.addWidget(button)
        self._row(text, line)

    def _models(self, folder: Path) -> None:
        line = QFrame()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        path = ElidedLabel(str(folder))
        path.setProperty("role", "dim")
        self.manage = QPushButton(self.tr("Manage…"), autoDefault=False)
        self.manage.setAccessibleName(self.tr("Manage models"))
        self.manage.setToolTip(self.tr("Download, import, check and remove weights"))
        self.manage.clicked.connect(self.models_requested)
        row.addWidget(path, 1)
        row.addWidget(self.manage)
        self._row(self.tr("Models"), line)

    def _fill_devices(self) -> None:
        names = list(self._devices())
        items = [(self.tr("The system's choice"), ""), *((name, name) for name in names)]
        if self._device and self._device not in names:
            items.append((self.tr("{name} (not there)").format(name=self._device), self._device))
        if [(self.device.itemText(i), self.device.itemData(i)) for i in range(self.device.count())] != items:
            self.device.clear()
            for text, data in items:
                self.device.addItem(text, data)
            self.device.setCurrentIndex(max(0, self.device.findData(self._device)))

    def _on_device(self, index: int) -> None:
        self._device = str(self.device.itemData(index))
        self.changed.emit({"output_device": self._device})

    def _on_drag_format(self, value: object) -> None:
        self.wav.setEnabled(value == "wav")
        self.changed.emit({"drag_format": value})
