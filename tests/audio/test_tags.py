"""Tags: what every kind of file says of itself, as other programs read it, at no cost to the sound."""

from __future__ import annotations

import errno
import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tag_readers import by_libsndfile, by_mutagen, ffprobe, libsndfile_log

from nur_studio.audio import whole
from nur_studio.audio.files import Encoding, read_audio, transcode, write_audio
from nur_studio.audio.tags import FileTags
from nur_studio.core.errors import FileProblem
from nur_studio.core.timing import Marker

RATE = 44100
FORMATS = ("wav", "flac", "ogg", "mp3")
TAGS = FileTags(
    title="Regn på natten 🎹",
    artist="Åsa",
    bpm=120.0,
    key="F# minor",
    genre="lo-fi",
    prompt="rain,\nsoft “keys” 雨",
    engine="MusicGen small",
    licence="CC BY-NC 4.0 – not for sale",
    seed=4294967295,
    software="NUR Studio 1.2",
    made_at=datetime(2026, 1, 2, 3, 4, 5),
    beats_per_bar=3,
    markers=(Marker("intro", 0), Marker("chorus ☂", 88200), Marker("behind the end", 10**9)),
)


def noise(frames: int = 3 * RATE + 1) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.2, 0.2, (frames, 2)).astype(np.float32)


def written(folder: Path, kind: str, tags: FileTags | None, subtype: str = "") -> Path:
    path = folder / f"{'plain' if tags is None else 'tagged'}.{kind}"
    write_audio(path, noise(), RATE, Encoding(kind, subtype), tags=tags)
    return path


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("wav", "PCM_24"), ("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", ""), ("ogg", ""), ("mp3", "")],
)
def test_tags_cost_no_sound(tmp_path: Path, kind: str, subtype: str) -> None:
    plain, tagged = written(tmp_path, kind, None, subtype), written(tmp_path, kind, TAGS, subtype)
    np.testing.assert_array_equal(read_audio(plain)[0], read_audio(tagged)[0])
    assert len(read_audio(tagged)[0]) == 3 * RATE + 1
    assert soundfile.info(str(tagged)).subtype == soundfile.info(str(plain)).subtype
    assert ffprobe(tagged)["duration"] == pytest.approx(ffprobe(plain)["duration"], abs=0.002)
    assert sorted(path.name for path in tmp_path.iterdir()) == [plain.name, tagged.name]


@pytest.mark.parametrize("kind", FORMATS)
def test_ffprobe_reads_them(tmp_path: Path, kind: str) -> None:
    tags = ffprobe(written(tmp_path, kind, TAGS))["tags"]
    assert tags["title"] == "Regn på natten 🎹"
    assert tags["artist"] == "Åsa"
    assert tags["genre"] == "lo-fi"
    assert tags["copyright"] == "CC BY-NC 4.0 – not for sale"
    assert tags["date"] == "2026-01-02"
    assert tags["comment"] == (
        "Made with MusicGen small · Licence: CC BY-NC 4.0 – not for sale · Seed 4294967295 · "
        "Prompt: rain, soft “keys” 雨"
    )
    if kind != "wav":  # ffprobe knows neither `acid` nor the ID3 of a WAV
        assert (tags.get("bpm") or tags["tbpm"], tags.get("initialkey") or tags["tkey"]) == ("120", "F#m")
        assert (tags["prompt"], tags["engine"]) == ("rain, soft “keys” 雨", "MusicGen small")
        assert (tags["license"], tags["seed"]) == ("CC BY-NC 4.0 – not for sale", "4294967295")


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_mutagen_reads_id3(tmp_path: Path, kind: str) -> None:
    tags = by_mutagen(written(tmp_path, kind, TAGS))
    assert (tags["TIT2"], tags["TBPM"], tags["TKEY"], tags["TCON"]) == ("Regn på natten 🎹", "120", "F#m", "lo-fi")
    assert (tags["TSSE"], tags["TXXX:ENGINE"], tags["TXXX:SEED"]) == ("NUR Studio 1.2", "MusicGen small", "4294967295")
    assert tags["TXXX:LICENSE"] == tags["TCOP"] == "CC BY-NC 4.0 – not for sale"
    assert tags["TXXX:PROMPT"] in tags["COMM::eng"]


@pytest.mark.parametrize("kind", ["flac", "ogg"])
def test_mutagen_reads_comments(tmp_path: Path, kind: str) -> None:
    tags = by_mutagen(written(tmp_path, kind, TAGS))
    assert (tags["title"], tags["bpm"], tags["initialkey"]) == ("Regn på natten 🎹", "120", "F#m")
    assert (tags["software"], tags["engine"], tags["seed"]) == ("NUR Studio 1.2", "MusicGen small", "4294967295")
    assert tags["license"] == tags["copyright"] == "CC BY-NC 4.0 – not for sale"


@pytest.mark.parametrize("kind", FORMATS)
def test_libsndfile_reads_them(tmp_path: Path, kind: str) -> None:
    tags = by_libsndfile(written(tmp_path, kind, TAGS))
    assert (tags["title"], tags["artist"]) == ("Regn på natten 🎹", "Åsa")
    assert "not for sale" in tags["copyright"]
    assert "not for sale" in tags["comment"]
    assert tags["software"].startswith("NUR Studio")


def test_a_wav_says_tempo_metre_root_and_markers_before_its_sound(tmp_path: Path) -> None:
    path = written(tmp_path, "wav", TAGS)
    log = libsndfile_log(path)
    order = [log.index(f"\n{name}") for name in ("acid", "cue ", "LIST", "bext", "*** id3", "data")]
    assert order == sorted(order)
    assert "Flags     : 0x000E" in log, "root note, stretched, from disk: a piece"
    assert "Root note : 0x42" in log, "F# over middle C"
    assert "Beats     : 6" in log
    # Numerator first, as REAPER reads it; libsndfile takes the first of the two for the denominator.
    assert "Meter     : 4/3" in log
    assert "Tempo     : 120.0" in log
    assert "smpl" not in log
    assert "labl : 1 : intro" in log
    assert "labl : 2 : chorus ☂" in log
    assert ffprobe(path)["chapters"] == [("intro", 0.0), ("chorus ☂", 2.0)]


def test_bext_is_ascii_and_dated(tmp_path: Path) -> None:
    tags = ffprobe(written(tmp_path, "wav", TAGS))["tags"]
    assert (tags["encoded_by"], tags["creation_time"], tags["time_reference"]) == ("NUR Studio 1.2", "03:04:05", "0")
    content = (tmp_path / "tagged.wav").read_bytes()
    start = content.index(b"bext") + 8
    assert content[start : start + 256].startswith(b"Regn pa natten ? ? Made with MusicGen small")


def test_a_loop_is_a_loop(tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    tags = FileTags("Loop", bpm=97.5, beats=4, loop=(0, 108554))
    write_audio(path, noise(108554), RATE, Encoding(), tags=tags)
    log = libsndfile_log(path)
    assert "Flags     : 0x0004" in log, "stretched, and no root note"
    assert "Beats     : 4" in log
    assert "Tempo     : 97.5" in log
    assert "Loop Count   : 1" in log
    assert "Start :     0  End : 108553" in log
    assert by_mutagen(path)["TBPM"] == "97.5"


def test_a_one_shot_has_no_tempo_in_words(tmp_path: Path) -> None:
    path = tmp_path / "hit.wav"
    write_audio(path, noise(2000), RATE, Encoding(), tags=FileTags("Hit", bpm=120.0, one_shot=True))
    assert "Flags     : 0x0001" in libsndfile_log(path)
    assert "TBPM" not in by_mutagen(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_unknown_is_left_out(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    write_audio(path, noise(5000), RATE, Encoding(kind), tags=FileTags(title="Only this"))
    tags = by_mutagen(path)
    assert {name.lower() for name in tags} <= {"tit2", "title", "encoder"}
    assert "Only this" in tags.values()


def test_odd_texts_do_no_harm(tmp_path: Path) -> None:
    odd = "a\x00b\ud800c\u202e\nd" + "é" * 5000
    tags = FileTags(odd, odd, 1.0, odd, odd, odd, odd, odd, -1, odd, markers=(Marker(odd, 1), Marker("", 2)))
    for kind in FORMATS:
        path = tmp_path / f"a.{kind}"
        write_audio(path, noise(5000), RATE, Encoding(kind), tags=tags)
        assert len(read_audio(path)[0]) == 5000
        assert ffprobe(path)["tags"]["title"].startswith("a b c dé")
        assert by_libsndfile(path)["title"].startswith("a b c dé")


def test_transcode_tags_as_well(tmp_path: Path) -> None:
    source = written(tmp_path, "flac", FileTags(title="Old"))
    for kind in FORMATS:
        target = tmp_path / f"new.{kind}"
        transcode(source, target, Encoding(kind), tags=TAGS)
        assert by_libsndfile(target)["title"] == TAGS.title


@pytest.mark.parametrize("kind", FORMATS)
def test_a_disk_that_fills_while_tagging_leaves_the_old_file(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(b"what was there")
    room = written(tmp_path, kind, None).stat().st_size + 100

    class Small(io.FileIO):
        def write(self, data: bytes) -> int:
            if self.tell() + len(data) > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(whole, "_create", lambda part, buffering: Small(part, "x+"))
    with pytest.raises(FileProblem, match="The disk is full"):
        write_audio(path, noise(), RATE, Encoding(kind), tags=TAGS)
    assert path.read_bytes() == b"what was there"
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*.part"))
