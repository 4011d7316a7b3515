"""The models in the window: what the dialog says in every state, and the work behind it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_studio import AWAY, NO_LINE, ModelStudio
from planted_models import plant
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.core.errors import StudioError
from nur_studio.core.paths import Directories
from nur_studio.engines.models import model
from nur_studio.gui.banner import Banner
from nur_studio.gui.model_detail import ModelDetail
from nur_studio.gui.model_work import ModelWork
from nur_studio.gui.models_desk import ModelsDesk
from nur_studio.gui.models_dialog import ModelsDialog
from nur_studio.gui.toast import Toast
from nur_studio.studio import Studio

SMALL, LARGE = "musicgen-small", "musicgen-large"
Unforeseen = list[BaseException]


class Desk:
    """The parts about models, without the rest of the window."""

    def __init__(self, studio: Studio, qtbot: QtBot) -> None:
        self._studio, self.qtbot = studio, qtbot
        self.window = QWidget()
        self.window.resize(1024, 640)
        qtbot.addWidget(self.window)
        self.window.show()
        self.unforeseen: Unforeseen = []
        self.work = ModelWork(studio, self.window)
        self.work.unforeseen.connect(self.unforeseen.append)
        self.banner = Banner(self.window)
        self.toast = Toast(self.window, self.window)
        self.desk = ModelsDesk(studio, self.work, self.banner, self.toast, self.window)

    @property
    def studio(self) -> ModelStudio:
        assert isinstance(self._studio, ModelStudio)
        return self._studio

    def open(self, name: str = SMALL) -> ModelDetail:
        self.desk.open(name)
        self.qtbot.waitExposed(self.dialog)
        return self.dialog.detail

    @property
    def dialog(self) -> ModelsDialog:
        assert self.desk.dialog is not None
        return self.desk.dialog

    def until(self, what: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(what, timeout=20_000)

    def rows(self) -> list[str]:
        rows = self.dialog.list
        return [str(rows.item(row).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(rows.count())]


@pytest.fixture
def make_desk(tmp_path: Path, themed: object, qtbot: QtBot) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(**states: str) -> Desk:
        studio = ModelStudio(Directories.below(tmp_path), {f"musicgen-{name}": to for name, to in states.items()})
        studio.update_settings(engine="sketch")
        desks.append(Desk(studio, qtbot))
        return desks[-1]

    yield make
    for desk in desks:
        desk.studio.go.set()
        assert desk.work.close()
        desk.studio.close()


MakeDesk = Callable[..., Desk]


def test_a_download_waits_for_consent_and_says_what_it_takes(make_desk: MakeDesk) -> None:
    desk = make_desk()
    detail = desk.open()
    assert desk.rows()[0] == "MusicGen small: 2.0 GB to download"
    assert detail.download.text() == "Download 2.0 GB"
    assert not detail.download.isEnabled()
    assert "CC BY-NC 4.0" in detail.licence.text()
    assert "free in" in detail.disk.text()
    desk.until(lambda: detail.machine.text() == "CPU (fp32): 2 min for a minute of music")
    assert detail.memory.text().startswith("about 3.1 GB"), "as measured, not as estimated"
    detail.consent.click()
    assert detail.download.isEnabled()
    assert desk.studio.done == []
    desk.dialog.list.pick(LARGE)
    assert not detail.consent.isChecked(), "each model is agreed to by itself"


def test_a_download_goes_on_without_the_dialog_and_can_be_stopped_and_resumed(make_desk: MakeDesk) -> None:
    desk = make_desk()
    detail = desk.open()
    detail.consent.click()
    detail.download.click()
    desk.until(lambda: "43 %" in detail.rate.text())
    assert detail.rate.text() == "43 % · 3:07 left"
    assert detail.progress.value() == 430
    assert not detail.download.isVisible()
    assert desk.rows()[0] == "MusicGen small: Downloading · 43 %"
    desk.dialog.accept()
    desk.until(lambda: desk.desk.dialog is None)
    assert desk.banner.isVisibleTo(desk.window)
    assert desk.banner.heading.text() == "Downloading MusicGen small"
    desk.banner.look.click()
    detail = desk.dialog.detail
    detail.cancel.click()
    desk.until(lambda: detail.download.isVisible())
    assert detail.download.text().startswith("Download the rest")
    assert detail.consent.isChecked(), "agreed once is agreed"
    assert detail.fault.sentence == "", "cancelled shows nothing"
    desk.studio.go.set()
    detail.download.click()
    desk.until(lambda: detail.use.isVisible())
    assert desk.studio.done == [SMALL]
    with desk.qtbot.waitSignal(desk.desk.use_requested) as used:
        detail.use.click()
    assert used.args == [SMALL]


def test_a_second_download_waits_and_can_leave_the_queue(make_desk: MakeDesk) -> None:
    desk = make_desk()
    detail = desk.open()
    for name in (SMALL, LARGE):
        desk.dialog.list.pick(name)
        detail.consent.click()
        detail.download.click()
    assert detail.stage.text() == "Waits for its turn"
    detail.cancel.click()
    assert detail.download.isVisible()
    assert detail.download.text() == "Download 7.6 GB"
    desk.studio.go.set()
    desk.until(lambda: desk.studio.done == [SMALL])
    desk.until(lambda: desk.rows()[0] == "MusicGen small: Ready")


def test_what_does_not_work_is_a_sentence_at_the_model(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.studio.fault = NO_LINE
    desk.studio.go.set()
    detail = desk.open()
    detail.consent.click()
    detail.download.click()
    desk.until(lambda: detail.fault.sentence == str(NO_LINE))
    assert detail.download.isEnabled(), "one can try again at once"
    desk.studio.fault = ZeroDivisionError("an honest mistake")
    detail.download.click()
    desk.until(lambda: "nobody foresaw" in detail.fault.sentence)
    assert [type(error) for error in desk.unforeseen] == [ZeroDivisionError]
    desk.studio.fault = None
    detail.download.click()
    desk.until(lambda: detail.use.isVisible())
    assert detail.fault.sentence == ""


def test_a_disk_with_too_little_room_is_said_before(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=900_000_000))
    desk = make_desk()
    detail = desk.open()
    detail.consent.click()
    assert detail.disk.text() == "900 MB free: 1.1 GB too little"
    assert detail.disk.property("role") == "error"
    assert not detail.download.isEnabled()
    assert "room" in detail.download.toolTip()


def test_verify_and_remove_ask_once_and_say_how_it_went(make_desk: MakeDesk) -> None:
    desk = make_desk(small="ready")
    desk.studio.go.set()
    detail = desk.open()
    assert not detail.consent.isVisible()
    detail.verify.click()
    desk.until(lambda: detail.told.isVisible())
    assert detail.told.text() == "Every file is as it came."
    detail.remove.click()
    assert detail.question.text() == "Remove MusicGen small from the disk?"
    assert detail.keep.hasFocus(), "Enter keeps"
    detail.keep.click()
    assert detail.use.isVisible()
    detail.remove.click()
    detail.really.click()
    desk.until(lambda: detail.download.isVisible())
    assert desk.studio.states[SMALL] == "missing"
    assert "freed" in detail.told.text()


def test_an_import_says_how_it_goes_and_what_came(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = iter(["", str(tmp_path), str(tmp_path)])
    monkeypatch.setattr("nur_studio.gui.models_desk.QFileDialog.getExistingDirectory", lambda *_: next(folders))
    desk = make_desk()
    desk.open()
    desk.dialog.bring.click()
    assert not desk.work.importing.running, "no folder was chosen"
    desk.studio.fault = StudioError("There are no weights in this folder.")
    desk.dialog.bring.click()
    desk.until(lambda: desk.dialog.import_progress.value() == 430)
    assert desk.dialog.stop.isVisible()
    desk.studio.go.set()
    desk.until(lambda: desk.dialog.import_fault.sentence == "There are no weights in this folder.")
    desk.studio.fault = None
    desk.dialog.bring.click()
    desk.until(lambda: desk.dialog.import_told.isVisible())
    assert desk.dialog.import_told.text() == "Imported: MusicGen medium."
    assert desk.rows()[1] == "MusicGen medium: Ready"
    desk.dialog.accept()
    desk.until(lambda: desk.desk.dialog is None)
    desk.open()
    assert not desk.dialog.import_told.isVisible(), "old news"


def test_an_import_that_brings_only_a_part_says_what_is_missing(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk(medium="partial")
    desk.studio.brought = "partial"
    desk.studio.go.set()
    desk.open()
    desk.work.bring(tmp_path)
    desk.until(lambda: desk.dialog.import_fault.sentence == AWAY)
    assert not desk.dialog.import_told.isVisible()


def test_real_weights_are_checked_and_removed(tmp_path: Path, themed: object, qtbot: QtBot) -> None:
    with Studio(Directories.below(tmp_path)) as studio:
        models = studio.directories.models
        plant(models, model(SMALL))
        desk = Desk(studio, qtbot)
        assert not desk.banner.isVisibleTo(desk.window)
        detail = desk.open()
        assert detail.use.isVisible()
        detail.verify.click()
        desk.until(lambda: detail.told.isVisible())
        checkpoint = models / SMALL / "state_dict.bin"
        checkpoint.write_bytes(checkpoint.read_bytes()[:-1] + b"!")
        detail.verify.click()
        desk.until(lambda: "state_dict.bin" in detail.fault.sentence)
        detail.remove.click()
        detail.really.click()
        desk.until(lambda: detail.download.isVisible())
        assert not (models / SMALL).exists()
        assert not (models / "t5-base").exists(), "nobody else needs it"
        empty = tmp_path / "empty"
        empty.mkdir()
        desk.work.bring(empty)
        desk.until(lambda: desk.dialog.import_fault.sentence != "")
        assert desk.unforeseen == []
        assert desk.work.close()


def test_a_model_that_does_not_fit_or_cannot_be_measured_says_so(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.studio.fits = False
    detail = desk.open()
    desk.until(lambda: "too small" in detail.machine.text())
    desk.studio.forecast_fault = StudioError("PyTorch is not installed.")
    detail.measure.click()
    desk.until(lambda: detail.machine.text() == "PyTorch is not installed.")


def test_the_banner_offers_once_and_takes_no_room_after(make_desk: MakeDesk) -> None:
    desk = make_desk()
    assert desk.banner.isVisibleTo(desk.window)
    for word in ("MusicGen small", "2.0 GB", "free", "memory", "CC BY-NC 4.0", "not for sale"):
        assert word in desk.banner.sentence.text()
    with desk.qtbot.waitSignal(desk.desk.dismissed):
        desk.banner.close_button.click()
    desk.studio.update_settings(banner_dismissed=True)
    desk.desk.show_state()
    assert not desk.banner.isVisibleTo(desk.window)
    desk.studio.update_settings(banner_dismissed=False, sellable_only=True)
    desk.desk.show_state()
    assert not desk.banner.isVisibleTo(desk.window), "what may not be sold is not offered"


def test_a_model_that_is_ready_needs_no_banner_and_is_offered_in_a_toast(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.work.download(SMALL)
    desk.studio.go.set()
    desk.until(lambda: "MusicGen small is ready." in desk.toast.text)
    assert not desk.banner.isVisibleTo(desk.window)
    with desk.qtbot.waitSignal(desk.desk.use_requested) as used:
        desk.toast.button.click()
    assert used.args == [SMALL]


def test_the_licence_is_there_to_read_whole(make_desk: MakeDesk) -> None:
    desk = make_desk()
    detail = desk.open()
    detail.read_licence.click()
    assert desk.desk.licence is not None
    text = desk.desk.licence.text.toPlainText()
    assert text.startswith("Attribution-NonCommercial 4.0 International")
    assert "Section 8 -- Interpretation." in text


def test_every_control_has_a_keyboard_way_and_a_name(make_desk: MakeDesk) -> None:
    desk = make_desk(small="ready")
    desk.open()
    assert desk.dialog.list.accessibleName() == "Models"
    for button in desk.dialog.findChildren(QPushButton):
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert button.text() or button.accessibleName()
        assert not button.autoDefault(), "Enter in the list presses nothing by surprise"
    walk: list[QWidget | None] = []
    desk.dialog.list.setFocus()
    for _ in range(8):
        desk.qtbot.keyClick(desk.dialog.focusWidget(), Qt.Key.Key_Tab)
        walk.append(desk.dialog.focusWidget())
    detail = desk.dialog.detail
    assert walk[:6] == [
        detail.measure,
        detail.read_licence,
        detail.use,
        detail.verify,
        detail.remove,
        desk.dialog.bring,
    ]
    assert walk[-1] is not None
    assert walk[-1].property("text") == "Done"
    desk.dialog.list.setFocus()
    desk.qtbot.keyClick(desk.dialog.list, Qt.Key.Key_Down)
    assert desk.dialog.detail.title.text() == "MusicGen medium"
