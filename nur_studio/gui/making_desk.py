"""How the making of takes shows: at the button that asked for it, in its row of the library, at the engine's name."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.progress import Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track
from nur_studio.gui.compose_panel import ComposePanel
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.making import Maker, Step
from nur_studio.gui.shelf import Shelf
from nur_studio.gui.stage import Stage
from nur_studio.gui.top_bar import EngineButton


class MakingDesk(QObject):
    """Between the maker and the panels. Errors that are no sentences for people are `unforeseen`."""

    unforeseen = Signal(object)

    def __init__(
        self,
        maker: Maker,
        *,
        compose: ComposePanel,
        engine: EngineButton,
        library: LibraryPanel,
        stage: Stage,
        shelf: Shelf,
    ) -> None:
        super().__init__(maker)
        self._compose, self._engine, self._library = compose, engine, library
        self._stage, self._shelf = stage, shelf
        self._making = ""  # id of the take that is being made
        maker.begun.connect(self._on_begun)
        maker.stepped.connect(self._on_stepped)
        maker.queue_changed.connect(compose.set_queue)
        maker.rested.connect(self._on_rested)
        maker.refused.connect(self._on_refused)
        maker.failed.connect(self._on_failed)
        maker.started.connect(self._on_started)
        maker.made.connect(self._on_made)

    @Slot()
    def _on_begun(self) -> None:
        self._compose.show_failure("")
        self._compose.set_progress(Progress(self.tr("starting"), 0.0))
        self._engine.set_state("working")

    @Slot(object)
    def _on_stepped(self, step: Step) -> None:
        what = self.tr("Take {take} of {takes}").format(take=step.take, takes=step.takes) if step.takes > 1 else ""
        self._compose.set_progress(step.progress, what)
        if self._making:
            self._library.model.set_fractions({self._making: step.progress.fraction})

    @Slot()
    def _on_rested(self) -> None:
        self._making = ""
        self._compose.set_progress(None)
        self._engine.set_state("ready")
        self._library.model.set_fractions({})
        self._shelf.refresh()

    @Slot(object)
    def _on_started(self, track: Track) -> None:
        self._making = track.id
        if self._stage.track is not None and self._stage.track.id == track.id:
            self._library.model.set_open(track.id)
            self._shelf.select(track.id)
        self._shelf.refresh()

    @Slot(object)
    def _on_made(self, track: Track) -> None:
        self._compose.set_last_seed(track.seed)
        self._making = ""  # its stems may be next: its row shows no progress of theirs
        self._shelf.refresh()

    @Slot(object, object)
    def _on_refused(self, fault: InvalidRequest, _: GenerationRequest) -> None:
        self._compose.show_fault(fault)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._shelf.refresh()
        if isinstance(error, StudioError):
            self._compose.show_failure(str(error))
        else:
            self._compose.show_failure(self.tr("This generation failed unexpectedly. The next one may work."))
            self.unforeseen.emit(error)
