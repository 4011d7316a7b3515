"""The engine music is made with: the menu that shows it, the settings that keep it, the models behind it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.track import COMBINED, IMPORTED, Track
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.models import MODELS, SEPARATORS
from nur_studio.gui.engine_names import unlisted
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.model_view import READY
from nur_studio.gui.model_work import ModelWork
from nur_studio.gui.models_desk import ModelsDesk
from nur_studio.gui.preferences import Preferences
from nur_studio.gui.top_bar import EngineButton, devices
from nur_studio.studio import Studio

_ABOUT_ENGINES = frozenset({"engine", "device", "precision", "sellable_only"})
_SEPARATOR_NAMES = frozenset(model.name for model in SEPARATORS)


class EngineChoice(QObject):
    """Keeps menu, settings and models of one mind. `changed` tells the engine that is chosen now."""

    changed = Signal(object)  # EngineInfo
    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        button: EngineButton,
        *,
        work: ModelWork,
        desk: ModelsDesk,
        preferences: Preferences,
        queue: JobQueue,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._studio, self._button, self._work, self._desk = studio, button, work, desk
        self._preferences, self._queue = preferences, queue
        self._devices: dict[str, str] = {}  # what each engine computed on, the last time
        self._titles = {
            **{model.name: model.title for model in MODELS},
            IMPORTED: self.tr("Imported"),
            COMBINED: self.tr("Combined"),
        }
        button.chosen.connect(self.choose)
        button.models_requested.connect(desk.open)
        button.device_chosen.connect(lambda device: preferences.change(device=device))
        button.precision_chosen.connect(lambda precision: preferences.change(precision=precision))
        button.sellable_toggled.connect(lambda on: preferences.change(sellable_only=on))
        preferences.models_requested.connect(lambda: desk.open())
        preferences.changed.connect(self._on_preferences)
        desk.use_requested.connect(self.choose)
        desk.dismissed.connect(lambda: preferences.change(banner_dismissed=True))
        work.models_changed.connect(self._on_models)
        work.changed.connect(self._show_device)

    def title(self, name: str) -> str:
        """An engine's name for people, also of one that is not offered now."""
        return self._titles.get(name) or unlisted(name)

    @Slot()
    def show(self) -> None:
        """Engines, models and settings as they are now."""
        settings, infos = self._studio.settings, self._studio.engines()
        self._titles |= {info.name: info.title for info in infos}
        chosen = self._chosen(infos)
        self._button.set_engines(
            infos,
            chosen.name,
            models=frozenset(model.name for model in MODELS),
            away=frozenset(view.name for view in self._work.views if view.state != READY),
            device=settings.device,
            precision=settings.precision,
            sellable_only=settings.sellable_only,
        )
        self._show_device()
        self.changed.emit(chosen)

    def _chosen(self, infos: tuple[EngineInfo, ...]) -> EngineInfo:
        name = self._studio.default_engine()
        return next((info for info in infos if info.name == name), infos[0])

    @Slot(str)
    def choose(self, name: str) -> None:
        """Make music with this one from now on, and have it loaded before anything is asked for; or stems, with one for
        those.
        """
        if name in _SEPARATOR_NAMES:
            self._preferences.change(separator=name)
            return
        self._preferences.change(engine=name)
        job = Job(lambda _progress, _cancel: self._studio.warm(), self)
        job.failed.connect(self.failed)
        self._queue.submit(job)

    @Slot()
    def _on_models(self) -> None:
        """Where the model in use was removed, the best that is left takes its place."""
        gone = any(view.name == self._studio.settings.engine and view.state != READY for view in self._work.views)
        if gone:
            self._preferences.change(engine="")
        else:
            self.show()

    @Slot(object)
    def on_made(self, track: Track) -> None:
        """A take says what it was computed on."""
        details = track.recipe.get("details")
        device = details.get("device") if isinstance(details, Mapping) else None
        if isinstance(device, str):
            self._devices[track.engine] = device
            self._show_device()

    @Slot()
    def _show_device(self) -> None:
        view = next((view for view in self._work.views if view.in_use and view.info.purpose == "music"), None)
        device = self._studio.settings.device
        if view is None:
            title = ""
        elif view.name in self._devices:
            title = self._devices[view.name]
        elif view.forecast is not None:
            title = view.forecast.device
        else:
            title = "" if device == "auto" else dict(devices()).get(device, device)
        self._button.set_device(title)

    @Slot(object)
    def _on_preferences(self, names: frozenset[str]) -> None:
        if "device" in names:
            self._devices.clear()
        if names & {"device", "precision"}:
            self._work.forget_forecasts()
        if names & _ABOUT_ENGINES:
            self._work.refresh()
            self.show()
        if "separator" in names:
            self._work.refresh()
        if "banner_dismissed" in names:
            self._desk.show_state()
