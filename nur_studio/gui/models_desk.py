"""Where the window's parts about models meet: the dialog, the banner, the work behind them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from nur_studio.gui.banner import Banner
from nur_studio.gui.licence_dialog import LicenceDialog
from nur_studio.gui.model_view import READY
from nur_studio.gui.model_work import ModelWork
from nur_studio.gui.models_dialog import ModelsDialog
from nur_studio.gui.toast import Toast
from nur_studio.studio import Studio

_LICENCE = "CC-BY-NC-4.0"


class ModelsDesk(QObject):
    """One dialog at a time. `work` goes on without it, and the banner shows it then."""

    use_requested = Signal(str)  # name of a model to make music with from now on
    dismissed = Signal()  # the offer is not to come again

    def __init__(self, studio: Studio, work: ModelWork, banner: Banner, toast: Toast, window: QWidget) -> None:
        super().__init__(window)
        self._studio, self.work, self._banner, self._toast, self._window = studio, work, banner, toast, window
        self.dialog: ModelsDialog | None = None
        self.licence: LicenceDialog | None = None
        work.changed.connect(self.show_state)
        work.got.connect(self._on_got)
        banner.models_requested.connect(self._on_banner)
        banner.import_requested.connect(self.bring)
        banner.dismissed.connect(self.dismissed)
        self.show_state()

    @Slot()
    def open(self, name: str = "") -> None:
        """Show the dialog, at the model called `name` if there is one."""
        if self.dialog is None:
            self.work.refresh()
            self.dialog = self._new_dialog()
            self.show_state()
            self.dialog.open_at(name or next((v.name for v in self.work.views if v.in_use), ""))
            self.dialog.show()
        else:
            self.dialog.open_at(name)
            self.dialog.raise_()
            self.dialog.activateWindow()
        self.show_state()

    def _new_dialog(self) -> ModelsDialog:
        dialog, work = ModelsDialog(self._window), self.work
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.stayed_on.connect(work.measure_once)
        dialog.import_requested.connect(self.bring)
        dialog.cancel_import_requested.connect(work.cancel_import)
        dialog.folder_requested.connect(self._on_folder)
        dialog.destroyed.connect(self._on_closed)
        detail = dialog.detail
        detail.agreed.connect(work.agree)
        detail.download_requested.connect(work.download)
        detail.cancel_requested.connect(work.cancel)
        detail.verify_requested.connect(work.verify)
        detail.remove_requested.connect(work.remove)
        detail.measure_requested.connect(work.measure)
        detail.use_requested.connect(self.use_requested)
        detail.licence_requested.connect(self._on_licence)
        return dialog

    @Slot()
    def bring(self) -> None:
        """Ask for a folder with weights, and copy what is in it."""
        title = self.tr("Folder with weights of MusicGen or Demucs")
        folder = QFileDialog.getExistingDirectory(self.dialog or self._window, title)
        if folder:
            self.work.bring(Path(folder))
            if self.dialog is None:
                self.open()

    @Slot()
    def show_state(self) -> None:
        """Bring dialog and banner up to date."""
        if self.dialog is not None:
            state = self.work.importing
            self.dialog.show_models(self.work.views, self.work.place())
            self.dialog.show_import(running=state.running, progress=state.progress, fault=state.fault, told=state.told)
        self._show_banner()

    def _show_banner(self) -> None:
        work, settings = self.work, self._studio.settings
        busy = work.busy
        music = [view for view in work.views if view.info.purpose == "music"]
        if self.dialog is None and busy is not None:
            self._banner.show_work(self.tr("Downloading {title}").format(title=busy.info.title), busy.progress)
        elif self.dialog is None and work.importing.running:
            self._banner.show_work(self.tr("Importing models"), work.importing.progress)
        elif (
            self.dialog is None
            and not settings.banner_dismissed
            and not settings.sellable_only
            and music
            and not any(view.state == READY or view.doing for view in music)
        ):
            self._banner.offer(music[0], work.place())
        else:
            self._banner.rest()

    @Slot(object)
    def _on_got(self, names: tuple[str, ...]) -> None:
        views = [view for view in self.work.views if view.name in names and view.state == READY]
        if self.dialog is not None or not views:
            return  # the dialog says so itself
        first = views[0]
        self._toast.say(
            self.tr("{title} is ready.").format(title=first.info.title),
            "" if first.in_use else self.tr("Use it"),
            lambda: self.use_requested.emit(first.name),
        )

    @Slot()
    def _on_banner(self) -> None:
        busy = self.work.busy
        self.open(busy.name if busy is not None else "")

    @Slot()
    def _on_folder(self) -> None:
        folder = self._studio.directories.models
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot()
    def _on_licence(self) -> None:
        gist = self.tr(
            "You may use, share and change what these weights are and make, if you name where it comes from and earn "
            "no money with it. The text below is what counts."
        )
        self.licence = LicenceDialog(_LICENCE, gist, self.dialog or self._window)
        self.licence.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.licence.show()

    @Slot()
    def _on_closed(self) -> None:
        self.dialog = None
        self.work.forget_news()
        self.show_state()
