"""Sessions for other programs: DAWproject against its official schemas, REAPER's and the plain text read back."""

from __future__ import annotations

import io
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from lxml import etree

from nur_studio.audio.dawproject import write_dawproject
from nur_studio.audio.files import Encoding, write_audio
from nur_studio.audio.reaper import write_reaper
from nur_studio.audio.session import Session, SessionTrack, describe, write_session_text
from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.timing import Marker

RATE, FRAMES = 44100, 44100 * 4 + 7
ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(os.environ.get("NUR_DAWPROJECT_SCHEMAS") or ROOT.parent / "shared" / "reference" / "dawproject")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    stems = tmp_path / "stems"
    stems.mkdir()
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (FRAMES, 2)).astype(np.float32)
    for name in ("drums", "bass", "Gesang ♪"):
        write_audio(stems / f"{name}.wav", noise, RATE, Encoding("wav"))
    return Session(
        title='Rain <&> "night" ☂',
        sample_rate=RATE,
        frames=FRAMES,
        tempo=97.0,
        tracks=(
            SessionTrack("Drums", stems / "drums.wav", gain_db=-6.0, pan=-0.5, color="#12ab34"),
            SessionTrack("Bass", stems / "bass.wav", gain_db=-60.0, mute=True),
            SessionTrack("Vocals ♪", stems / "Gesang ♪.wav", gain_db=3.0, pan=1.0, solo=True),
        ),
        markers=(Marker("intro", 0), Marker("chorus ☂", RATE * 2)),
        master_db=-1.5,
        key="A minor",
        genre="lo-fi",
        licence="CC BY-NC 4.0",
        comment="Made with\nMusicGen",
    )


def written(folder: Path, session: Session) -> tuple[zipfile.ZipFile, Any]:
    path = folder / "a.dawproject"
    write_dawproject(path, session)
    archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    return archive, etree.fromstring(archive.read("project.xml"))


def schema(name: str) -> Any:
    if not (SCHEMAS / name).exists():
        pytest.skip(f"DAWproject's {name} is not in {SCHEMAS}; NUR_DAWPROJECT_SCHEMAS names another folder")
    return etree.XMLSchema(etree.parse(SCHEMAS / name))


# -- DAWproject --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{}, {"markers": ()}, {"tracks": ()}, {"beat_offset_s": 0.3}, {"title": "\x07\ufffe"}, {"has_tempo": False}],
)
def test_a_dawproject_meets_both_schemas(tmp_path: Path, session: Session, change: dict[str, Any]) -> None:
    archive, project = written(tmp_path, replace(session, **change))
    schema("Project.xsd").assertValid(project)
    schema("MetaData.xsd").assertValid(etree.fromstring(archive.read("metadata.xml")))


def test_the_schema_test_can_fail(tmp_path: Path, session: Session) -> None:
    _, project = written(tmp_path, session)
    project.find(".//Warp").attrib.pop("contentTime")
    assert not schema("Project.xsd").validate(project)


def test_the_audio_is_inside_bit_for_bit(tmp_path: Path, session: Session) -> None:
    archive, project = written(tmp_path, session)
    paths = [file.get("path") for file in project.iter("File")]
    assert paths == ["audio/drums.wav", "audio/bass.wav", "audio/Gesang ♪.wav"]
    assert sorted(archive.namelist()) == sorted(["project.xml", "metadata.xml", *paths])
    assert archive.testzip() is None
    for track, name in zip(session.tracks, paths, strict=True):
        assert archive.read(name) == track.file.read_bytes()
        assert soundfile.info(io.BytesIO(archive.read(name))).frames == FRAMES


def test_tempo_metre_and_mix_are_there(tmp_path: Path, session: Session) -> None:
    _, project = written(tmp_path, session)
    assert set(project.find("Transport/Tempo").items()) >= {("value", "97.0"), ("unit", "bpm")}
    assert set(project.find("Transport/TimeSignature").items()) >= {("numerator", "4"), ("denominator", "4")}
    strips = []
    for track in project.findall("Structure/Track"):
        channel = track.find("Channel")
        strips.append(
            (
                track.get("name"),
                round(float(channel.find("Volume").get("value")), 4),
                float(channel.find("Pan").get("value")),
                channel.find("Mute").get("value"),
                channel.get("solo"),
                channel.get("role"),
            )
        )
    assert strips == [
        ("Drums", 0.5012, 0.25, "false", "false", "regular"),
        ("Bass", 0.0, 0.5, "true", "false", "regular"),
        ("Vocals ♪", 1.4125, 1.0, "false", "true", "regular"),
        ("Master", 0.8414, 0.5, "false", "false", "master"),
    ]
    assert project.find("Structure/Track").get("color") == "#12ab34"
    master = project.xpath("//Channel[@role='master']/@id")
    assert project.xpath("//Channel[@role='regular']/@destination") == master * 3


def test_clips_hold_the_whole_file_on_the_beat(tmp_path: Path, session: Session) -> None:
    _, project = written(tmp_path, session)
    beats, seconds = FRAMES / RATE * 97 / 60, FRAMES / RATE
    tracks = [lane.get("track") for lane in project.findall("Arrangement/Lanes/Lanes")]
    assert tracks == [track.get("id") for track in project.findall("Structure/Track")[:3]]
    for clip in project.findall("Arrangement/Lanes/Lanes/Clips/Clip"):
        assert (float(clip.get("time")), float(clip.get("duration"))) == (0.0, beats)
        warps = [(float(w.get("time")), float(w.get("contentTime"))) for w in clip.iter("Warp")]
        assert warps == [(0.0, 0.0), (beats, seconds)]
        (audio,) = clip.iter("Audio")
        assert (audio.get("sampleRate"), audio.get("channels"), float(audio.get("duration"))) == ("44100", "2", seconds)
    markers = [(m.get("name"), float(m.get("time"))) for m in project.findall("Arrangement/Markers/Marker")]
    assert markers == [("intro", 0.0), ("chorus ☂", pytest.approx(2 * 97 / 60))]


def test_bar_one_of_the_files_is_on_a_bar_line(tmp_path: Path, session: Session) -> None:
    shifted = replace(session, beat_offset_s=0.3, markers=(Marker("verse", round(0.3 * RATE)),))
    assert shifted.lead_in_bars == 1
    _, project = written(tmp_path, shifted)
    start = float(project.find("Arrangement/Lanes/Lanes/Clips/Clip").get("time"))
    assert start + 0.3 * 97 / 60 == pytest.approx(4.0)
    assert float(project.find("Arrangement/Markers/Marker").get("time")) == pytest.approx(4.0, abs=1e-4)
    whole_bar = replace(session, beat_offset_s=session.grid.bar_s)
    assert (whole_bar.lead_in_bars, whole_bar.start_beat) == (1, pytest.approx(0.0))


def test_metadata(tmp_path: Path, session: Session) -> None:
    archive, _ = written(tmp_path, session)
    said = {element.tag: element.text for element in etree.fromstring(archive.read("metadata.xml"))}
    assert said == {
        "Title": session.title, "Genre": "lo-fi", "Copyright": "CC BY-NC 4.0",
        "Comment": "A minor · Made with MusicGen",
    }  # fmt: skip


def test_files_of_one_name_keep_apart(tmp_path: Path, session: Session) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "Drums.wav"
    twin.write_bytes(session.tracks[1].file.read_bytes())
    _, project = written(tmp_path, replace(session, tracks=(session.tracks[0], SessionTrack("Again", twin))))
    assert [file.get("path") for file in project.iter("File")] == ["audio/drums.wav", "audio/Drums 2.wav"]


def test_progress_cancel_and_what_is_missing(tmp_path: Path, session: Session) -> None:
    path, seen = tmp_path / "a.dawproject", list[Progress]()
    path.write_bytes(b"what was there")
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        write_dawproject(path, session, lambda _: cancel.cancel(), cancel)
    gone = replace(session, tracks=(*session.tracks, SessionTrack("Gone", tmp_path / "gone.wav")))
    with pytest.raises(FileProblem, match=r"There is no file “gone\.wav”"):
        write_dawproject(path, gone)
    assert path.read_bytes() == b"what was there"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dawproject", "stems"]
    write_dawproject(path, session, seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


# -- REAPER ------------------------------------------------------------------------------------------------------


def parsed(text: str) -> list[Any]:
    """REAPER's format: `<NAME …` opens a block, `>` closes it, every other line is words, some of them quoted."""
    stack: list[list[Any]] = [[]]
    for line in text.splitlines():
        line = line.strip()
        words = [a or b or c or d for a, b, c, d in re.findall(r"\"([^\"]*)\"|'([^']*)'|`([^`]*)`|(\S+)", line)]
        if line.startswith("<"):
            block = [[words[0][1:], *words[1:]]]
            stack[-1].append(block)
            stack.append(block)
        elif line == ">":
            stack.pop()
        else:
            stack[-1].append([line] if line.startswith("|") else words)
    assert len(stack) == 1, "every block is closed"
    return stack[0][0]


def blocks(parent: list[Any], name: str) -> list[Any]:
    return [entry for entry in parent[1:] if isinstance(entry[0], list) and entry[0][0] == name]


def value(block: list[Any], name: str) -> list[str]:
    return next(entry[1:] for entry in block[1:] if entry[0] == name)


def test_a_reaper_project_has_it_all(tmp_path: Path, session: Session) -> None:
    path = tmp_path / "a.rpp"
    write_reaper(path, session)
    project = parsed(path.read_text("utf-8"))
    assert project[0][0] == "REAPER_PROJECT"
    assert value(project, "TITLE") == [session.title]
    assert value(project, "TEMPO") == ["97", "4", "4"]
    assert value(project, "SAMPLERATE")[0] == "44100"
    assert float(value(project, "MASTER_VOLUME")[0]) == pytest.approx(0.8414, abs=1e-4)
    markers = [entry[1:4] for entry in project if entry[0] == "MARKER"]
    assert markers == [["1", "0", "intro"], ["2", "2", "chorus ☂"]]
    tracks = blocks(project, "TRACK")
    assert [value(track, "NAME") for track in tracks] == [["Drums"], ["Bass"], ["Vocals ♪"]]
    strips = [[float(x) for x in value(track, "VOLPAN")[:2]] for track in tracks]
    assert strips == [[pytest.approx(0.501187), -0.5], [0.0, 0.0], [pytest.approx(1.412538), 1.0]]
    assert [value(track, "MUTESOLO")[:2] for track in tracks] == [["0", "0"], ["1", "0"], ["0", "1"]]
    assert int(value(tracks[0], "PEAKCOL")[0]) == 0x134AB12
    for track, given in zip(tracks, session.tracks, strict=True):
        (item,) = blocks(track, "ITEM")
        assert float(value(item, "POSITION")[0]) == 0.0
        assert float(value(item, "LENGTH")[0]) == pytest.approx(FRAMES / RATE, abs=1e-9)
        (source,) = blocks(item, "SOURCE")
        assert source[0] == ["SOURCE", "WAVE"]
        (file,) = value(source, "FILE")
        assert file == f"stems/{given.file.name}", "relative, so that the folder can move"
        assert (tmp_path / file).read_bytes() == given.file.read_bytes()


def test_reaper_files_elsewhere_are_named_in_full(tmp_path: Path, session: Session) -> None:
    (tmp_path / "projects").mkdir()
    path = tmp_path / "projects" / "a.rpp"
    write_reaper(path, replace(session, beat_offset_s=0.3, tracks=session.tracks[:1]))
    (track,) = blocks(parsed(path.read_text("utf-8")), "TRACK")
    (item,) = blocks(track, "ITEM")
    assert value(blocks(item, "SOURCE")[0], "FILE") == [str(session.tracks[0].file)]
    assert float(value(item, "POSITION")[0]) + 0.3 == pytest.approx(session.grid.bar_s)


@pytest.mark.parametrize("name", ["plain", "a b", 'say "so"', "it's", '"it\'s"', '"it\'s" `so`', "", "a\nb"])
def test_reaper_names_of_every_kind(tmp_path: Path, session: Session, name: str) -> None:
    path = tmp_path / "a.rpp"
    write_reaper(path, replace(session, tracks=(replace(session.tracks[0], name=name),)))
    (track,) = blocks(parsed(path.read_text("utf-8")), "TRACK")
    assert value(track, "NAME") == [name.replace("\n", " ").replace("`", "'" if "'" in name else "`")]


# -- in words ----------------------------------------------------------------------------------------------------


def test_a_session_in_words(tmp_path: Path, session: Session) -> None:
    path = tmp_path / "session.txt"
    write_session_text(path, replace(session, beat_offset_s=0.3, midi=tmp_path / "score.mid"))
    assert path.read_text("utf-8").splitlines() == [
        'Rain <&> "night" ☂',
        "",
        "Tempo: 97 BPM  4/4  A minor",
        "Length: 0:04.00 (1.62 bars), 176407 frames at 44100 Hz",
        "Bar 1 begins 0.3 s into the files (frame 13230).",
        "",
        "Put every file at the same place. The mix was heard with these faders:",
        "  file          gain     pan",
        "  drums.wav     -6.0 dB  50 % left",
        "  bass.wav      closed   centre       muted",
        "  Gesang ♪.wav  +3.0 dB  100 % right  solo",
        "Master: -1.5 dB",
        "",
        "MIDI: score.mid, whose first tick is beat 1 of bar 1.",
        "",
        "Sections:",
        "  bar 1.1.1  0:00.00  intro",
        "  bar 1.3.3  0:02.00  chorus ☂",
        "",
        "Genre: lo-fi",
        "",
        "Licence: CC BY-NC 4.0",
        "",
        "Made with MusicGen",
    ]


def test_a_session_that_begins_at_bar_one(session: Session) -> None:
    assert "Bar 1 begins at the files' first frame." in describe(session)


def test_a_section_on_a_bar_line_is_said_to_be_there(session: Session) -> None:
    """Its frame is a rounded one, which may lie just before the beat."""
    frames = [session.grid.frame_of(bar * 4, RATE) for bar in range(200)]
    lines = describe(replace(session, markers=tuple(Marker("x", frame) for frame in frames)))
    bars = [line.split()[1] for line in lines if line.startswith("  bar ")]
    assert bars == [f"{bar + 1}.1.1" for bar in range(200)]
