"""Files: exact lengths and levels in every format, whole or not at all, a sentence for every fault."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from nur_studio.audio import whole
from nur_studio.audio.files import Encoding, audio_frames, read_audio, transcode, write_audio
from nur_studio.core.errors import Cancelled, FileProblem, InvalidRequest
from nur_studio.core.progress import CancelToken, Progress

FORMATS = ("wav", "flac", "ogg", "mp3")


def tone(frames: int, rate: int, channels: int = 2, level: float = 0.5) -> NDArray[np.float32]:
    """A chirp, so that a shift by one frame shows, faded in and out so that lossy codecs have no edge to ring on."""
    time = np.arange(frames) / rate
    wave = level * np.sin(2 * np.pi * (300 * time + 400 * time**2)) * np.sin(np.pi * np.arange(frames) / frames)
    return np.stack([wave * (1 - 0.3 * c) for c in range(channels)], axis=1).astype(np.float32)


def _open_full_disk(_: Path, buffering: int) -> BinaryIO:
    return Path("/dev/full").open("wb", buffering=0)


def error_db(heard: NDArray[np.float32], meant: NDArray[np.float32]) -> float:
    return float(20 * np.log10(np.abs(heard.astype(np.float64) - meant).max() + 1e-12))


def mp3_bit_rates(path: Path) -> set[int]:
    """The bit rates of all frames of an MPEG-1 layer III file, walked header by header."""
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    data = path.read_bytes()
    position, found = 0, set()
    while position + 4 <= len(data):
        assert data[position] == 0xFF
        assert data[position + 1] & 0xFE == 0xFA
        kbps, padding = rates[data[position + 2] >> 4], data[position + 2] >> 1 & 1
        found.add(kbps)
        position += 144 * kbps * 1000 // 44100 + padding
    return found


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("format_", "rate"),
    [(f, rate) for f in FORMATS for rate in (22050, 44100, 48000, 96000) if (f, rate) != ("mp3", 96000)],
)
def test_comes_back_to_the_frame(tmp_path: Path, format_: str, channels: int, rate: int) -> None:
    path = tmp_path / f"chirp.{format_}"
    for frames in (rate + 1, 70_003):
        sound = tone(frames, rate, channels)
        write_audio(path, sound, rate, Encoding(format_))
        heard, heard_rate = read_audio(path)
        assert heard_rate == rate
        assert heard.dtype == np.float32
        assert heard.shape == sound.shape
        assert audio_frames(path) == (frames, rate)
        # One frame off in time would read −20 dB or more here.
        assert error_db(heard, sound) < {"wav": -138, "flac": -138, "ogg": -30, "mp3": -30}[format_]
    assert sorted(tmp_path.iterdir()) == [path]


def test_mp3_is_constant_at_the_asked_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    sound = tone(50_001, 44100)
    for kbps in (320, 192, 128):
        write_audio(path, sound, 44100, Encoding("mp3", mp3_kbps=kbps))
        assert mp3_bit_rates(path) == {kbps}


@pytest.mark.parametrize(("rate", "channels"), [(96000, 2), (44100, 3)])
def test_what_mp3_cannot_hold_is_a_sentence(tmp_path: Path, rate: int, channels: int) -> None:
    with pytest.raises(FileProblem, match="MP3 cannot hold") as caught:
        write_audio(tmp_path / "a.mp3", tone(1000, rate, channels), rate, Encoding("mp3"))
    assert "wav, flac or ogg" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (Encoding("wav"), ("WAV", "PCM_24")),
        (Encoding("wav", "PCM_16"), ("WAV", "PCM_16")),
        (Encoding("wav", "FLOAT"), ("WAV", "FLOAT")),
        (Encoding("flac"), ("FLAC", "PCM_24")),
        (Encoding("flac", "PCM_16"), ("FLAC", "PCM_16")),
        (Encoding("ogg"), ("OGG", "VORBIS")),
        (Encoding("mp3"), ("MPEG", "MPEG_LAYER_III")),
    ],
)
def test_is_what_it_says(tmp_path: Path, encoding: Encoding, expected: tuple[str, str]) -> None:
    path = tmp_path / f"a.{encoding.format}"
    write_audio(path, tone(5000, 44100), 44100, encoding)
    info = soundfile.info(str(path))
    assert (info.format.replace("MP3", "MPEG"), info.subtype) == expected


def test_full_scale_clips_in_integers_and_lives_on_in_float(tmp_path: Path) -> None:
    loud = np.array([[1.7, -1.7], [1.0, -1.0], [0.25, -0.25]], np.float32)
    path = tmp_path / "a.wav"
    write_audio(path, loud, 44100, Encoding("wav", "FLOAT"))
    assert (read_audio(path)[0] == loud).all()
    for subtype, step in (("PCM_24", 2**-23), ("PCM_16", 2**-15)):
        write_audio(path, loud, 44100, Encoding("wav", subtype))
        heard = read_audio(path)[0]
        assert heard == pytest.approx(np.clip(loud, -1, 1), abs=2.01 * step)
        assert heard[0, 0] > 0.99, "over full scale must not wrap round"


def test_24_bits_are_rounded_without_offset(tmp_path: Path) -> None:
    sound = (np.random.default_rng(1).random((20_000, 2)) - 0.5).astype(np.float32)
    for format_ in ("wav", "flac"):
        path = tmp_path / f"a.{format_}"
        write_audio(path, sound, 44100, Encoding(format_, "PCM_24"))
        steps = (read_audio(path)[0].astype(np.float64) - sound) * 2**23
        assert np.abs(steps).max() <= 0.5
        assert abs(steps.mean()) < 0.02


def test_16_bits_carry_triangular_dither(tmp_path: Path) -> None:
    path, again = tmp_path / "a.wav", tmp_path / "b.wav"
    # A tone of a third of a step would vanish without dither; with it, it is in the average, under a steady noise.
    frames = 200_000
    quiet = (np.sin(2 * np.pi * 1000 * np.arange(frames) / 44100) / 3 / 2**15)[:, None].astype(np.float32)
    for target in (path, again):
        write_audio(target, quiet, 44100, Encoding("wav", "PCM_16"))
    assert path.read_bytes() == again.read_bytes()
    heard = read_audio(path)[0][:, 0].astype(np.float64) * 2**15
    carrier = np.sin(2 * np.pi * 1000 * np.arange(frames) / 44100)
    assert 2 * (heard * carrier).mean() == pytest.approx(1 / 3, abs=0.02)
    # Rounding and a triangle two steps wide: 1/12 + 1/6 of a step squared.
    assert (heard - carrier / 3).var() == pytest.approx(0.25, abs=0.01)
    write_audio(path, np.zeros((1000, 2), np.float32), 44100, Encoding("wav", "PCM_16"))
    assert not read_audio(path)[0].any()


@pytest.mark.parametrize("format_", FORMATS)
def test_reads_a_part(tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"a.{format_}"
    write_audio(path, tone(60_000, 44100), 44100, Encoding(format_))
    whole = read_audio(path)[0]
    assert error_db(read_audio(path, 20_001, 5_000)[0], whole[20_001:25_001]) < -60
    assert read_audio(path, 59_990)[0].shape == (10, 2)
    assert read_audio(path, 99_999, 10)[0].shape == (0, 2)


@pytest.mark.parametrize("format_", FORMATS)
def test_minutes_in_one_go(tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"a.{format_}"
    sound = np.zeros((44100 * 60 + 13, 2), np.float32)
    write_audio(path, sound, 44100, Encoding(format_))
    assert audio_frames(path) == (len(sound), 44100)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.ogg", "a.raw", "a.txt", "a"])
@pytest.mark.parametrize("content", [b"", b"R", b"this is no sound at all, only words\n" * 50, bytes(4000)])
def test_not_audio_is_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_audio, audio_frames):
        with pytest.raises(FileProblem, match=name.replace(".", r"\.")):
            read(path)


@pytest.mark.parametrize("format_", ["wav", "flac", "ogg"])
def test_cut_off_header_is_a_sentence(tmp_path: Path, format_: str) -> None:
    whole, cut = tmp_path / f"a.{format_}", tmp_path / f"cut.{format_}"
    write_audio(whole, tone(30_000, 44100), 44100, Encoding(format_))
    cut.write_bytes(whole.read_bytes()[:20])
    with pytest.raises(FileProblem, match="damaged or not audio"):
        read_audio(cut)


def test_flac_cut_in_the_middle_is_a_sentence(tmp_path: Path) -> None:
    whole, cut = tmp_path / "a.flac", tmp_path / "cut.flac"
    write_audio(whole, tone(90_000, 44100), 44100, Encoding("flac"))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(FileProblem, match=r"cut\.flac"):
        read_audio(cut)
    with pytest.raises(FileProblem, match=r"cut\.flac"):
        transcode(cut, tmp_path / "b.wav", Encoding("wav"))
    assert not (tmp_path / "b.wav").exists()


def test_content_decides_not_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "really flac.wav"
    sound = tone(3000, 44100)
    write_audio(path, sound, 44100, Encoding("flac"))
    assert error_db(read_audio(path)[0], sound) < -138


def test_missing_file_folder_and_directory(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"There is no file “gone\.wav”"):
        read_audio(tmp_path / "gone.wav")
    with pytest.raises(FileProblem, match="is a folder"):
        read_audio(tmp_path)
    with pytest.raises(FileProblem, match="There is no folder"):
        write_audio(tmp_path / "gone" / "a.wav", tone(100, 44100), 44100, Encoding())
    (tmp_path / "taken.wav").mkdir()
    with pytest.raises(FileProblem, match=r"taken\.wav"):
        write_audio(tmp_path / "taken.wav", tone(100, 44100), 44100, Encoding())
    assert [p.name for p in tmp_path.iterdir()] == ["taken.wav"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
@pytest.mark.parametrize("format_", FORMATS)
def test_full_disk_is_a_sentence_and_the_old_file_stays(
    tmp_path: Path, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{format_}"
    path.write_bytes(b"what was there")
    monkeypatch.setattr(whole, "_create", _open_full_disk)
    with pytest.raises(FileProblem, match="The disk is full") as caught:
        write_audio(path, tone(200_000, 44100), 44100, Encoding(format_))
    assert "Free some space" in caught.value.hint
    assert path.read_bytes() == b"what was there"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_other_refusals_are_sentences(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, buffering: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(whole, "_create", refuse)
    with pytest.raises(FileProblem, match=r"a\.wav"):
        write_audio(tmp_path / "a.wav", tone(100, 44100), 44100, Encoding())


def test_stopped_writing_leaves_nothing(tmp_path: Path) -> None:
    def stop(frames: int) -> None:
        if frames > 100_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_audio(tmp_path / "a.wav", tone(200_000, 44100), 44100, Encoding(), stop)
    assert list(tmp_path.iterdir()) == []


def test_transcode_keeps_every_frame_and_tells_progress(tmp_path: Path) -> None:
    source, target = tmp_path / "a.flac", tmp_path / "b.wav"
    sound = tone(200_001, 48000)
    write_audio(source, sound, 48000, Encoding("flac"))
    heard: list[Progress] = []
    transcode(source, target, Encoding("wav"), heard.append, CancelToken())
    assert (read_audio(target)[0] == read_audio(source)[0]).all()
    assert read_audio(target)[1] == 48000
    fractions = [p.fraction for p in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        transcode(source, tmp_path / "c.mp3", Encoding("mp3"), lambda _: cancel.cancel(), cancel)
    assert not (tmp_path / "c.mp3").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_encoding_refuses_what_is_not_there() -> None:
    for wrong in ({"format": "wma"}, {"format": "flac", "subtype": "FLOAT"}, {"mp3_kbps": 500}, {"ogg_quality": 2.0}):
        with pytest.raises(InvalidRequest, match=f"{list(wrong)[-1]} must be"):
            Encoding(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["🎹" * 62, "x" * 251])
def test_any_name_the_disk_takes(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.wav"
    path.touch()
    write_audio(path, np.zeros((10, 2), np.float32), 44100, Encoding())
    assert audio_frames(path) == (10, 44100)
