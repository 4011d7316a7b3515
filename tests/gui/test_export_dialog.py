"""The export dialog and the job behind it, on real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nur_studio.audio.files import Encoding
from nur_studio.core.mix import STEMS, Channel, Mix
from nur_studio.core.progress import Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track
from nur_studio.gui.export_dialog import ExportChoice, ExportDialog
from nur_studio.gui.exporting import Exporter
from nur_studio.gui.jobs import JobQueue
from nur_studio.studio import Studio

MakeTrack = Callable[..., Track]
QUIET_DRUMS = Mix({"drums": Channel(gain_db=-6.0)})


@pytest.fixture
def dialog(qtbot: QtBot, themed: object, make_track: MakeTrack, tmp_path: Path) -> ExportDialog:
    dialog = ExportDialog(make_track(), QUIET_DRUMS, tmp_path)
    qtbot.addWidget(dialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def test_it_begins_with_the_takes_own_format_and_says_the_names(dialog: ExportDialog) -> None:
    assert dialog.names.text() == "Rainy night tape_120bpm_Dm.mp3"
    assert dialog.choice().encoding == Encoding("mp3", mp3_kbps=320)
    dialog.part.button("stems").click()
    dialog.format.button("wav").click()
    assert dialog.names.text().splitlines() == [f"Rainy night tape_120bpm_Dm_{stem}.wav" for stem in STEMS]


def test_what_is_chosen_is_what_is_asked_for(dialog: ExportDialog, tmp_path: Path, qtbot: QtBot) -> None:
    dialog.part.button("heard").click()
    dialog.format.button("flac").click()
    dialog.quality.setCurrentIndex(1)
    with qtbot.waitSignal(dialog.export_requested) as asked:
        dialog.go.click()
    assert asked.args == [ExportChoice("trk_aaaaaaaaaaaa", False, QUIET_DRUMS, Encoding("flac", "PCM_16"), tmp_path)]
    assert not dialog.go.isEnabled()
    dialog.set_progress(Progress("writing", 0.5))
    assert dialog.progress.value() == 500
    dialog.show_failure("The disk is full.")
    assert dialog.fault.sentence == "The disk is full."
    assert dialog.go.isEnabled(), "one can choose another folder and try again"


def test_a_mix_as_it_was_made_is_not_offered_as_heard(qtbot: QtBot, make_track: MakeTrack, tmp_path: Path) -> None:
    dialog = ExportDialog(make_track(), Mix(), tmp_path)
    qtbot.addWidget(dialog)
    with pytest.raises(ValueError, match="not in list"):
        dialog.part.button("heard")
    without_stems = ExportDialog(make_track(lanes=()), QUIET_DRUMS, tmp_path)
    qtbot.addWidget(without_stems)
    with pytest.raises(ValueError, match="not in list"):
        without_stems.part.button("stems")


def test_cancel_stops_a_running_export_and_closes_one_that_does_not_run(dialog: ExportDialog, qtbot: QtBot) -> None:
    dialog.go.click()
    with qtbot.waitSignal(dialog.cancel_requested):
        dialog.cancel.click()
    assert dialog.isVisible()
    dialog.cancel.click()
    assert not dialog.isVisible()


@pytest.mark.parametrize("part", ["mix", "stems", "heard"])
def test_files_come_out(studio: Studio, qtbot: QtBot, themed: object, tmp_path: Path, part: str) -> None:
    (track,) = studio.generate(GenerationRequest("jazz trio", 5, tempo=120, seed=1))
    queue = JobQueue()
    window = QWidget()
    qtbot.addWidget(window)
    exporter = Exporter(studio, queue, window)
    exporter.ask(track, QUIET_DRUMS)
    dialog = exporter.dialog
    assert dialog is not None
    dialog.part.button(part).click()
    dialog.format.button("wav").click()
    dialog.folder.setText(str(tmp_path / "new" / "folder"))
    with qtbot.waitSignal(exporter.exported, timeout=20_000) as exported:
        dialog.go.click()
    paths = exported.args[0]
    assert [path.parent for path in paths] == [tmp_path / "new" / "folder"] * (4 if part == "stems" else 1)
    for path in paths:
        assert soundfile.info(path).frames == 5 * 44100
    qtbot.waitUntil(lambda: exporter.dialog is None)
    queue.close()


def test_a_folder_that_cannot_be_is_said_in_the_dialog(
    studio: Studio, qtbot: QtBot, themed: object, tmp_path: Path
) -> None:
    (track,) = studio.generate(GenerationRequest("jazz trio", 5, tempo=120, seed=1))
    (tmp_path / "file").write_text("in the way")
    queue = JobQueue()
    window = QWidget()
    qtbot.addWidget(window)
    exporter = Exporter(studio, queue, window)
    exporter.ask(track, Mix())
    dialog = exporter.dialog
    assert dialog is not None
    dialog.folder.setText(str(tmp_path / "file" / "below"))
    dialog.go.click()
    qtbot.waitUntil(lambda: "cannot be made" in dialog.fault.sentence)
    dialog.show_failure("A sentence that goes on and on. " * 12)
    qtbot.wait(20)
    assert dialog.fault.height() >= dialog.fault.heightForWidth(dialog.fault.width())
    assert dialog.part.height() >= dialog.part.sizeHint().height(), "the controls keep their size"
    queue.close()


def test_a_dialog_in_place_of_another_hears_of_its_export(
    studio: Studio, qtbot: QtBot, themed: object, tmp_path: Path
) -> None:
    (track,) = studio.generate(GenerationRequest("jazz trio", 5, tempo=120, seed=1))
    queue = JobQueue()
    window = QWidget()
    qtbot.addWidget(window)
    exporter = Exporter(studio, queue, window)
    exporter.ask(track, Mix())
    first = exporter.dialog
    assert first is not None
    with qtbot.waitSignal(first.destroyed):
        exporter.ask(track, Mix())
    assert exporter.dialog is not None
    exporter.dialog.folder.setText(str(tmp_path))
    exporter.dialog.go.click()
    qtbot.waitUntil(lambda: exporter.dialog is None, timeout=20_000)
    queue.close()
