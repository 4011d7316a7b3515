"""`nur-studio export`, `import` and `combine`: what they write, say and refuse."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_cli import Run
from planted_tracks import plant, tone

from nur_studio.audio.files import read_audio
from nur_studio.audio.masters import stem_path
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.track import Track
from nur_studio.library.library import Library

pytestmark = pytest.mark.usefixtures("at_home")


def planted(home: Path, lanes: tuple[str, ...], title: str) -> Track:
    with closing(Library(Directories.below(home).library)) as library:
        sounds = {lane: tone(110 * (n + 1), 1.0) for n, lane in enumerate(lanes)}
        track = plant(library, sounds, mix=None if lanes else tone(220, 1.0), title=title)
        return library.set_mix(track.id, Mix({"bass": Channel(mute=True)} if lanes else {}))


@pytest.fixture(scope="module")
def four(home: Path) -> Track:
    return planted(home, STEMS, "Four")


@pytest.fixture(scope="module")
def six(home: Path) -> Track:
    return planted(home, SIX_LANES, "Six")


@pytest.fixture(scope="module")
def whole(home: Path) -> Track:
    return planted(home, (), "Whole")


def lane(track: Track, name: str) -> np.ndarray:
    return read_audio(stem_path(track.folder, name))[0]


# -- export ------------------------------------------------------------------------------------------------------


def test_one_minus_is_a_file_and_several_are_files(run: Run, four: Track, tmp_path: Path) -> None:
    code, out, err = run("export", four.id, "--minus", "vocals,drums", "--out", tmp_path / "x.wav", "--bits", "32")
    assert (code, out, err) == (0, f"{tmp_path / 'x.wav'}\n", "")
    np.testing.assert_allclose(read_audio(tmp_path / "x.wav")[0], lane(four, "bass") + lane(four, "other"), atol=1e-6)
    code, out, _ = run(
        "export", four.id, "--minus", "vocals", "--minus", "drums", "--out", tmp_path, "--format", "flac"
    )
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [
        "Four_120bpm_Am_minus vocals.flac", "Four_120bpm_Am_minus drums.flac"
    ]  # fmt: skip


def test_as_heard_is_the_mix_that_was_left(run: Run, four: Track, tmp_path: Path) -> None:
    code, out, _ = run("export", four.id, "--as-heard", "--out", tmp_path, "--bits", "32")
    assert (code, out) == (0, f"{tmp_path / 'Four_120bpm_Am_as heard.wav'}\n")
    expected = sum(lane(four, stem) for stem in STEMS if stem != "bass")
    np.testing.assert_allclose(read_audio(Path(out.strip()))[0], expected, atol=1e-6)


def test_a_zip_of_stems_or_of_mixes(run: Run, six: Track, tmp_path: Path) -> None:
    code, out, _ = run("export", six.id, "--zip", "--out", tmp_path)
    assert (code, out) == (0, f"{tmp_path / 'Six_120bpm_Am_stems.zip'}\n")
    with zipfile.ZipFile(out.strip()) as archive:
        assert archive.namelist() == [f"Six_120bpm_Am_{name}.wav" for name in SIX_LANES]
    code, out, _ = run("export", six.id, "--zip", "--minus", "guitar", "--format", "flac", "--out", tmp_path / "m.zip")
    assert code == 0
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        assert archive.namelist() == ["Six_120bpm_Am_minus guitar.flac"]
    code, _, err = run("export", six.id, "--zip", "--out", tmp_path / "m.wav")
    assert code == 2
    assert "a file ending in .zip" in err


def test_parts_there_are_and_parts_there_are_not(
    run: Run, four: Track, six: Track, whole: Track, tmp_path: Path
) -> None:
    assert run("export", six.id, "--part", "guitar", "--out", tmp_path)[1].endswith("Six_120bpm_Am_guitar.wav\n")
    assert run("export", six.id, "--part", "other", "--out", tmp_path)[0] == 0
    assert len(run("export", six.id, "--part", "stems", "--out", tmp_path)[1].splitlines()) == 6
    only = "nur-studio: 'Four' has no guitar of its own: its parts are drums, bass, vocals, other.\n"
    assert run("export", four.id, "--part", "guitar", "--out", tmp_path) == (1, "", only)
    assert run("export", four.id, "--minus", "guitar", "--out", tmp_path) == (1, "", only)
    none = (
        "nur-studio: 'Whole' has no stems: there is only the mix. "
        f"`nur-studio separate {whole.id}`, or “Separate into stems” in the window, makes them.\n"
    )
    for options in (("--part", "drums"), ("--minus", "drums"), ("--part", "stems"), ("--zip",)):
        assert run("export", whole.id, *options, "--out", tmp_path) == (1, "", none)
    assert run("export", whole.id, "--as-heard", "--out", tmp_path)[0] == 0


def test_one_thing_at_a_time(run: Run, four: Track) -> None:
    code, _, err = run("export", four.id, "--part", "drums", "--minus", "bass")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run("export", four.id, "--minus", "tuba")
    assert code == 2
    assert err.startswith("nur-studio: stem must be one of drums, ")


# -- import ------------------------------------------------------------------------------------------------------


def test_files_come_in_and_those_that_cannot_are_told(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        soundfile.write(tmp_path / f"{name}.wav", tone(300, 0.5), 44100)
    (tmp_path / "bad.wav").write_text("nothing")
    code, out, err = run("import", tmp_path / "one.wav", tmp_path / "bad.wav", tmp_path / "two.wav")
    assert code == 1
    assert err.startswith("nur-studio: “bad.wav” is damaged or not audio")
    one, facts, two, _ = out.splitlines()
    assert one.startswith("one  (trk_")
    assert two.startswith("two  (trk_")
    assert facts.startswith("  imported · no steady beat · 0.5 s · ")
    assert facts.endswith(" LUFS · imported audio, its rights are yours to clear")


def test_an_imported_file_in_list_get_and_json(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hum.wav", np.zeros((22050, 2)), 44100)
    code, out, err = run("import", tmp_path / "hum.wav", "--json")
    assert (code, err) == (0, "nur-studio: hum: There is nothing but silence in it.\n")
    shown = json.loads(out)
    assert (shown["tempo"], shown["stems"], shown["engine"]) == (None, None, "import")
    listed = run("list", "hum")[1]
    assert "    – BPM" in listed
    got = run("get", shown["id"])[1].splitlines()
    assert got[1].endswith("imported from hum.wav")
    assert "no steady beat" in got[3]
    assert "nothing but silence" in got[4]
    (tmp_path / "bad.wav").touch()
    assert run("import", tmp_path / "bad.wav")[0] == 1
    assert run("import")[0] == 2


# -- combine -----------------------------------------------------------------------------------------------------


def test_one_track_with_a_stem_of_another(run: Run, four: Track, six: Track, whole: Track) -> None:
    code, out, err = run("combine", four.id, "drums", six.id)
    assert (code, err) == (0, "")
    heading, facts = out.splitlines()
    assert heading.startswith("Four + drums of Six  (trk_")
    assert "120 BPM · A minor · 1 s" in facts
    code, out, _ = run("combine", four.id, "mix", whole.id, "--layer", "--title", "Both", "--json")
    shown = json.loads(out)
    assert (code, shown["title"], list(shown["stems"])) == (0, "Both", list(STEMS))
    assert f"combined from {four.id} and the mix of {whole.id}" in run("get", shown["id"])[1]
    code, out, err = run("combine", whole.id, "drums", four.id)
    assert (code, out) == (1, "")
    assert "none of them can be replaced" in err
