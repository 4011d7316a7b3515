"""The models on this machine: what there is, what it takes, and getting, checking and removing the weights."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.progress import Progress
from nur_studio.gui.controls import ElidedLabel, line
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.model_detail import ModelDetail
from nur_studio.gui.model_list import ModelList
from nur_studio.gui.model_view import ModelView, Place, how_far

_SIZE = (928, 600)
_LEAST = (760, 440)
_AROUND = (32, 64)  # what a small screen needs for title bar and the like
_LIST_WIDTH = 248
_STAYS_MS = 500  # a row passed by on the way to another is not measured
_STEPS = 1000


class ModelsDialog(QDialog):
    """Shows `ModelView`s and emits what the person wants. It blocks nothing, and closing it stops nothing."""

    import_requested = Signal()
    cancel_import_requested = Signal()
    folder_requested = Signal()
    stayed_on = Signal(str)  # a model has been on show for a moment

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Models"))
        self.setMinimumSize(*_LEAST)
        self.resize(QSize(*_SIZE).boundedTo(self.screen().availableGeometry().size() - QSize(*_AROUND)))
        self._views: dict[str, ModelView] = {}
        self._place = Place("", 0, 0)
        self.list = ModelList()
        self.list.setFixedWidth(_LIST_WIDTH)
        self.list.picked.connect(self._on_picked)
        self.detail = ModelDetail()
        self._stay = QTimer(self, singleShot=True, interval=_STAYS_MS)
        self._stay.timeout.connect(lambda: self.stayed_on.emit(self.list.current))
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.detail)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        side = QFrame()
        side.setProperty("role", "panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(4, 8, 4, 8)
        column.addWidget(self.list)
        body.addWidget(side)
        body.addWidget(line("vline"))
        body.addWidget(scroll, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(body, 1)
        column.addWidget(line("line"))
        column.addWidget(self._foot())
        self.list.setFocus()

    def _foot(self) -> QWidget:
        foot = QFrame()
        self.bring = QPushButton(self.tr("Import from a folder…"), autoDefault=False)
        self.bring.setToolTip(
            self.tr("Weights that are here already: a folder or USB disk with MusicGen's or Demucs' files as published")
        )
        self.bring.clicked.connect(self.import_requested)
        self.stop = QPushButton(self.tr("Cancel"), autoDefault=False)
        self.stop.setAccessibleName(self.tr("Cancel the import"))
        self.stop.clicked.connect(self.cancel_import_requested)
        self.folder = QPushButton(self.tr("Show the folder"), autoDefault=False)
        self.folder.setProperty("role", "flat")
        self.folder.clicked.connect(self.folder_requested)
        self.import_words = ElidedLabel()
        self.import_words.setProperty("role", "numbers")
        self.import_progress = QProgressBar(textVisible=False, maximum=_STEPS)
        self.import_progress.setAccessibleName(self.tr("Progress of the import"))
        done = QPushButton(self.tr("Done"), autoDefault=False)
        done.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.bring)
        row.addWidget(self.stop)
        row.addWidget(self.folder)
        row.addSpacing(8)
        row.addWidget(self.import_progress, 1)
        row.addWidget(self.import_words, 1)
        row.addWidget(done)
        self.import_fault = FaultLabel()
        self.import_told = QLabel(wordWrap=True)
        self.import_told.setProperty("role", "good")
        column = QVBoxLayout(foot)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(self.import_fault)
        column.addWidget(self.import_told)
        column.addLayout(row)
        self.show_import(running=False)
        return foot

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_models(self, views: Sequence[ModelView], place: Place) -> None:
        """Show these models; the one that was on show stays so."""
        self._views, self._place = {view.name: view for view in views}, place
        self.list.set_views(views)
        self._show_current()

    def open_at(self, name: str) -> None:
        """Put the model of this name on show; "" leaves it to the person."""
        if name:
            self.list.pick(name)

    def show_import(self, *, running: bool, progress: Progress | None = None, fault: str = "", told: str = "") -> None:
        """How the import from a folder stands, or how it ended."""
        stage, rate = how_far(progress)
        self.import_words.set_text(" · ".join(word for word in (stage[:1].upper() + stage[1:], rate) if word))
        self.import_progress.setValue(round(_STEPS * progress.fraction) if progress else 0)
        for widget in (self.stop, self.import_progress):
            widget.setVisible(running)
        if not running:
            self.import_words.set_text("")
        self.bring.setVisible(not running)
        self.import_fault.say(fault)
        self.import_told.setText(told)
        self.import_told.setVisible(bool(told))

    def _show_current(self) -> None:
        view = self._views.get(self.list.current)
        if view is not None:
            self.detail.show_view(view, self._place)

    # -- intents ---------------------------------------------------------------------------------------------------

    def _on_picked(self, _: str) -> None:
        self._show_current()
        self._stay.start()
