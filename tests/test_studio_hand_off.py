"""Sessions, notes, clips, loops and clicks over a real library: files as other programs read them, to the frame."""

from __future__ import annotations

import re
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from lxml import etree
from planted_tracks import clicks, plant, tone
from tag_readers import by_mutagen, libsndfile_log

from nur_studio.audio.bars import Seam
from nur_studio.audio.files import Encoding, audio_frames, read_audio
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.audio.masters import mix_path, score_path, stem_path
from nur_studio.audio.midi import write_midi
from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, InvalidRequest, StudioError
from nur_studio.core.mix import LANE_COLORS, SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Section
from nur_studio.core.track import Track
from nur_studio.engines import hearing, transcribing
from nur_studio.engines.transcribing import HeardNote
from nur_studio.studio import Clicks, Studio

RATE = 44100
FLOAT = Encoding("wav", "FLOAT")
SECTIONS = (Section("intro", 0, 2.0), Section("chorus", 2, 2.0))
SHEET = NoteSheet(
    "Old title", 120.0, 4, 16.0,
    (
        NoteLine("Upright bass", "bass", 32, (PlayedNote(1.52, 0.9, 40, 0.5), PlayedNote(4.0, 1.0, 43, 0.5))),
        NoteLine("Kit", "drums", 8, (PlayedNote(0.02, 0.1, 36, 1.0),), drums=True),
        NoteLine("Rhodes", "other", 4, (PlayedNote(0.0, 4.0, 60, 0.4),)),
    ),
    sections=SECTIONS,
)  # fmt: skip
needs_basic_pitch = pytest.mark.skipif(bool(transcribing.why_not()), reason=transcribing.why_not() or "it is here")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=lambda: ()) as opened:
        yield opened


@pytest.fixture(scope="module")
def four(studio: Studio) -> Track:
    """Four bars at 120 with a score, a mixer that was touched, and 7 frames more than its bars."""
    lanes = {stem: tone(110 * (n + 1), 8.0 + 7 / RATE) for n, stem in enumerate(STEMS)}
    lanes["drums"] = clicks(120, 8.0 + 7 / RATE)
    track = plant(studio.library, lanes, title="Four", sections=SECTIONS)
    write_midi(score_path(track.folder), SHEET)
    strips = {"bass": Channel(-6.0, 0.5), "vocals": Channel(mute=True), "drums": Channel(solo=True)}
    return studio.set_mix(track.id, Mix(strips, -1.5))


@pytest.fixture(scope="module")
def six(studio: Studio) -> Track:
    """An odd tempo, and a pickup of 0.3 s before bar 1."""
    lanes = {lane: tone(110 * (n + 1), 6.0) for n, lane in enumerate(SIX_LANES)}
    return plant(studio.library, lanes, title="Six v1.5", tempo=97, beat_offset_s=0.3, beats_per_bar=3)


@pytest.fixture(scope="module")
def beatless(studio: Studio) -> Track:
    return plant(studio.library, {}, mix=tone(220, 2.0, level=0.3), title="Beatless", tempo=0)


def lane(track: Track, name: str) -> Audio:
    return read_audio(stem_path(track.folder, name))[0]


def project_of(path: Path) -> tuple[zipfile.ZipFile, etree._Element]:
    archive = zipfile.ZipFile(path)
    return archive, etree.fromstring(archive.read("project.xml"))


def struck(track: mido.MidiTrack) -> list[tuple[int, int]]:
    """(tick, key) of every note."""
    now, found = 0, []
    for message in track:
        now += message.time
        if message.type == "note_on":
            found.append((now, message.note))
    return found


def chunk_of(path: Path, name: bytes) -> bytes:
    content = path.read_bytes()
    place = content.index(name)
    (length,) = struct.unpack("<I", content[place + 4 : place + 8])
    return content[place + 8 : place + 8 + length]


# -- sessions ----------------------------------------------------------------------------------------------------


def test_a_dawproject_has_the_lanes_the_mixer_and_the_sections(studio: Studio, four: Track, tmp_path: Path) -> None:
    path = studio.export_session(four.id, tmp_path, "dawproject")
    assert path.name == "Four_120bpm_Am.dawproject"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Four_120bpm_Am.dawproject", "Four_120bpm_Am.mid"]
    archive, project = project_of(path)
    assert project.find("Transport/Tempo").get("value") == "120.0"
    strips = {}
    for strip in project.findall("Structure/Track"):
        channel = strip.find("Channel")
        strips[strip.get("name")] = (
            round(float(channel.find("Volume").get("value")), 4), float(channel.find("Pan").get("value")),
            channel.find("Mute").get("value"), channel.get("solo"),
        )  # fmt: skip
    colors = [strip.get("color") for strip in project.findall("Structure/Track")]
    assert colors == [*(LANE_COLORS[stem] for stem in STEMS), None]
    assert strips == {
        "Drums": (1.0, 0.5, "false", "true"), "Bass": (0.5012, 0.75, "false", "false"),
        "Vocals": (1.0, 0.5, "true", "false"), "Other": (1.0, 0.5, "false", "false"),
        "Master": (0.8414, 0.5, "false", "false"),
    }  # fmt: skip
    marks = [(m.get("name"), float(m.get("time"))) for m in project.findall("Arrangement/Markers/Marker")]
    assert marks == [("intro", 0.0), ("chorus", 8.0)]
    for name, inside in zip(STEMS, [n for n in archive.namelist() if n.startswith("audio/")], strict=True):
        assert inside == f"audio/Four_120bpm_Am_{name}.wav"
        with archive.open(inside) as file:
            audio, rate = soundfile.read(file, dtype="float32")
        assert rate == RATE
        np.testing.assert_array_equal(audio, lane(four, name))
    again = studio.export_session(four.id, tmp_path, "dawproject")
    assert again.name == "Four_120bpm_Am (2).dawproject"


def test_a_dawproject_to_a_file_replaces_it_and_no_notes_beside(studio: Studio, four: Track, tmp_path: Path) -> None:
    target = tmp_path / "song.dawproject"
    target.write_bytes(b"old")
    (tmp_path / "song.mid").write_bytes(b"somebody's")
    assert studio.export_session(four.id, target, "dawproject") == target
    assert zipfile.is_zipfile(target)
    assert (tmp_path / "song.mid").read_bytes() == b"somebody's"
    assert mido.MidiFile(tmp_path / "song (2).mid").tracks[0].name == "Four"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_reaper_project_lies_in_a_folder_that_can_be_moved(studio: Studio, six: Track, tmp_path: Path) -> None:
    path = studio.export_session(six.id, tmp_path, "reaper")
    assert path == tmp_path / "Six v1.5_97bpm_Am_reaper" / "Six v1.5.rpp"
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    text = (moved / path.name).read_text("utf-8")
    assert "  TEMPO 97 3 4\n" in text
    files = [line.split('"')[1] for line in text.splitlines() if line.strip().startswith("FILE ")]
    assert files == [f"audio/Six v1.5_97bpm_Am_{name}.wav" for name in SIX_LANES]
    for name, file in zip(SIX_LANES, files, strict=True):
        np.testing.assert_array_equal(read_audio(moved / file)[0], lane(six, name))
        assert soundfile.info(str(moved / file)).subtype == "PCM_24"
    assert not list(moved.glob("*.mid"))
    path.parent.mkdir()
    assert studio.export_session(six.id, tmp_path, "reaper").parent.name == "Six v1.5_97bpm_Am_reaper (2)"


def test_a_plain_folder_says_everything_in_words(studio: Studio, four: Track, tmp_path: Path) -> None:
    folder = studio.export_session(four.id, tmp_path / "mine", "folder")
    assert folder == tmp_path / "mine"
    names = [f"Four_120bpm_Am_{name}.wav" for name in STEMS]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, "Four_120bpm_Am.mid", "session.txt"])
    text = (folder / "session.txt").read_text("utf-8")
    assert "Tempo: 120 BPM  4/4  A minor" in text
    assert f"{four.frames} frames at 44100 Hz" in text
    assert "Bar 1 begins at the files' first frame." in text
    assert "Four_120bpm_Am_bass.wav    -6.0 dB  50 % right" in text
    assert "MIDI: Four_120bpm_Am.mid" in text
    assert text.count("for tests") == 1, "the licence is said once"
    assert {audio_frames(folder / name) for name in names} == {(four.frames, RATE)}


def test_a_mix_without_stems_is_a_session_of_one_track(studio: Studio, tmp_path: Path) -> None:
    whole = plant(studio.library, {}, mix=tone(220, 1.0), title="Whole")
    _, project = project_of(studio.export_session(whole.id, tmp_path / "w.dawproject", "dawproject"))
    assert [track.get("name") for track in project.findall("Structure/Track")] == ["Mix", "Master"]
    assert [p.name for p in tmp_path.iterdir()] == ["w.dawproject"]


def test_a_count_in_moves_the_grid_and_the_sections(studio: Studio, four: Track, six: Track, tmp_path: Path) -> None:
    path = studio.export_session(four.id, tmp_path / "c.dawproject", "dawproject", Clicks(True, True))
    archive, project = project_of(path)
    marks = [(m.get("name"), float(m.get("time"))) for m in project.findall("Arrangement/Markers/Marker")]
    assert marks == [("intro", 4.0), ("chorus", 12.0)]
    assert [t.get("name") for t in project.findall("Structure/Track")][-2:] == ["Click", "Master"]
    bar = 2 * RATE
    with archive.open("audio/Four_120bpm_Am_bass.wav") as file:
        bass, _ = soundfile.read(file, dtype="float32")
    assert not bass[:bar].any()
    np.testing.assert_array_equal(bass[bar:], lane(four, "bass"))
    with archive.open("audio/Four_120bpm_Am_click.wav") as file:
        click, _ = soundfile.read(file, dtype="float32")
    assert len(click) == bar + four.frames
    starts = [at for at in range(0, len(click) - 1, RATE // 2) if abs(click[at]).max() > 0.2]
    assert len(starts) == len(range(0, len(click) - 1, RATE // 2)) == 21
    # With a pickup the bar leads into the first downbeat, and only what is missing of it is put in front.
    folder = studio.export_session(six.id, tmp_path / "six", "folder", Clicks(count_in=True))
    added = round(3 * 60 / 97 * RATE) - round(0.3 * RATE)
    text = (folder / "session.txt").read_text("utf-8")
    assert f"(frame {round(3 * 60 / 97 * RATE)})" in text
    guitar, _ = read_audio(folder / "Six v1.5_97bpm_Am_guitar.wav")
    np.testing.assert_array_equal(guitar[added:], lane(six, "guitar"))
    count, _ = read_audio(folder / "Six v1.5_97bpm_Am_count-in.wav")
    assert len(count) == len(guitar) == added + six.frames
    assert not count[added + round(0.3 * RATE) :].any(), "it is clicked no longer than a bar"


@pytest.mark.parametrize("kind", ["dawproject", "reaper", "folder"])
@pytest.mark.parametrize("at", [0.01, 0.6])
def test_a_cancelled_session_leaves_nothing(studio: Studio, four: Track, tmp_path: Path, kind: str, at: float) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction >= at:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.export_session(four.id, tmp_path, kind, on_progress=stop, cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_without_a_tempo_a_session_lies_in_time_and_says_so(studio: Studio, beatless: Track, tmp_path: Path) -> None:
    words = "No steady tempo is heard in this: 120 BPM is only what the session counts in."
    archive, project = project_of(studio.export_session(beatless.id, tmp_path, "dawproject"))
    assert words in archive.read("metadata.xml").decode()
    assert project.find("Arrangement/Lanes").get("timeUnit") == "seconds"
    (clip,) = project.findall("Arrangement/Lanes/Lanes/Clips/Clip")
    assert (clip.get("time"), clip.get("duration"), clip.get("contentTimeUnit")) == ("0.0", "2.0", "seconds")
    assert clip.find("Audio").get("algorithm") == "raw"
    assert project.find(".//Warp") is None
    assert project.find("Structure/Track").get("color") == LANE_COLORS["mix"]
    text = studio.export_session(beatless.id, tmp_path, "reaper").read_text("utf-8")
    assert f"    |{words}\n" in text
    assert "  TIMEMODE 0 " in text
    assert "    BEAT 0\n" in text
    said = (studio.export_session(beatless.id, tmp_path, "folder") / "session.txt").read_text("utf-8")
    assert "Tempo: none is heard  A minor" in said
    assert "Length: 0:02.00, 88200 frames at 44100 Hz" in said
    assert not re.search(r"\bbars?\b|\bBPM\b", said, re.IGNORECASE)


def test_what_can_be_no_session_is_a_sentence(studio: Studio, four: Track, beatless: Track, tmp_path: Path) -> None:
    for kind in ("dawproject", "reaper", "folder"):
        with pytest.raises(StudioError, match="'Beatless' has no steady tempo, and clicks are laid out in beats"):
            studio.export_session(beatless.id, tmp_path, kind, Clicks(track=True))
    with pytest.raises(InvalidRequest, match="session must be one of dawproject, reaper, folder"):
        studio.export_session(four.id, tmp_path, "aaf")
    with pytest.raises(FileProblem, match="There is no folder"):
        studio.export_session(four.id, tmp_path / "gone" / "x", "folder")
    (tmp_path / "x.rpp").write_bytes(b"")
    with pytest.raises(FileProblem, match="is a file: this session is a folder"):
        studio.export_session(four.id, tmp_path / "x.rpp", "reaper")
    assert [p.name for p in tmp_path.iterdir()] == ["x.rpp"]


# -- notes -------------------------------------------------------------------------------------------------------


def test_the_score_is_whole_or_one_part_of_it(studio: Studio, four: Track, tmp_path: Path) -> None:
    assert studio.has_score(four.id)
    assert studio.why_no_midi(four.id, "drums") == ""
    path = studio.export_midi(four.id, tmp_path)
    assert path.name == "Four_120bpm_Am.mid"
    file = mido.MidiFile(path)
    assert [track.name for track in file.tracks] == ["Four", "Upright bass", "Kit", "Rhodes"]
    assert [m.key for m in file.tracks[0] if m.type == "key_signature"] == ["Am"]
    assert [m.text for m in file.tracks[0] if m.type == "marker"] == ["intro", "chorus"]
    assert struck(file.tracks[1]) == [(round(1.52 * 960), 40), (4 * 960, 43)]
    bass = studio.export_midi(four.id, tmp_path, "bass", quantise=True)
    assert bass.name == "Four_120bpm_Am_bass.mid"
    file = mido.MidiFile(bass)
    assert [track.name for track in file.tracks] == ["Four", "Upright bass"]
    assert struck(file.tracks[1]) == [(1440, 40), (3840, 43)]
    assert studio.export_midi(four.id, tmp_path, "bass").name == "Four_120bpm_Am_bass (2).mid"
    assert studio.why_no_notes(four.id) == {
        "mix": "", "drums": "", "bass": "", "vocals": "Its score has no notes for this.", "other": ""
    }  # fmt: skip
    several = studio.export_notes(four.id, tmp_path / "new", ("drums", "mix"))
    assert [file.name for file in several] == ["Four_120bpm_Am_drums.mid", "Four_120bpm_Am.mid"]
    with pytest.raises(StudioError, match="has no vocals: it is written for bass, drums, other"):
        studio.export_midi(four.id, tmp_path, "vocals")
    with pytest.raises(InvalidRequest, match="part must be one of mix, drums"):
        studio.export_midi(four.id, tmp_path, "tuba")


@needs_basic_pitch
def test_without_a_score_it_is_transcribed_and_says_so(studio: Studio, tmp_path: Path) -> None:
    lanes = {stem: tone(220 * (n + 1), 1.5) for n, stem in enumerate(STEMS)}
    plain = plant(studio.library, lanes, title="Plain", tempo=97)
    path = studio.export_midi(plain.id, tmp_path, "bass", quantise=True)
    assert path.name == "Plain_97bpm_Am_bass transcribed.mid"
    file = mido.MidiFile(path)
    assert [track.name for track in file.tracks] == ["Plain", "bass (transcribed)"]
    assert any(m.type == "text" and "transcription by Basic Pitch" in m.text for m in file.tracks[0])
    notes = struck(file.tracks[1])
    assert 69 in {key for _, key in notes}, "440 Hz"
    assert {tick % 240 for tick, _ in notes} == {0}
    every = mido.MidiFile(studio.export_midi(plain.id, tmp_path / "all.mid"))
    assert [track.name for track in every.tracks[1:]] == [f"{stem} (transcribed)" for stem in STEMS[1:]]


def hears(monkeypatch: pytest.MonkeyPatch, *notes: HeardNote) -> None:
    """Put a pair of ears in the model's place that hears these notes in everything."""
    monkeypatch.setattr(hearing, "hear", lambda sources, on_progress, cancel: dict.fromkeys(sources, notes))


def test_a_beatless_take_keeps_its_time(
    studio: Studio, beatless: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears(monkeypatch, HeardNote(0.31, 1.7, 57, 0.8))
    path = studio.export_midi(beatless.id, tmp_path)
    assert path.name == "Beatless_Am_transcribed.mid"
    file = mido.MidiFile(path)
    assert any(m.type == "text" and "No steady tempo is heard" in m.text for m in file.tracks[0])
    assert file.length == pytest.approx(2.0, abs=0.001)
    assert struck(file.tracks[1]) == [(round(0.62 * 960), 57)]
    with pytest.raises(StudioError, match="no steady tempo: there are no beats"):
        studio.export_midi(beatless.id, tmp_path, quantise=True)


def test_what_cannot_be_notes_is_a_sentence(
    studio: Studio, six: Track, beatless: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StudioError, match="Drums cannot be transcribed"):
        studio.export_midi(six.id, tmp_path, "drums")
    with pytest.raises(FileProblem, match="has no stems"):
        studio.export_midi(beatless.id, tmp_path, "drums")
    monkeypatch.setattr(transcribing.importlib.util, "find_spec", lambda _: None)
    assert studio.why_no_midi(six.id, "bass").startswith("Transcribing to MIDI needs basic_pitch")
    with pytest.raises(EngineUnavailable, match="needs basic_pitch and onnxruntime"):
        studio.export_midi(six.id, tmp_path, "bass")
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_notes_is_a_sentence(
    studio: Studio, six: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears(monkeypatch)
    with pytest.raises(
        StudioError, match=r"No notes are heard in 'Six v1\.5': there is nothing with a pitch in its rest"
    ):
        studio.export_midi(six.id, tmp_path, "rest")
    assert list(tmp_path.iterdir()) == []


def test_notes_can_be_dragged_with_the_rest(
    studio: Studio, four: Track, six: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert studio.ready_drag_files(four.id, ("mix", "midi")) is None
    files = studio.drag_files(four.id, ("mix", "midi"))
    assert [file.name for file in files] == ["Four_120bpm_Am.wav", "Four_120bpm_Am.mid"]
    assert mido.MidiFile(files[1]).tracks[1].name == "Upright bass"
    assert studio.ready_drag_files(four.id, ("mix", "midi")) == files
    (bass,) = studio.drag_files(four.id, ("midi bass",))
    assert bass.name == "Four_120bpm_Am_bass.mid"
    assert [track.name for track in mido.MidiFile(bass).tracks] == ["Four", "Upright bass"]
    hears(monkeypatch, HeardNote(0.31, 1.7, 57, 0.8))
    (heard,) = studio.drag_files(six.id, ("midi guitar",))
    assert heard.name == "Six v1.5_97bpm_Am_guitar transcribed.mid"
    with pytest.raises(StudioError, match="Drums cannot be transcribed"):
        studio.drag_files(six.id, ("midi drums",))
    with pytest.raises(InvalidRequest, match="part must be one of mix, drums"):
        studio.drag_files(six.id, ("midi tuba",))


def test_a_selection_is_dragged_to_the_frame(studio: Studio, four: Track, tmp_path: Path) -> None:
    span = (2 * 88200, 4 * 88200)
    assert studio.ready_drag_files(four.id, ("stems",), span=span) is None
    files = studio.drag_clip(four.id, *span, ("stems",))
    assert [file.name for file in files] == [f"Four_120bpm_Am_bars 3-4_{stem}.wav" for stem in STEMS]
    assert studio.ready_drag_files(four.id, ("stems",), span=span) == files
    for file, stem in zip(files, STEMS, strict=True):
        np.testing.assert_array_equal(read_audio(file)[0], lane(four, stem)[slice(*span)])
    assert by_mutagen(files[0])["TIT2"] == "Four (bars 3-4_drums)"
    assert by_mutagen(studio.drag_files(four.id, ("drums",))[0])["TIT2"] == "Four (drums)"
    (other,) = studio.drag_clip(four.id, 176401, 352801)
    assert other.name == "Four_120bpm_Am_4.00s-8.00s.wav"
    assert studio.drag_clip(four.id, 176402, 352802)[0] != other, "another selection is another file"
    with pytest.raises(InvalidRequest, match="selection must be frames"):
        studio.drag_clip(four.id, 5, 5)
    with pytest.raises(InvalidRequest, match="sound where a span is asked for"):
        studio.drag_clip(four.id, *span, ("midi",))


def test_no_two_takes_hand_over_files_of_one_name(studio: Studio, six: Track) -> None:
    twins = [plant(studio.library, {}, mix=tone(220, 0.2), title=title) for title in ("Twin", "twin")]
    names = [studio.drag_files(twin.id, ("stems",))[0].name for twin in twins]
    assert names == ["Twin_120bpm_Am.wav", "twin_120bpm_Am (2).wav"]
    studio.library.delete(twins[0].id)
    studio.purge(0.0)
    assert studio.ready_drag_files(twins[1].id, ("mix",)) is not None, "a name stays"
    third = plant(studio.library, {}, mix=tone(220, 0.2), title="Twin")
    assert studio.drag_files(third.id, ("mix",))[0].name == "Twin_120bpm_Am (3).wav"


# -- clips -------------------------------------------------------------------------------------------------------


def test_a_clip_is_exactly_what_was_selected(studio: Studio, four: Track, tmp_path: Path) -> None:
    path = studio.export_clip(four.id, tmp_path, 12345, 54321, part="bass", encoding=FLOAT)
    assert path.name == "Four_120bpm_Am_0.28s-1.23s_bass.wav"
    np.testing.assert_array_equal(read_audio(path)[0], lane(four, "bass")[12345:54321])
    bars = studio.export_clip(four.id, tmp_path, 2 * 88200, 4 * 88200)
    assert bars.name == "Four_120bpm_Am_bars 3-4.wav"
    np.testing.assert_array_equal(read_audio(bars)[0], read_audio(mix_path(four.folder))[0][176400:352800])
    assert struct.unpack("<II4sIII", chunk_of(bars, b"cue ")[4:]) == (1, 0, b"data", 0, 0, 0)
    assert "chorus" in libsndfile_log(bars)
    assert "intro" not in libsndfile_log(bars)
    assert b"smpl" not in bars.read_bytes()[:4000]
    heard = studio.export_clip(four.id, tmp_path, 0, 1000, encoding=FLOAT, mix=Mix({"bass": Channel(solo=True)}))
    np.testing.assert_allclose(read_audio(heard)[0], lane(four, "bass")[:1000], atol=1e-7)
    assert heard.name == "Four_120bpm_Am_0.00s-0.02s_as heard.wav"
    flac = studio.export_clip(four.id, tmp_path / "c.flac", 5, 6, encoding=Encoding("flac"))
    assert audio_frames(flac) == (1, RATE)


def test_a_clip_needs_no_tempo_but_frames(studio: Studio, beatless: Track, tmp_path: Path) -> None:
    assert audio_frames(studio.export_clip(beatless.id, tmp_path, 100, 900)) == (800, RATE)
    for start, end in ((-1, 5), (5, 5), (9, 5), (0, beatless.frames + 1)):
        with pytest.raises(InvalidRequest, match=f"selection must be frames from 0 to {beatless.frames}"):
            studio.export_clip(beatless.id, tmp_path, start, end)
    assert len(list(tmp_path.iterdir())) == 1


# -- loops -------------------------------------------------------------------------------------------------------


def test_a_loop_has_the_frames_of_its_bars_and_says_so(studio: Studio, six: Track, tmp_path: Path) -> None:
    loop = studio.export_loop(six.id, tmp_path, 1, 2, parts=("mix", "stems"), encoding=FLOAT)
    frames = round(2 * 3 * 60 / 97 * RATE)
    assert loop.frames == frames
    assert {audio_frames(file) for file in loop.files} == {(frames, RATE)}
    assert [file.name for file in loop.files] == [
        "Six v1.5_97bpm_Am_bars 2-3.wav", *(f"Six v1.5_97bpm_Am_bars 2-3_{name}.wav" for name in SIX_LANES)
    ]  # fmt: skip
    mix, *stems = (read_audio(file)[0] for file in loop.files)
    np.testing.assert_allclose(np.sum(stems, axis=0), mix, atol=1e-5)
    assert loop.seam is Seam.FROM_BEFORE
    assert 0.0 < loop.score.score <= 1.0
    looked = studio.look_at_loop(six.id, 1, 2)
    assert (looked.frames, looked.seam, looked.files) == (frames, loop.seam, ())
    assert looked.score.score == pytest.approx(loop.score.score, abs=0.01)
    for file in loop.files:
        first, last = struct.unpack("<2I", chunk_of(file, b"smpl")[44:52])
        assert (first, last) == (0, frames - 1)
        flags, _, _, _, beats, numerator, _, tempo = struct.unpack("<IHHfIHHf", chunk_of(file, b"acid"))
        assert (flags & 0x0D, beats, numerator, tempo) == (0x04, 6, 3, 97.0)
        assert re.search(r"Tempo\s+: 97\b", libsndfile_log(file))
        assert by_mutagen(file)["TBPM"] == "97"


def test_a_loop_as_heard_and_to_one_file(studio: Studio, four: Track, tmp_path: Path) -> None:
    target = tmp_path / "loop.wav"
    target.write_bytes(b"old")
    mix = Mix({"bass": Channel(-6.0, solo=True)})
    loop = studio.export_loop(four.id, target, 0, 1, encoding=FLOAT, mix=mix)
    assert loop.files == (target,)
    inner = slice(4000, 80000)  # away from where its ends meet
    np.testing.assert_allclose(read_audio(target)[0][inner], lane(four, "bass")[inner] * 10 ** (-6 / 20), atol=1e-6)
    (drums,) = studio.export_loop(four.id, tmp_path, 3, 1, parts=("drums",)).files
    assert drums.name == "Four_120bpm_Am_bar 4_drums.wav"


def test_a_tail_that_makes_a_loop_too_loud_is_tamed_in_mix_and_stems(studio: Studio, tmp_path: Path) -> None:
    time_s = np.arange(5 * RATE) / RATE
    ring = 0.85 * np.sin(2 * np.pi * 100 * time_s) * np.where(time_s < 4, 1.0, np.exp(-(time_s - 4) * 8))
    lanes = {name: np.repeat((ring / 4)[:, None], 2, axis=1).astype(np.float32) for name in STEMS}
    track = plant(studio.library, lanes, title="Ringing")
    loud = studio.export_loop(track.id, tmp_path / "f.wav", 0, 2, encoding=FLOAT)
    assert loud.seam is Seam.TAIL
    assert true_peak_dbtp(read_audio(loud.files[0])[0]) > 0.0
    loop = studio.export_loop(track.id, tmp_path, 0, 2, parts=("mix", "stems"))
    mix, *stems = (read_audio(file)[0] for file in loop.files)
    assert len(mix) == 4 * RATE
    assert -1.5 < true_peak_dbtp(mix) <= -0.94
    np.testing.assert_allclose(np.sum(stems, axis=0), mix, atol=1e-5)
    assert abs(mix[-1] - mix[0]).max() < 0.05, "it goes round without a step"


def test_a_loop_that_stays_as_loud_is_left_alone(studio: Studio, tmp_path: Path) -> None:
    """An import may be louder than −1 dBTP; a piece of it is that piece."""
    hot = plant(studio.library, {}, mix=tone(100, 6.0, level=0.99), title="Hot", true_peak_dbtp=-0.09)
    loop = studio.export_loop(hot.id, tmp_path, 1, 1)
    audio, _ = read_audio(loop.files[0])
    np.testing.assert_array_equal(audio[4000:80000], read_audio(mix_path(hot.folder))[0][92200:168200])


def test_what_cannot_loop_is_a_sentence(studio: Studio, four: Track, beatless: Track, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="'Beatless' has no steady tempo, and loops are laid out"):
        studio.export_loop(beatless.id, tmp_path, 0, 1)
    with pytest.raises(StudioError, match="'Beatless' has no steady tempo, and loops are laid out"):
        studio.look_at_loop(beatless.id, 0, 1)
    with pytest.raises(StudioError, match="There are no 4 whole bars from bar 3 on"):
        studio.export_loop(four.id, tmp_path, 2, 4)
    with pytest.raises(StudioError, match="1 to 64 bars, not 65"):
        studio.export_loop(four.id, tmp_path, 0, 65)
    with pytest.raises(FileProblem, match="has no guitar"):
        studio.export_loop(four.id, tmp_path, 0, 1, parts=("guitar",))
    for nothing in (
        lambda: studio.export_loop(four.id, tmp_path, 0, 1, parts=()),
        lambda: studio.export_clicked(four.id, tmp_path, Clicks(track=True), parts=()),
    ):
        with pytest.raises(InvalidRequest, match="parts must be one or more"):
            nothing()
    assert list(tmp_path.iterdir()) == []


# -- clicks ------------------------------------------------------------------------------------------------------


def test_a_click_lies_beside_and_the_rest_is_untouched(studio: Studio, four: Track, tmp_path: Path) -> None:
    mix, click = studio.export_clicked(four.id, tmp_path, Clicks(track=True))
    assert [mix.name, click.name] == ["Four_120bpm_Am.wav", "Four_120bpm_Am_click.wav"]
    np.testing.assert_array_equal(read_audio(mix)[0], read_audio(mix_path(four.folder))[0])
    sound, _ = read_audio(click)
    assert len(sound) == four.frames
    beats = np.flatnonzero(abs(sound[:, 0]) > 0.2)
    assert {round(frame / 22050) for frame in beats} == set(range(17))
    assert min(beats) == 0


def test_a_mix_alone_is_counted_in_and_stems_have_a_file_for_it(studio: Studio, four: Track, tmp_path: Path) -> None:
    bar = 2 * RATE
    (mix,) = studio.export_clicked(four.id, tmp_path / "m.wav", Clicks(count_in=True), encoding=FLOAT)
    audio, _ = read_audio(mix)
    np.testing.assert_array_equal(audio[bar:], read_audio(mix_path(four.folder))[0])
    assert all(abs(audio[beat * RATE // 2]).max() > 0.2 for beat in range(4))
    log = libsndfile_log(mix)
    assert "intro" in log
    assert struct.unpack("<I", chunk_of(mix, b"cue ")[24:28]) == (bar,)
    files = studio.export_clicked(four.id, tmp_path / "s", Clicks(count_in=True), parts=("stems",), encoding=FLOAT)
    assert [file.stem.rpartition("_")[2] for file in files] == [*STEMS, "count-in"]
    for name, file in zip(STEMS, files, strict=False):
        sound, _ = read_audio(file)
        assert not sound[:bar].any()
        np.testing.assert_array_equal(sound[bar:], lane(four, name))
    count, _ = read_audio(files[-1])
    np.testing.assert_array_equal(count[:bar], audio[:bar])
    assert not count[bar:].any()
    both = studio.export_clicked(four.id, tmp_path / "b.wav", Clicks(True, True), encoding=FLOAT)
    assert [file.name for file in both] == ["b.wav", "b_click.wav"]
    assert not read_audio(both[0])[0][:bar].any(), "it is clicked in one place"
    assert len(read_audio(both[1])[0]) == bar + four.frames


def test_each_minus_one_is_counted_in_and_a_zip_has_its_clicks(studio: Studio, four: Track, tmp_path: Path) -> None:
    without = (("vocals",), ("drums",))
    files = studio.export_clicked(four.id, tmp_path / "m", Clicks(count_in=True), without=without, encoding=FLOAT)
    assert [file.stem.rpartition("_")[2] for file in files] == ["minus vocals", "minus drums"]
    bar = 2 * RATE
    for file, stem in zip(files, ("vocals", "drums"), strict=True):
        audio, _ = read_audio(file)
        assert abs(audio[:100]).max() > 0.2, "one plays along with each of them alone"
        rest = read_audio(mix_path(four.folder))[0] - lane(four, stem)
        np.testing.assert_allclose(audio[bar:], rest, atol=1e-5)
    packed = studio.export_zip(four.id, tmp_path, FLOAT, parts=("bass",), clicks=Clicks(True, True))
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["Four_120bpm_Am_bass.wav", "Four_120bpm_Am_click.wav"]
        archive.extractall(tmp_path)
    bass, click = (read_audio(tmp_path / f"Four_120bpm_Am_{name}.wav")[0] for name in ("bass", "click"))
    assert len(bass) == len(click) == bar + four.frames
    np.testing.assert_array_equal(bass[bar:], lane(four, "bass"))


def test_a_cancelled_export_with_clicks_leaves_what_was_there(studio: Studio, four: Track, tmp_path: Path) -> None:
    target = tmp_path / "m.wav"
    target.write_bytes(b"old")
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.6:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.export_clicked(four.id, target, Clicks(True, True), on_progress=stop, cancel=cancel)
    with pytest.raises(Cancelled):
        studio.export_loop(four.id, tmp_path / "new", 0, 1, parts=("stems",), on_progress=stop, cancel=cancel)
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["m.wav"]
    shutil.rmtree(tmp_path / "new", ignore_errors=True)
    assert [p.name for p in tmp_path.iterdir()] == ["m.wav"]


def test_clicks_need_a_tempo(studio: Studio, beatless: Track, tmp_path: Path) -> None:
    work: tuple[Callable[[], object], ...] = (
        lambda: studio.export_clicked(beatless.id, tmp_path, Clicks(track=True)),
        lambda: studio.export_clicked(beatless.id, tmp_path, Clicks(count_in=True)),
    )
    for asked in work:
        with pytest.raises(StudioError, match="'Beatless' has no steady tempo, and clicks are laid out"):
            asked()
    assert list(tmp_path.iterdir()) == []
