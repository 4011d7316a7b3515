"""The main window: puts the panels in their places and wires them to their controllers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from nur_studio.audio.player import Player
from nur_studio.core.errors import StudioError
from nur_studio.core.genres import genres
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track
from nur_studio.engines.base import EngineInfo
from nur_studio.gui.arrivals import Arrivals
from nur_studio.gui.banner import Banner
from nur_studio.gui.combining import CombineDesk
from nur_studio.gui.compose_panel import ComposePanel
from nur_studio.gui.composing import Composing
from nur_studio.gui.controls import line
from nur_studio.gui.draft import load_draft, save_draft
from nur_studio.gui.drag import DragOut
from nur_studio.gui.drag_desk import DragDesk
from nur_studio.gui.engine_choice import EngineChoice
from nur_studio.gui.exporting import Exporter
from nur_studio.gui.history import History
from nur_studio.gui.importing import ImportDesk
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.loop_desk import LoopDesk
from nur_studio.gui.making import Maker
from nur_studio.gui.making_desk import MakingDesk
from nur_studio.gui.mix_desk import MixDesk
from nur_studio.gui.model_work import ModelWork
from nur_studio.gui.models_desk import ModelsDesk
from nur_studio.gui.playback import Playback
from nur_studio.gui.preferences import Preferences, metronome_of
from nur_studio.gui.server_work import ServerWork
from nur_studio.gui.shelf import Shelf
from nur_studio.gui.shortcuts import ShortcutSheet, add_shortcuts
from nur_studio.gui.splitter import Splitter
from nur_studio.gui.stage import Stage
from nur_studio.gui.stems_desk import StemsDesk
from nur_studio.gui.take_actions import TakeActions
from nur_studio.gui.tempo_desk import TempoDesk
from nur_studio.gui.toast import Toast
from nur_studio.gui.top_bar import MANAGE_KEYS, TopBar
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio

_LEAST = (1024, 640)
_FIRST = (1440, 900)
_FIRST_SPLIT = (560, 300)
_DRAFT_AFTER_MS = 2000
_BANNER_BESIDE_TAKE = 760  # height: below it the lanes need every pixel


class MainWindow(QMainWindow):
    """Three places: compose, track, library. `on_unforeseen` is told errors that are no sentences for people."""

    painted = Signal()  # for the first time

    def __init__(self, studio: Studio, player: Player, on_unforeseen: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._studio, self._on_unforeseen = studio, on_unforeseen
        self._painted = self._closed = self._passing_key = False
        self.setWindowTitle("NUR Studio")
        self.setMinimumSize(QSize(*_LEAST).boundedTo(self._room()))
        # Beside the queue of generations: opening a take waits neither behind one nor behind an export.
        self.reading, self.writing = JobQueue(self, "reading"), JobQueue(self, "writing")
        self.handing = JobQueue(self, "handing over")  # a hand that drags waits behind no export
        self.top = TopBar()
        self.compose = ComposePanel(studio.read, genres())
        self.view = TrackView()
        self.library = LibraryPanel(lambda name: self.engines.title(name))
        self.banner = Banner()
        self._place()
        self.toast = Toast(self, self.splitter)
        self.maker = Maker(studio, self)
        self.playback = Playback(player, self.view, self)
        self.history = History(lambda: "" if self.view.track is None else self.view.track.id, self)
        self.mixes = MixDesk(self.view, studio.library, self.reading, self.history, self)
        self.stage = Stage(self.view, self.playback, studio.library, self.reading, self.mixes, self)
        self.loops = LoopDesk(studio, self.playback, self.view, self.stage, self)
        self.shelf = Shelf(self.library, studio.library, self.reading, self)
        self.drags = DragOut(self, studio, self.handing)
        self.exporter = Exporter(studio, self.writing, self)
        self.preferences = Preferences(studio, self.playback, self.drags, self)
        self.model_work = ModelWork(studio, self)
        self.models = ModelsDesk(studio, self.model_work, self.banner, self.toast, self)
        self.engines = EngineChoice(
            studio,
            self.top.engine,
            work=self.model_work,
            desk=self.models,
            preferences=self.preferences,
            queue=self.writing,
            parent=self,
        )
        self.server = ServerWork(studio, self.preferences, self)
        self.actions_on_takes = TakeActions(
            studio,
            self.reading,
            maker=self.maker,
            stage=self.stage,
            shelf=self.shelf,
            view=self.view,
            exporter=self.exporter,
            history=self.history,
            toast=self.toast,
        )
        self.dragging = DragDesk(
            studio, self.reading, view=self.view, stage=self.stage, panel=self.library, drags=self.drags,
            toast=self.toast,
        )  # fmt: skip
        self.stems = StemsDesk(
            studio, maker=self.maker, stage=self.stage, view=self.view, acts=self.actions_on_takes, desk=self.models,
            work=self.model_work, preferences=self.preferences, toast=self.toast,
        )  # fmt: skip
        self.arrivals = Arrivals(self.library.strip, self.stage, self.shelf, self.playback, self.toast)
        self.importing = ImportDesk(studio, self.library, self.arrivals, self)
        self.tempi = TempoDesk(
            studio, self.reading, maker=self.maker, stage=self.stage, shelf=self.shelf, view=self.view,
            history=self.history,
        )  # fmt: skip
        self.combining = CombineDesk(
            studio, self.reading, view=self.view, acts=self.actions_on_takes, arrivals=self.arrivals, window=self
        )
        self._draft_later = QTimer(self, singleShot=True, interval=_DRAFT_AFTER_MS)
        self._wire_compose()
        self._wire_track()
        self._wire_library()
        self._add_shortcuts()
        self._restore()

    def _room(self) -> QSize:
        """What the screen has: with its pixels doubled, many a laptop has less than the least."""
        return self.screen().availableGeometry().size()

    # -- places --------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        """From the outermost inwards: whatever gets another parent is styled anew, with all that is in it."""
        body = QWidget()
        self.setCentralWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addWidget(line("line"))
        right = QHBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        column.addLayout(right, 1)
        right.addWidget(self.compose)
        right.addWidget(line("vline"))
        made = QVBoxLayout()
        made.setSpacing(0)
        right.addLayout(made, 1)
        self.splitter = Splitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(7)
        made.addWidget(self.banner)
        made.addWidget(self.splitter, 1)
        self.splitter.addWidget(self.view)
        self.splitter.addWidget(self.library)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setCollapsible(0, False)

    def _restore(self) -> None:
        settings = self._studio.settings
        self.resize(QSize(*_FIRST).boundedTo(self._room()))
        if settings.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode()))
        if not settings.splitter or not self.splitter.restoreState(QByteArray.fromBase64(settings.splitter.encode())):
            self.splitter.setSizes(list(_FIRST_SPLIT))
        self.compose.form.format.set_value(settings.output_format)
        self.compose.restore(load_draft(self._studio.directories.config))
        self.engines.show()
        self.view.set_ruler(settings.ruler)
        self.view.set_snapping(settings.snap)
        self.view.set_metronome(metronome_of(settings))
        self.view.set_volume(settings.volume_db)
        self.compose.prompt.setFocus()

    # -- wires ---------------------------------------------------------------------------------------------------

    def _wire_compose(self) -> None:
        compose, maker, stage = self.compose, self.maker, self.stage
        compose.generate_requested.connect(self._on_generate)
        compose.cancel_requested.connect(maker.cancel)
        compose.remove_requested.connect(maker.remove)
        compose.edited.connect(self._draft_later.start)
        self._draft_later.timeout.connect(self._keep_draft)
        maker.started.connect(stage.on_started)
        maker.grew.connect(stage.on_grew)
        maker.made.connect(stage.on_made)
        maker.take_failed.connect(stage.on_take_failed)
        maker.cancelled.connect(stage.on_cancelled)
        self.making = MakingDesk(
            maker, compose=compose, engine=self.top.engine, library=self.library, stage=stage, shelf=self.shelf
        )  # after the stage, which says what is on show
        self.making.unforeseen.connect(self._on_unforeseen)
        self.engines.changed.connect(self._on_engine)
        self.engines.failed.connect(self.tell)
        self.server.changed.connect(self.engines.show)
        self.server.failed.connect(self._on_unforeseen)
        maker.made.connect(self.engines.on_made)
        self.model_work.unforeseen.connect(self._on_unforeseen)
        self.model_work.changed.connect(lambda: self.top.set_downloading(self.model_work.busy is not None))
        self.top.settings_requested.connect(self.preferences.open)
        self.top.shortcuts_requested.connect(self.open_shortcuts)
        self.preferences.failed.connect(self.tell)
        self.composing = Composing(
            self._studio,
            self.reading,
            compose=compose,
            maker=maker,
            stage=stage,
            view=self.view,
            library=self.library,
            toast=self.toast,
        )
        self.composing.failed.connect(self.tell)
        self.engines.changed.connect(self.composing.on_engine)

    def _wire_track(self) -> None:
        view, acts = self.view, self.actions_on_takes
        view.export_requested.connect(acts.export_shown)
        view.star_toggled.connect(acts.star_shown)
        view.rename_requested.connect(acts.rename_shown)
        view.another_take_requested.connect(acts.another_take)
        view.retry_requested.connect(acts.retry_shown)
        view.take_selected.connect(self.stage.open)
        view.volume_changed.connect(self.preferences.on_volume)
        view.metronome_changed.connect(self.preferences.on_metronome)
        view.ruler_changed.connect(self.preferences.on_ruler)
        view.snapping_changed.connect(self.preferences.on_snapping)
        self.loops.failed.connect(self.tell)
        self.stage.opened.connect(self._on_opened)
        self.stage.cleared.connect(lambda: self.library.model.set_open(""))
        for changed in (self.stage.opened, self.stage.cleared, self.maker.started):
            changed.connect(self._give_banner_room)
        self.playback.faulted.connect(self.toast.say)
        self.playback.mended.connect(self.toast.take_back)

    def _wire_library(self) -> None:
        panel, acts = self.library, self.actions_on_takes
        panel.opened.connect(self.stage.open)
        panel.use_prompt_requested.connect(acts.use_prompt)
        panel.regenerate_requested.connect(acts.regenerate)
        panel.separate_requested.connect(acts.separate)
        panel.export_requested.connect(acts.export)
        panel.minus_requested.connect(acts.export_minus)
        panel.reveal_requested.connect(acts.reveal)
        self.shelf.changed.connect(self.stage.update)
        self.shelf.refreshed.connect(self.stage.recheck)
        self.stage.vanished.connect(self._on_vanished)
        for source in (
            self.shelf, self.drags, self.dragging, acts, self.exporter, self.mixes, self.stage, self.arrivals,
            self.combining, self.tempi,
        ):  # fmt: skip
            source.failed.connect(self.tell)
        acts.prompt_picked.connect(self._on_prompt_picked)

    def _add_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+L": self.compose.focus_prompt,
            "Ctrl+F": self.library.focus_search,
            "Ctrl+I": self.importing.ask,
            "Ctrl+E": self.actions_on_takes.export_shown,
            "Ctrl+Z": self.history.undo,
            "Ctrl+Shift+Z": self.history.redo,
            "Ctrl+Y": self.history.redo,
            "Ctrl+.": self.maker.cancel,
            "Ctrl+,": self.preferences.open,
            MANAGE_KEYS: lambda: self.models.open(),
            "F1": self.open_shortcuts,
            "Ctrl+Q": self.close,
        }
        add_shortcuts(self, keys)

    # -- what happens --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """After the first paint: read the library, start player and engine, so that nothing is waited for later."""
        if self._closed:
            return  # in its first moment: a player started now would outlive the window
        self.shelf.start()
        self.server.start()
        self.playback.start()
        job = Job(lambda _progress, _cancel: self._studio.warm(), self)
        job.finished.connect(self._on_warm)
        job.failed.connect(self.tell)
        self.writing.submit(job)

    def tell(self, error: BaseException) -> None:
        """An error where no field or row is the place for it."""
        if isinstance(error, StudioError):
            self.toast.say(str(error))
        else:
            self._on_unforeseen(error)

    def open_shortcuts(self) -> None:
        ShortcutSheet(self).show()

    @Slot(object)
    def _on_engine(self, engine: EngineInfo) -> None:
        self.compose.set_engine(engine.name, engine.why_not)
        self.top.set_host(engine.host)

    @Slot(object)
    def _on_vanished(self, track: Track) -> None:
        text = self.tr("“{title}” was deleted by another program.").format(title=track.title)
        self.toast.say(text, self.tr("Undo"), lambda: self.shelf.restore([track.id]))

    @Slot(object)
    def _on_generate(self, request: GenerationRequest) -> None:
        self.maker.ask(request)
        if request.output_format != self._studio.settings.output_format:
            self.preferences.change(output_format=request.output_format)
        self.view.setFocus()  # the prompt is on its way: Space plays, as soon as there is something to hear

    @Slot()
    def _on_warm(self) -> None:
        if not self.maker.busy:
            self.top.engine.set_state("ready")

    @Slot(object)
    def _on_opened(self, track: Track) -> None:
        self.library.model.set_open(track.id)
        self.shelf.select(track.id)
        if track.generated:
            self.compose.set_last_seed(track.seed)

    @Slot(object)
    def _on_prompt_picked(self, request: GenerationRequest) -> None:
        self.compose.use_prompt(request.prompt)

    @Slot()
    def _keep_draft(self) -> None:
        try:
            save_draft(self._studio.directories.config, self.compose.draft())
        except OSError as error:
            self.toast.say(self.tr("The draft cannot be kept: {why}.").format(why=error.strerror or error))

    @Slot()
    def _give_banner_room(self) -> None:
        self.banner.set_room(self.view.track is None or self.height() >= _BANNER_BESIDE_TAKE)

    # -- Qt ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._give_banner_room()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no panel wanted are the track's: Space plays wherever one is, outside of text."""
        if self._passing_key:
            super().keyPressEvent(event)
            return
        self._passing_key = True
        try:
            QApplication.sendEvent(self.view, event)
        finally:
            self._passing_key = False

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep what is typed and where things are, stop what runs; nothing is asked."""
        if not self._closed:
            self._closed = True
            self._keep_draft()
            self.preferences.keep_now()
            self.preferences.change(
                window_geometry=self.saveGeometry().toBase64().toStdString(),
                splitter=self.splitter.saveState().toBase64().toStdString(),
            )
            self.hide()  # the engine may take a second to let go; nobody has to watch that
            self.shelf.stop()
            self.loops.close()
            queues = (
                self.arrivals, self.maker, self.model_work, self.server, self.handing, self.writing, self.reading,
            )  # fmt: skip
            for queue in queues:
                queue.close()
            self.mixes.close()
            self.playback.close()
        super().closeEvent(event)
