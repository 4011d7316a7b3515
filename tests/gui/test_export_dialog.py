"""The export dialog and the job behind it, on real files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import soundfile
from planted_tracks import plant, tone
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nur_studio.audio.bars import Seam
from nur_studio.audio.files import Encoding
from nur_studio.audio.masters import score_path
from nur_studio.audio.midi import write_midi
from nur_studio.audio.seam import SeamScore, Step
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.progress import Progress
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice, What
from nur_studio.gui.export_clip import LoopQuestion
from nur_studio.gui.export_dialog import ExportDialog
from nur_studio.gui.exporting import Exporter
from nur_studio.gui.jobs import JobQueue
from nur_studio.studio import Loop, Studio

MakeTrack = Callable[..., Track]
QUIET_DRUMS = Mix({"drums": Channel(gain_db=-6.0)})


def planted(studio: Studio, duration_s: float) -> Track:
    lanes = {stem: tone(110 * (n + 1), duration_s) for n, stem in enumerate(STEMS)}
    return plant(studio.library, lanes, title="Four")


@pytest.fixture
def queue(qtbot: QtBot) -> Iterator[JobQueue]:
    queue = JobQueue()
    yield queue
    queue.close()


@pytest.fixture
def scored(studio: Studio) -> Track:
    """Four bars and their score."""
    track = planted(studio, 8.0)
    line = NoteLine("Bass", "bass", 32, (PlayedNote(0.0, 1.0, 40, 0.5),))
    write_midi(score_path(track.folder), NoteSheet("Four", 120.0, 4, 16.0, (line,)))
    return track


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
    track = planted(studio, 5.0)
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
    track = planted(studio, 5.0)
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
    track = planted(studio, 5.0)
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
    track = planted(studio, 5.0)
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


# -- parts and loops ---------------------------------------------------------------------------------------------

SPAN = (16 * 22050, 24 * 22050)  # bars 5 and 6


@pytest.fixture
def open_dialog(qtbot: QtBot, themed: object, make_track: MakeTrack, tmp_path: Path) -> Callable[..., ExportDialog]:
    def opener(span: tuple[int, int] | None = None, mix: Mix = QUIET_DRUMS, **facts: object) -> ExportDialog:
        dialog = ExportDialog(make_track(**facts), mix, tmp_path, span)
        qtbot.addWidget(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.show()
        return dialog

    return opener


OpenDialog = Callable[..., ExportDialog]


def test_whole_bars_that_are_marked_are_a_loop_and_its_seam_is_asked_for(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    dialog = open_dialog(SPAN)
    asked: list[LoopQuestion] = []
    dialog.looked_for.connect(asked.append)
    dialog.kind.button("clip").click()
    assert dialog.names.text() == "Rainy night tape_120bpm_Dm_bars 5-6.wav", "a piece goes on into a program: wav"
    assert dialog.facts.text() == "wav, 24 bit · 44.1 kHz · 0:04.00 · 176400 frames"
    choice = dialog.choice()
    assert (choice.what, choice.bars, choice.lanes) == ("loop", (4, 2), ())
    qtbot.waitUntil(lambda: bool(asked))
    dialog.clip.count.set_value(3)
    dialog.clip.of.button("heard").click()
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert asked[1] == LoopQuestion("trk_aaaaaaaaaaaa", (4, 3), QUIET_DRUMS)
    score = SeamScore(Step(0.0, 0.0, 0.0), Step(0.0, 0.0, 0.0), 0.72)
    loop = Loop(264600, Seam.TAIL, score)
    dialog.show_seam(asked[0], loop)
    assert dialog.clip.seam.text() == "listening to it …", "that was another loop"
    dialog.show_seam(asked[1], loop)
    assert dialog.clip.seam.text().startswith("0.72 of 1, fair: what rings past its end")
    dialog.clip.part.button("clip").click()
    assert dialog.choice().span == SPAN
    assert dialog.clip.marked.text() == "bars 5-6 · 0:08.00 – 0:12.00"
    dialog.clip.of.button("stems").click()
    dialog.clip.lanes.button("vocals").click()
    assert dialog.choice().lanes == ("drums", "bass", "other")
    assert dialog.names.text().splitlines()[0] == "Rainy night tape_120bpm_Dm_bars 5-6_drums.wav"
    dialog.kind.button("sound").click()
    assert dialog.format.value == "mp3", "each kind keeps its own format"


def test_bars_that_are_none_are_said_so(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    dialog.offer("clip")
    assert not dialog.clip.part.button("clip").isEnabled()
    for words in ("0", "x", ""):
        dialog.clip.first.setText(words)
        assert "has 1 to 64 of them" in dialog.fault.sentence
        assert not dialog.go.isEnabled()
    dialog.clip.first.set_value(1)
    assert dialog.go.isEnabled()


def test_without_a_tempo_every_page_says_what_cannot_be(open_dialog: OpenDialog) -> None:
    dialog = open_dialog(tempo=0, lanes=())
    assert not dialog.sound.clicks.click.isEnabled()
    dialog.kind.button("clip").click()
    assert "No steady tempo" in dialog.fault.sentence
    assert "nothing is marked" in dialog.fault.sentence
    dialog.kind.button("session").click()
    assert dialog.go.isEnabled()
    assert "120 BPM, which means nothing" in dialog.session.says.text()
    dialog.session.kind.button("folder").click()
    assert "there are no bars" in dialog.session.says.text()
    assert dialog.names.text() == "Rainy night tape_Dm_session/"
    dialog.kind.button("midi").click()
    assert not dialog.notes.quantise.isEnabled()
    dialog.show_notes(False, {"mix": "It needs basic_pitch."})
    assert dialog.fault.sentence == "It needs basic_pitch."
    assert not dialog.go.isEnabled()
    marked = open_dialog((441, 44541), tempo=0)
    marked.offer("clip")
    assert marked.go.isEnabled()
    assert marked.names.text() == "Rainy night tape_Dm_0.01s-1.01s.wav"


def test_notes_are_offered_where_there_are_any(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    dialog.offer("midi", ("vocals",))
    dialog.show_notes(True, {"mix": "", "drums": "", "bass": "", "vocals": "No notes for this.", "other": ""})
    assert not dialog.notes.lanes.button("vocals").isEnabled()
    assert dialog.notes.lanes.button("vocals").toolTip() == "No notes for this."
    assert dialog.choice().lanes == ("drums", "bass", "other"), "what was asked for is not there: the rest is offered"
    assert dialog.notes.source.text().startswith("The score it was played from")
    dialog.notes.of.button("all").click()
    dialog.notes.quantise.click()
    choice = dialog.choice()
    assert (choice.what, choice.parts, choice.quantise) == ("midi", ("mix",), True)
    assert dialog.names.text() == "Rainy night tape_120bpm_Dm_transcribed.mid", "no file is there in this test"


def test_many_names_are_not_all_told(open_dialog: OpenDialog) -> None:
    dialog = open_dialog(lanes=SIX_LANES)
    dialog.offer("stems")
    dialog.sound.clicks.click.click()
    lines = dialog.names.text().splitlines()
    assert (len(lines), lines[-1]) == (6, "… and 2 more")
    assert len(dialog.names.toolTip().splitlines()) == 7


def test_a_page_that_is_turned_to_has_the_height_it_needs(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    dialog = open_dialog(SPAN, lanes=SIX_LANES)
    dialog.offer("stems")
    qtbot.waitUntil(lambda: dialog.height() > 430)
    assert dialog.height() <= 600, "with its title bar it fits a screen of 640"
    tall = dialog.height()
    dialog.kind.button("midi").click()
    qtbot.waitUntil(lambda: dialog.height() < tall - 60)


@pytest.mark.parametrize("kind", ["clip", "loop", "midi", "session", "clicked"])
def test_what_is_told_is_what_comes_out(
    studio: Studio, qtbot: QtBot, themed: object, tmp_path: Path, scored: Track, queue: JobQueue, kind: str
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    exporter = Exporter(studio, queue, window)
    exporter.ask(scored, QUIET_DRUMS, "mix" if kind == "clicked" else cast(What, kind), span=(0, 2 * 88200))
    dialog = exporter.dialog
    assert dialog is not None
    dialog.folder.setText(str(tmp_path / "new"))
    qtbot.waitUntil(lambda: dialog.notes.known)
    if kind == "clip":
        assert dialog.clip.part.value == "clip"
        dialog.clip.of.button("stems").click()
    elif kind == "loop":
        qtbot.waitUntil(lambda: " of 1" in dialog.clip.seam.text())
    elif kind == "clicked":
        dialog.offer("minus", ("drums",))
        for switch in (dialog.sound.clicks.click, dialog.sound.clicks.count_in):
            switch.click()
    names = dialog.names.text().splitlines()
    with qtbot.waitSignal(exporter.exported, timeout=30_000):
        dialog.go.click()
    assert sorted(names) == sorted(path.name for path in (tmp_path / "new").iterdir())
    assert len(names) == {"clip": 4, "loop": 1, "midi": 1, "session": 2, "clicked": 2}[kind]
    qtbot.waitUntil(lambda: exporter.dialog is None)
