"""`nur-studio export` with --session, --midi, --loop, --click and --count-in: what it writes, says and refuses."""

from __future__ import annotations

import zipfile
from contextlib import closing
from pathlib import Path

import mido
import pytest
from fake_cli import Run
from planted_tracks import plant, tone

from nur_studio.audio.files import audio_frames
from nur_studio.audio.masters import score_path
from nur_studio.audio.midi import write_midi
from nur_studio.core.mix import STEMS
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.paths import Directories
from nur_studio.core.track import Track
from nur_studio.engines import hearing, transcribing
from nur_studio.library.library import Library

pytestmark = pytest.mark.usefixtures("at_home")
SHEET = NoteSheet("X", 120.0, 4, 8.0, (NoteLine("Bass", "bass", 33, (PlayedNote(1.5, 1.0, 40, 0.5),)),))


@pytest.fixture(scope="module")
def four(home: Path) -> Track:
    with closing(Library(Directories.below(home).library)) as library:
        track = plant(library, {stem: tone(110 * (n + 1), 4.0) for n, stem in enumerate(STEMS)}, title="Four")
    write_midi(score_path(track.folder), SHEET)
    return track


@pytest.fixture(scope="module")
def whole(home: Path) -> Track:
    with closing(Library(Directories.below(home).library)) as library:
        return plant(library, {}, mix=tone(220, 1.0), title="Whole", tempo=0)


def test_a_session_says_where_it_is(run: Run, four: Track, whole: Track, tmp_path: Path) -> None:
    code, out, err = run("export", four.id, "--session", "dawproject", "--count-in", "--out", tmp_path)
    assert (code, out, err) == (0, f"{tmp_path / 'Four_120bpm_Am.dawproject'}\n", "")
    with zipfile.ZipFile(out.strip()) as archive:
        assert "audio/Four_120bpm_Am_count-in.wav" in archive.namelist()
    code, out, _ = run("export", four.id, "--session", "reaper", "--out", tmp_path)
    assert (code, out) == (0, f"{tmp_path / 'Four_120bpm_Am_reaper' / 'Four.rpp'}\n")
    code, out, _ = run("export", four.id, "--session", "folder", "--out", tmp_path / "new")
    assert (code, out) == (0, f"{tmp_path / 'new'}\n")
    assert (tmp_path / "new" / "session.txt").exists()
    code, _, err = run("export", four.id, "--session", "dawproject", "--out", tmp_path / "x.zip")
    assert (code, "a file ending in .dawproject" in err) == (2, True)
    code, _, err = run("export", whole.id, "--session", "folder", "--out", tmp_path)
    assert (code, err.count("\n")) == (0, 1)
    assert "No steady tempo is heard" in err


def test_notes_of_all_or_of_one_stem(run: Run, four: Track, tmp_path: Path) -> None:
    code, out, err = run("export", four.id, "--midi", "--out", tmp_path)
    assert (code, out, err) == (0, f"{tmp_path / 'Four_120bpm_Am.mid'}\n", "")
    code, out, _ = run("export", four.id, "--midi", "--part", "bass", "--quantise", "--out", tmp_path / "b.mid")
    assert (code, out) == (0, f"{tmp_path / 'b.mid'}\n")
    assert mido.MidiFile(tmp_path / "b.mid").tracks[1].name == "Bass"
    code, _, err = run("export", four.id, "--midi", "--out", tmp_path / "b.wav")
    assert (code, "a file ending in .mid" in err) == (2, True)


def test_a_transcription_is_called_one(run: Run, whole: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = {"mix": (transcribing.HeardNote(0.1, 0.9, 57, 0.8),)}
    monkeypatch.setattr(hearing, "hear", lambda sources, on_progress, cancel: heard)
    code, out, err = run("export", whole.id, "--midi", "--out", tmp_path)
    assert (code, out) == (0, f"{tmp_path / 'Whole_Am_transcribed.mid'}\n")
    assert err.startswith("nur-studio: A transcription: ")


def test_without_the_packages_it_says_what_to_install(
    run: Run, whole: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribing, "why_not", lambda: "Transcribing to MIDI needs basic_pitch, not installed here.")
    code, out, err = run("export", whole.id, "--midi", "--out", tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("nur-studio: Transcribing to MIDI needs basic_pitch, not installed here. `python packaging/")


def test_a_loop_counts_bars_from_one(run: Run, four: Track, tmp_path: Path) -> None:
    code, out, err = run("export", four.id, "--loop", "2:1", "--part", "stems", "--out", tmp_path / "loops")
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [f"Four_120bpm_Am_bar 2_{stem}.wav" for stem in STEMS]
    assert {audio_frames(Path(line)) for line in out.splitlines()} == {(88200, 44100)}
    assert err.startswith("nur-studio: seam ")
    code, out, _ = run("export", four.id, "--loop", "1:2", "--as-heard", "--out", tmp_path / "l.flac")
    assert (code, out) == (0, f"{tmp_path / 'l.flac'}\n")
    for text in ("0:4", "4", "1:2:3", "a:b", "1:-2", "1:999999"):
        code, _, err = run("export", four.id, "--loop", text, "--out", tmp_path)
        assert (code, err.count("\n")) == (2, 1)
        assert "loop must be the first bar and how many, such as 5:8" in err
    code, _, err = run("export", four.id, "--loop", "2:2", "--out", tmp_path)
    assert (code, err.startswith("nur-studio: There are no 2 whole bars from bar 2 on.")) == (1, True)


def test_clicks_beside_and_in_front(run: Run, four: Track, tmp_path: Path) -> None:
    code, out, _ = run("export", four.id, "--click", "--out", tmp_path)
    assert [Path(line).name for line in out.splitlines()] == ["Four_120bpm_Am.wav", "Four_120bpm_Am_click.wav"]
    code, out, _ = run("export", four.id, "--count-in", "--as-heard", "--out", tmp_path / "m.wav")
    assert (code, out) == (0, f"{tmp_path / 'm.wav'}\n")
    assert audio_frames(tmp_path / "m.wav") == (four.frames + 88200, 44100)
    code, out, _ = run("export", four.id, "--count-in", "--part", "stems", "--out", tmp_path / "stems")
    assert (code, len(out.splitlines())) == (0, 5)


@pytest.mark.parametrize(
    "options",
    [
        ("--quantise",),
        ("--session", "folder", "--part", "drums"),
        ("--session", "folder", "--format", "flac"),
        ("--midi", "--click"),
        ("--midi", "--part", "stems"),
        ("--midi", "--session", "folder"),
        ("--loop", "1:1", "--minus", "drums"),
        ("--loop", "1:1", "--count-in"),
        ("--zip", "--click"),
        ("--minus", "drums", "--click"),
    ],
)
def test_what_would_be_passed_over_is_refused(run: Run, four: Track, tmp_path: Path, options: tuple[str, ...]) -> None:
    code, out, err = run("export", four.id, *options, "--out", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
