"""The export dialog and the job behind it, on real files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
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
from nur_studio.gui.export_choice import ExportChoice
from nur_studio.gui.export_dialog import ExportDialog
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
    dialog.sound.part.button("stems").click()
    dialog.format.button("wav").click()
    assert dialog.names.text().splitlines() == [f"Rainy night tape_120bpm_Dm_{stem}.wav" for stem in STEMS]


def test_what_is_chosen_is_what_is_asked_for(dialog: ExportDialog, tmp_path: Path, qtbot: QtBot) -> None:
    dialog.sound.part.button("heard").click()
    dialog.format.button("flac").click()
    dialog.quality.setCurrentIndex(1)
    with qtbot.waitSignal(dialog.export_requested) as asked:
        dialog.go.click()
    assert asked.args == [
        ExportChoice("trk_aaaaaaaaaaaa", tmp_path, "heard", QUIET_DRUMS, encoding=Encoding("flac", "PCM_16"))
    ]
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
        dialog.sound.part.button("heard")
    without_stems = ExportDialog(make_track(lanes=()), QUIET_DRUMS, tmp_path)
    qtbot.addWidget(without_stems)
    with pytest.raises(ValueError, match="not in list"):
        without_stems.sound.part.button("stems")


def test_cancel_stops_a_running_export_and_closes_one_that_does_not_run(dialog: ExportDialog, qtbot: QtBot) -> None:
    dialog.go.click()
    with qtbot.waitSignal(dialog.cancel_requested):
        dialog.cancel.click()
    assert dialog.isVisible()
    dialog.cancel.click()
    assert not dialog.isVisible()


def test_stems_are_picked_and_may_be_one_zip(dialog: ExportDialog, tmp_path: Path) -> None:
    assert not dialog.sound.lanes.isVisible()
    dialog.sound.part.button("stems").click()
    dialog.format.button("wav").click()
    assert dialog.sound.lanes.isVisible()
    assert dialog.sound.lanes.picked == STEMS
    for lane in ("drums", "vocals", "other", "bass"):
        dialog.sound.lanes.button(lane).click()
    assert dialog.sound.lanes.picked == ("bass",), "the last one stays"
    dialog.sound.lanes.button("drums").click()
    names = ["Rainy night tape_120bpm_Dm_drums.wav", "Rainy night tape_120bpm_Dm_bass.wav"]
    assert dialog.names.text().splitlines() == names
    dialog.sound.zipped.click()
    assert dialog.names.text().splitlines() == ["Rainy night tape_120bpm_Dm_stems.zip", *names]
    choice = dialog.choice()
    assert (choice.what, choice.lanes, choice.zipped) == ("stems", ("drums", "bass"), True)
    dialog.sound.part.button("mix").click()
    assert not dialog.sound.zipped.isVisible()
    assert not dialog.choice().zipped
    dialog.sound.part.button("stems").click()
    assert dialog.sound.lanes.picked == ("drums", "bass"), "as it was left"


def test_minus_one_leaves_some_out_together_or_each_in_turn(dialog: ExportDialog) -> None:
    dialog.sound.part.button("minus").click()
    dialog.format.button("wav").click()
    assert dialog.names.text() == "Rainy night tape_120bpm_Dm_minus drums.wav"
    dialog.sound.lanes.button("bass").click()
    assert dialog.names.text() == "Rainy night tape_120bpm_Dm_minus drums, bass.wav"
    assert dialog.choice().without == (("drums", "bass"),)
    dialog.sound.in_turn.click()
    assert dialog.names.text().splitlines() == [f"Rainy night tape_120bpm_Dm_minus {stem}.wav" for stem in STEMS]
    dialog.sound.lanes.button("other").click()
    assert dialog.choice().without == (("drums",), ("bass",), ("vocals",))
    dialog.sound.in_turn.click()
    for lane in STEMS[1:]:
        dialog.sound.lanes.button(lane).click()
    assert "nothing is left" in dialog.fault.sentence
    assert not dialog.go.isEnabled()


def test_the_rest_of_a_minus_one_is_as_made_or_as_mixed(
    qtbot: QtBot, themed: object, make_track: MakeTrack, tmp_path: Path
) -> None:
    mix = Mix({"drums": Channel(solo=True), "bass": Channel(gain_db=-6.0, mute=True)}, master_db=-2.0)
    dialog = ExportDialog(make_track(), mix, tmp_path)
    qtbot.addWidget(dialog)
    dialog.offer("minus", ("vocals",))
    assert dialog.choice().mix is None
    assert not dialog.sound.balanced.isHidden()
    dialog.sound.balanced.click()
    wanted = dialog.choice().mix
    assert wanted is not None
    assert wanted.within(STEMS) == Mix({"bass": Channel(gain_db=-6.0)}, master_db=-2.0), "a solo would silence it all"
    only_muted = ExportDialog(make_track(), Mix({"drums": Channel(mute=True)}), tmp_path)
    qtbot.addWidget(only_muted)
    only_muted.offer("minus")
    assert only_muted.sound.balanced.isHidden()


def test_names_that_are_taken_are_left_alone_and_said_so(dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.sound.part.button("stems").click()
    dialog.format.button("wav").click()
    (tmp_path / "Rainy night tape_120bpm_Dm_bass.wav").touch()
    dialog.folder.setText(f"{tmp_path} ")
    assert {name.rpartition(" ")[2] for name in dialog.names.text().splitlines()} == {"(2).wav"}
    dialog.folder.setText("/" + "x" * 5000)
    assert len(dialog.names.text().splitlines()) == 4, "no place at all: the writing says so"


def test_strips_of_stems_that_are_no_more_do_not_make_another_mix(
    qtbot: QtBot, themed: object, make_track: MakeTrack, tmp_path: Path
) -> None:
    dialog = ExportDialog(make_track(lanes=()), QUIET_DRUMS, tmp_path)
    qtbot.addWidget(dialog)
    for part in ("heard", "stems", "minus"):
        with pytest.raises(ValueError, match="not in list"):
            dialog.sound.part.button(part)
    dialog.offer("minus", ("drums",))
    assert dialog.choice().what == "mix", "there is nothing to leave out"


@pytest.mark.parametrize("part", ["minus", "zip"])
def test_minus_ones_and_zips_come_out(studio: Studio, qtbot: QtBot, themed: object, tmp_path: Path, part: str) -> None:
    (track,) = studio.generate(GenerationRequest("jazz trio", 5, tempo=120, seed=1))
    queue = JobQueue()
    window = QWidget()
    qtbot.addWidget(window)
    exporter = Exporter(studio, queue, window)
    exporter.ask(track, QUIET_DRUMS, "minus" if part == "minus" else "stems", in_turn=part == "minus")
    dialog = exporter.dialog
    assert dialog is not None
    dialog.format.button("wav").click()
    dialog.folder.setText(str(tmp_path / "new"))
    if part == "zip":
        dialog.sound.zipped.click()
        dialog.sound.lanes.button("other").click()
    names = dialog.names.text().splitlines()
    with qtbot.waitSignal(exporter.exported, timeout=30_000) as exported:
        dialog.go.click()
    paths = exported.args[0]
    if part == "zip":
        with zipfile.ZipFile(paths[0]) as archive:
            assert [paths[0].name, *archive.namelist()] == names
    else:
        assert [path.name for path in paths] == names
        assert len(names) == 4
        without = soundfile.read(paths[0])[0]
        drums, whole = (
            soundfile.read(studio.export(track.id, tmp_path / f"{each}.wav", part=each, encoding=Encoding("wav")))[0]
            for each in ("drums", "mix")
        )
        np.testing.assert_allclose(without + drums, whole, atol=1e-3)
    qtbot.waitUntil(lambda: exporter.dialog is None)
    queue.close()


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
    dialog.sound.part.button(part).click()
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
    assert dialog.sound.part.height() >= dialog.sound.part.sizeHint().height(), "the controls keep their size"
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
