"""One model: what it is and needs, what this machine makes of it, its licence, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from nur_studio.gui.amounts import duration, size
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.model_view import DOWNLOAD, MISSING, PARTIAL, READY, ModelView, Place, how_far, status
from nur_studio.gui.theme import set_role

_STEPS = 1000
_BYTES_PER_WEIGHT = 4  # what a processor computes with; a GPU needs less, and the forecast says how much


class ModelDetail(QWidget):
    """Shows a `ModelView`; emits what the person wants done with the model of that name."""

    download_requested = Signal(str)
    cancel_requested = Signal(str)
    verify_requested = Signal(str)
    remove_requested = Signal(str)
    use_requested = Signal(str)
    measure_requested = Signal(str)
    licence_requested = Signal()
    agreed = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: ModelView | None = None
        self._place = Place("", 0, 0)
        self._removing = False
        self._build_head()
        self._build_facts()
        self._build_buttons()
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(0)
        column.addLayout(self._head)
        column.addSpacing(4)
        column.addWidget(self.summary)
        column.addSpacing(16)
        column.addLayout(self._facts)
        column.addSpacing(16)
        column.addWidget(self.consent)
        column.addWidget(self.running)
        column.addSpacing(8)
        column.addLayout(self._buttons)
        column.addWidget(self.asking)
        column.addSpacing(8)
        column.addWidget(self.barred)
        column.addWidget(self.fault)
        column.addWidget(self.told)
        column.addStretch(1)

    def _build_head(self) -> None:
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.state = QLabel()
        self.state.setProperty("role", "dim")
        self.summary = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.summary.setProperty("role", "field")
        self._head = QHBoxLayout()
        self._head.setSpacing(8)
        self._head.addWidget(self.title)
        self._head.addStretch(1)
        self._head.addWidget(self.state)

    def _build_facts(self) -> None:
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(16)
        self._facts.setVerticalSpacing(4)
        self._facts.setColumnMinimumWidth(0, 96)
        self._facts.setColumnStretch(1, 1)
        self.download_size = self._fact(self.tr("Download"), columns=2)
        self.disk = self._fact(self.tr("Disk"), columns=2)
        self.memory = self._fact(self.tr("Memory"), columns=2)
        self.machine = self._fact(self.tr("This machine"))
        self.licence = self._fact(self.tr("Licence"))
        self.measure = self._link(self.tr("Measure again"), self.tr("Let this machine work for a moment, and see"))
        self.measure.clicked.connect(lambda: self._emit(self.measure_requested))
        self.read_licence = self._link(self.tr("Read it"), self.tr("The whole text of the licence"))
        self.read_licence.setAccessibleName(self.tr("Read the licence"))
        self.read_licence.clicked.connect(self.licence_requested)
        for row, button in ((3, self.measure), (4, self.read_licence)):
            self._facts.addWidget(button, row, 2, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)

    def _fact(self, name: str, columns: int = 1) -> QLabel:
        row = self._facts.rowCount() if self._facts.count() else 0
        label, value = QLabel(name), QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        label.setProperty("role", "field")
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for widget in (label, value):
            widget.setMinimumHeight(24)
        top = Qt.AlignmentFlag.AlignTop
        self._facts.addWidget(label, row, 0, top)
        self._facts.addWidget(value, row, 1, 1, columns, top)
        return value

    def _link(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, autoDefault=False)
        button.setProperty("role", "link")
        button.setToolTip(tip)
        return button

    def _build_buttons(self) -> None:
        self.consent = QCheckBox(self.tr("I agree to the licence: what it makes is not for sale"))
        self.consent.toggled.connect(self._on_consent)
        self.progress = QProgressBar(textVisible=False, maximum=_STEPS)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.stage, self.rate = QLabel(), QLabel()
        for label in (self.stage, self.rate):
            label.setProperty("role", "numbers")
        line = QHBoxLayout()
        line.addWidget(self.stage)
        line.addStretch(1)
        line.addWidget(self.rate)
        self.running = QFrame()
        column = QVBoxLayout(self.running)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.progress)
        self.download = self._button("", self.download_requested, role="primary")
        self.use = self._button(self.tr("Use this model"), self.use_requested, role="primary")
        self.cancel = self._button(self.tr("Cancel"), self.cancel_requested)
        self.verify = self._button(self.tr("Verify"), self.verify_requested)
        self.verify.setToolTip(self.tr("Read every file again and compare it with its checksum"))
        self.remove = QPushButton(self.tr("Remove…"), autoDefault=False)
        self.remove.clicked.connect(lambda: self._ask(True))
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        for button in (self.download, self.use, self.cancel, self.verify, self.remove):
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
        self.question = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.really = self._button(self.tr("Remove"), self.remove_requested, role="danger")
        self.keep = QPushButton(self.tr("Keep"), autoDefault=False)
        self.keep.clicked.connect(lambda: self._ask(False))
        self.asking = QFrame()
        row = QHBoxLayout(self.asking)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.question, 1)
        row.addWidget(self.keep)
        row.addWidget(self.really)
        self.barred = QLabel(
            self.tr("The settings keep to models whose output you may sell; this is none of them."), wordWrap=True
        )
        self.barred.setProperty("role", "warning")
        self.fault = FaultLabel()
        self.told = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.told.setProperty("role", "good")

    def _button(self, text: str, signal: SignalInstance, role: str = "") -> QPushButton:
        button = QPushButton(text, autoDefault=False)
        button.setProperty("role", role)
        button.clicked.connect(lambda: self._emit(signal))
        return button

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_view(self, view: ModelView, place: Place) -> None:
        """Show `view`, and what can be done with it."""
        if self._view is None or self._view.name != view.name or view.doing or view.state == MISSING:
            self._removing = False
        self._view, self._place = view, place
        info = view.info
        self.title.setText(info.title)
        words, color = status(view)
        self.state.setText("" if view.state == MISSING and not view.doing and not view.fault else words)
        set_role(self.state, color if color in ("good", "warning", "error") else "dim")
        self.summary.setText(info.summary)
        self._show_facts(view)
        with QSignalBlocker(self.consent):
            self.consent.setChecked(view.agreed)
        self._show_actions(view)
        self.fault.say(view.fault)
        self.told.setText(view.told)
        self.told.setVisible(bool(view.told) and not view.fault)

    def _show_facts(self, view: ModelView) -> None:
        info, missing, free = view.info, view.missing_bytes, self._place.free_bytes
        if view.state == READY:
            self.download_size.setText(
                self.tr("all of it is here, {size} of its own").format(size=size(view.disk_bytes))
            )
        elif missing < info.download_bytes:
            self.download_size.setText(
                self.tr("{missing} of {size}; the rest is here already").format(
                    missing=size(missing), size=size(info.download_bytes)
                )
            )
        else:
            self.download_size.setText(size(info.download_bytes))
        short = missing - free
        if short > 0:
            text = self.tr("{free} free: {short} too little").format(free=size(free), short=size(short))
        else:
            text = self.tr("{free} free in {folder}").format(free=size(free), folder=self._place.folder)
        self.disk.setText(text)
        set_role(self.disk, "error" if short > 0 else "")
        self._show_forecast(view)
        self.licence.setText(info.licence)
        set_role(self.licence, "" if info.sellable else "warning")
        self.read_licence.setVisible(not info.sellable)

    def _show_forecast(self, view: ModelView) -> None:
        forecast = view.forecast
        device = f"{forecast.device} ({forecast.precision})" if forecast else ""
        needed = forecast.memory_bytes if forecast else view.info.memory_bytes(_BYTES_PER_WEIGHT)
        self.memory.setText(
            self.tr("about {needed} while it works; this machine has {all}").format(
                needed=size(needed), all=size(self._place.memory_bytes)
            )
        )
        if view.measuring:
            text, role = self.tr("being measured …"), ""
        elif forecast is None:
            text, role = view.forecast_fault or self.tr("not measured yet"), ""
        elif not forecast.fits:
            text, role = self.tr("{device}: its memory is too small").format(device=device), "error"
        else:
            time = duration(forecast.seconds_per_minute)
            text, role = self.tr("{device}: {time} for a minute of music").format(device=device, time=time), ""
        self.machine.setText(text)
        set_role(self.machine, role)
        self.measure.setText(self.tr("Measure") if forecast is None else self.tr("Measure again"))
        self.measure.setEnabled(not view.measuring)

    def _show_actions(self, view: ModelView) -> None:
        idle, ready = not view.doing, view.state == READY
        asking = self._removing and idle
        offered = idle and not ready and not asking
        self.consent.setVisible(offered and not view.info.sellable)
        self.running.setVisible(not idle)
        self.asking.setVisible(asking)
        self.download.setVisible(offered)
        resumed = view.state == PARTIAL
        words = self.tr("Download the rest, {size}") if resumed else self.tr("Download {size}")
        self.download.setText(words.format(size=size(view.missing_bytes)))
        self._allow_download(view)
        self.use.setVisible(idle and ready and not asking)
        self.use.setEnabled(not view.in_use and not view.barred)
        self.barred.setVisible(view.barred)
        self.use.setText(self.tr("In use") if view.in_use else self.tr("Use this model"))
        self.use.setToolTip("" if view.info.purpose == "music" else self.tr("Stems are made with it from now on"))
        self.verify.setVisible(idle and ready and not asking)
        self.remove.setVisible(idle and (view.disk_bytes > 0 or view.state == PARTIAL) and not asking)
        self.cancel.setVisible(not idle)
        self.cancel.setToolTip(self.tr("What came so far is kept") if view.doing == DOWNLOAD else self.tr("Stop this"))
        stage, rate = how_far(view.progress)
        self.stage.setText(stage[:1].upper() + stage[1:])
        self.rate.setText(rate)
        self.progress.setValue(round(_STEPS * view.progress.fraction) if view.progress else 0)
        self.question.setText(self.tr("Remove {title} from the disk?").format(title=view.info.title))

    def _allow_download(self, view: ModelView) -> None:
        short = view.missing_bytes > self._place.free_bytes
        agreed = view.info.sellable or self.consent.isChecked()
        self.download.setEnabled(agreed and not short)
        if short:
            tip = self.tr("There is too little room on the disk")
        elif not agreed:
            tip = self.tr("Agree to the licence first")
        else:
            tip = self.tr("From Hugging Face, checked against its checksums; it can be stopped and resumed")
        self.download.setToolTip(tip)

    # -- intents ---------------------------------------------------------------------------------------------------

    def _emit(self, signal: SignalInstance) -> None:
        if self._view is not None:
            self._removing = False
            signal.emit(self._view.name)

    def _on_consent(self, on: bool) -> None:
        if self._view is not None:
            self._allow_download(self._view)
            self.agreed.emit(self._view.name, on)

    def _ask(self, asking: bool) -> None:
        self._removing = asking
        if self._view is not None:
            self._show_actions(self._view)
        (self.keep if asking else self.remove).setFocus(Qt.FocusReason.OtherFocusReason)
