"""The person's choices at work: settings that act at once and are kept, and the dialog for them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import StudioError
from nur_studio.core.settings import Settings
from nur_studio.gui.drag import DragOut
from nur_studio.gui.metronome import Metronome
from nur_studio.gui.playback import Playback
from nur_studio.gui.settings_dialog import SettingsDialog
from nur_studio.gui.theme import apply_theme
from nur_studio.studio import Studio

_VOLUME_AFTER_MS = 800  # a fader on its way is not written at every step


class Preferences(QObject):
    """Applies settings to what they are about, and keeps them."""

    failed = Signal(object)
    changed = Signal(object)  # the names of the settings that are others now
    models_requested = Signal()
    server_test_requested = Signal()

    def __init__(self, studio: Studio, playback: Playback, drags: DragOut, window: QWidget) -> None:
        super().__init__(window)
        self._studio, self._playback, self._drags, self._window = studio, playback, drags, window
        self._volume_db = studio.settings.volume_db
        self._metronome = metronome_of(studio.settings)
        self._later = QTimer(self, singleShot=True, interval=_VOLUME_AFTER_MS)
        self._later.timeout.connect(self._keep_levels)
        self.dialog: SettingsDialog | None = None
        playback.set_volume(self._volume_db)
        playback.set_metronome(self._metronome)
        self._use_encoding()

    def change(self, **changes: Any) -> None:
        """Keep `changes` and put them to work."""
        try:
            self._studio.update_settings(**changes)
        except StudioError as error:  # they act all the same, until the end of this run
            self.failed.emit(error)
        app = QApplication.instance()
        if "theme" in changes and isinstance(app, QApplication):
            apply_theme(app, changes["theme"])
        if "output_device" in changes:
            self._playback.set_device(changes["output_device"])
        if changes.keys() & {"drag_format", "wav_subtype"}:
            self._use_encoding()
        if self.dialog is not None:
            self.dialog.show_settings(self._studio.settings)
        self.changed.emit(frozenset(changes))

    def open(self) -> None:
        """Show the dialog."""
        if self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()
            return
        studio = self._studio
        server = studio.server_address
        self.dialog = SettingsDialog(
            studio.settings,
            studio.directories,
            self._playback.devices,
            self._window,
            server_fixed=server if server != studio.settings.server else "",
        )
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.changed.connect(self._on_changed)
        self.dialog.models_requested.connect(self.models_requested)
        self.dialog.server_test_requested.connect(self.server_test_requested)
        self.dialog.destroyed.connect(self._on_closed)
        self.dialog.show()

    def show_server(self, sentence: str, role: str) -> None:
        """How the studio at the server's address answered, where the dialog still is there to say it."""
        if self.dialog is not None:
            self.dialog.server.say(sentence, role)

    def keep_now(self) -> None:
        """Write what waits to be written."""
        if self._later.isActive():
            self._later.stop()
            self._keep_levels()

    @Slot(float)
    def on_volume(self, volume_db: float) -> None:
        self._volume_db = volume_db
        self._playback.set_volume(volume_db)
        self._later.start()

    @Slot(object)
    def on_metronome(self, metronome: Metronome) -> None:
        self._metronome = metronome
        self._playback.set_metronome(metronome)
        self._later.start()

    @Slot(str)
    def on_ruler(self, ruler: str) -> None:
        self.change(ruler=ruler)

    @Slot(str)
    def on_snapping(self, snapping: str) -> None:
        self.change(snap=snapping)

    @Slot(object)
    def _on_changed(self, changes: dict[str, Any]) -> None:
        self.change(**changes)

    @Slot()
    def _on_closed(self) -> None:
        self.dialog = None

    @Slot()
    def _keep_levels(self) -> None:
        metronome = self._metronome
        self.change(
            volume_db=self._volume_db,
            metronome=metronome.on,
            metronome_db=metronome.level_db,
            count_in=metronome.count_in,
        )

    def _use_encoding(self) -> None:
        kind = self._studio.settings.drag_format
        self._drags.set_encoding(Encoding(kind, self._studio.settings.wav_subtype if kind == "wav" else ""))


def metronome_of(settings: Settings) -> Metronome:
    """The metronome as it was left."""
    return Metronome(settings.metronome, settings.metronome_db, settings.count_in)
