"""Where the window's parts about stems meet: the offer below a track, the choice of separator, how separating goes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from nur_studio.core.errors import StudioError
from nur_studio.core.track import Track
from nur_studio.gui.making import Maker
from nur_studio.gui.model_work import ModelWork
from nur_studio.gui.models_desk import ModelsDesk
from nur_studio.gui.preferences import Preferences
from nur_studio.gui.stage import Stage
from nur_studio.gui.take_actions import TakeActions
from nur_studio.gui.toast import Toast
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio

_ABOUT_SEPARATORS = frozenset({"separator", "device"})


class StemsDesk(QObject):
    """Keeps the offer true to what is here, and the stage to what was separated."""

    def __init__(
        self,
        studio: Studio,
        *,
        maker: Maker,
        stage: Stage,
        view: TrackView,
        acts: TakeActions,
        desk: ModelsDesk,
        work: ModelWork,
        preferences: Preferences,
        toast: Toast,
    ) -> None:
        super().__init__(toast)
        self._studio, self._stage, self._offer = studio, stage, view.stems_offer
        self._desk, self._preferences, self._toast = desk, preferences, toast
        self._under_way = ""  # id of the track that is being separated
        view.separate_requested.connect(acts.separate_shown)
        self._offer.requested.connect(acts.separate_shown)
        self._offer.separator_chosen.connect(self._on_chosen)
        acts.separator_wanted.connect(self._on_wanted)
        maker.separating.connect(self._on_separating)
        maker.separated.connect(stage.on_separated)
        maker.not_separated.connect(self._on_not_separated)
        maker.rested.connect(self._on_rested)
        stage.opened.connect(self._show_work)
        preferences.changed.connect(self._on_preferences)
        work.models_changed.connect(self.show_separators)
        self.show_separators()

    @Slot()
    def show_separators(self) -> None:
        """Which there are, and which of them is used."""
        self._offer.set_separators(self._studio.separators(), self._studio.default_separator())

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        """The person's from now on; one that is not here is looked for."""
        here = any(info.name == name and not info.why_not for info in self._studio.separators())
        if here:
            self._preferences.change(separator=name)
        else:
            self.show_separators()
            self._desk.open(name)

    @Slot()
    def _on_wanted(self) -> None:
        self._desk.open(self._studio.settings.separator)

    @Slot(object)
    def _on_preferences(self, names: frozenset[str]) -> None:
        if names & _ABOUT_SEPARATORS:
            self.show_separators()

    @Slot(object)
    def _on_separating(self, track: Track) -> None:
        self._under_way = track.id
        self._show_work()

    @Slot(object, object)
    def _on_not_separated(self, track: Track, error: StudioError) -> None:
        self._toast.say(self.tr("“{title}” has no stems: {why}").format(title=track.title, why=error))

    @Slot()
    def _on_rested(self) -> None:
        self._under_way = ""
        self._show_work()

    @Slot()
    def _show_work(self) -> None:
        shown = self._stage.track
        self._offer.set_working(shown is not None and shown.id == self._under_way)
