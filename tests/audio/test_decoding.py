"""Files from anywhere: every format, hostile headers, decoders that crash or hang."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import odd_decoders
import pytest
import soundfile
from planted_tracks import tone

from nur_studio.audio import decoder_child, decoding
from nur_studio.audio.decoding import check_file
from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.progress import CancelToken
from nur_studio.core.sound import Audio

RATE = 44100
SOUND = tone(440, 0.5, RATE, 0.5)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")

# Formats libsndfile writes that say of themselves what they are; those that do not are no files for import.
HEADERLESS = {"RAW", "SD2"}
NARROW = {"SDS", "WVE", "XI", "SVX", "MPC2K", "HTK"}  # mono, or at a rate of their own


def formats() -> list[tuple[str, str]]:
    """One of every container, and every sample format of wav."""
    pairs = [(name, soundfile.default_subtype(name)) for name in soundfile.available_formats()]
    pairs += [("WAV", subtype) for subtype in soundfile.available_subtypes("WAV")]
    pairs += [("OGG", "OPUS"), ("AIFF", "FLOAT"), ("CAF", "ALAC_16")]
    one_way = ("NMS", "MPEG")  # in a wav libsndfile writes the one and does not read it, and knows the other by name
    return [
        (name, subtype)
        for name, subtype in dict.fromkeys(pairs)
        if name not in HEADERLESS | NARROW and not (name == "WAV" and subtype.startswith(one_way))
    ]


def decoded(path: Path) -> tuple[decoder_child.Reply, Audio, decoder_child.Reply]:
    """What the decoder process would send, without the process."""
    header, *messages = decoder_child._with_libsndfile(path)
    assert isinstance(header, dict)
    *blocks, end = messages
    sound = np.frombuffer(b"".join(block for block in blocks if isinstance(block, bytes)), np.float32)
    assert isinstance(end, dict)
    return header, sound.reshape(-1, header["channels"]), end


@pytest.mark.parametrize(("name", "subtype"), formats())
def test_every_format_is_read_by_its_content(tmp_path: Path, name: str, subtype: str) -> None:
    path = tmp_path / "mislabelled.txt"
    rate = 48000 if subtype == "OPUS" else 8000 if subtype.startswith(("G72", "GSM")) else RATE
    mono = subtype.startswith(("G72", "GSM", "VOX"))
    sound = tone(440, 0.5, rate, 0.5)[:, :1] if mono else tone(440, 0.5, rate, 0.5)
    soundfile.write(path, sound, rate, format=name, subtype=subtype)
    header, audio, end = decoded(path)
    assert (header["rate"], header["channels"]) == (rate, sound.shape[1])
    assert end == {"broken": False}
    assert abs(len(audio) - len(sound)) <= 2200
    shared = min(len(audio), len(sound))
    spectrum = np.abs(np.fft.rfft(audio[:shared, 0]))
    assert abs(np.argmax(spectrum) * rate / shared - 440) < 5
    assert 0.35 < np.abs(audio[1000:-3000]).max() < 0.65


def test_numbers_that_are_exact_stay_exact(tmp_path: Path) -> None:
    for name, subtype, tolerance in (("WAV", "FLOAT", 0.0), ("WAV", "DOUBLE", 0.0), ("FLAC", "PCM_24", 2**-22)):
        soundfile.write(tmp_path / "x", SOUND, RATE, format=name, subtype=subtype)
        np.testing.assert_allclose(decoded(tmp_path / "x")[1], SOUND, atol=tolerance, rtol=0)


def wav(fmt: bytes, data: bytes, claimed: int | None = None) -> bytes:
    size = len(data) if claimed is None else claimed
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, len(body) if claimed is None else claimed + 36)) + body


def fmt(channels: int = 2, rate: int = RATE, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", 1, channels, rate, rate * frame % 2**32, frame % 2**16, bits)


HOSTILE = {
    "65535 channels at 4 GHz": wav(fmt(65535, 4_000_000_000), bytes(4000)),
    "4 GHz": wav(fmt(2, 2_000_000_000), bytes(4000)),
    "1000 channels": wav(fmt(1000), bytes(2 * 1000 * 100)),
    "no channels": wav(fmt(0), bytes(4000)),
    "a header alone": wav(fmt(), b""),
    "a fmt chunk of 4 GB": b"RIFF" + struct.pack("<I", 2**32 - 1) + b"WAVEfmt " + struct.pack("<I", 2**32 - 1),
    "text": b"this is no sound" * 20,
    "zeros": bytes(10_000),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(2000),
    "an Ogg page without end": b"OggS\x00\x02" + bytes(20) + b"\x01\xff" + b"\x01vorbis" + b"\xff" * 4000,
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a concat list": b"ffconcat version 1.0\nfile /etc/passwd\n",
}


@pytest.mark.parametrize("name", ["65535 channels at 4 GHz", "1000 channels", "a concat list"])
def test_hostile_files_are_sentences(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.wav"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(FileProblem, match=r"^“hostile\.wav” "), decoding.decoding(path, CancelToken()):
        pass


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_hold_no_sound_for_libsndfile(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.wav"
    path.write_bytes(HOSTILE[name])
    messages = list(decoder_child._with_libsndfile(path))
    assert not any(isinstance(message, bytes) for message in messages)


def test_lengths_that_lie_cost_nothing(tmp_path: Path) -> None:
    data = (SOUND * 32767).astype("<i2").tobytes()
    path = tmp_path / "lie.wav"
    path.write_bytes(wav(fmt(), data, claimed=2**32 - 100))  # written by a program that could not go back
    _, audio, end = decoded(path)
    assert (len(audio), end) == (len(SOUND), {"broken": False})
    path.write_bytes(wav(fmt(), data, claimed=len(data) * 3))
    _, audio, end = decoded(path)
    assert (len(audio), end) == (len(SOUND), {"broken": True})

    soundfile.write(tmp_path / "x.flac", SOUND, RATE)
    flac = bytearray((tmp_path / "x.flac").read_bytes())
    flac[21] |= 0x0F  # the upper bits of total_samples: 2^36 of them
    flac[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(flac))
    header, audio, _ = decoded(path)
    assert header["frames"] > 2**35
    assert len(SOUND) - 1024 < len(audio) <= len(SOUND)


@pytest.mark.parametrize("name", ["FLAC", "MP3", "OGG", "AIFF", "WAV"])
def test_a_file_cut_off_gives_what_it_has(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (4 * RATE, 2)).astype(np.float32)
    whole, path = tmp_path / "whole", tmp_path / "cut"
    soundfile.write(whole, noise, RATE, format=name)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    _, audio, end = decoded(path)
    assert 1.4 * RATE < len(audio) < 2.2 * RATE
    assert end["broken"] or name in ("MP3", "OGG"), "these are made to be cut anywhere"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory and time are told in POSIX' way")
def test_mutated_headers_neither_crash_nor_starve_nor_hang(tmp_path: Path) -> None:
    files = []
    kinds = ["WAV", "AIFF", "FLAC", "OGG", "OGG OPUS", "MP3", "CAF", "W64"]
    for name, subtype in ((kind.split()[0], kind.partition(" ")[2] or None) for kind in kinds):
        files.append(tmp_path / f"{name}-{subtype}")
        soundfile.write(files[-1], tone(440, 0.2, 48000), 48000, format=name, subtype=subtype)
    program = Path(odd_decoders.__file__).with_name("fuzz_decoder.py")
    done = subprocess.run(
        [sys.executable, program, *files], capture_output=True, text=True, timeout=100,
        env={**os.environ, "PYTHONPATH": str(Path(decoding.__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    sound, refused = map(int, done.stdout.split())
    assert sound + refused == 8 * 250
    assert min(sound, refused) > 300, "mutants that are all alike test nothing"


# -- the process -------------------------------------------------------------------------------------------------


@needs_ffmpeg
def test_what_libsndfile_cannot_read_comes_through_ffmpeg(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 2.0, 48000, 0.5), 48000)
    path = tmp_path / "song.wav"  # which it is not
    made = ["-c:a", "aac", "-metadata", "title=Night; train = on", "-f", "ipod", path]
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", *made], check=True)
    with decoding.decoding(path, CancelToken()) as found:
        blocks = list(found.blocks())
    audio = np.concatenate(blocks)
    assert (found.container, found.sample_rate, found.channels, found.broken) == ("", 48000, 2, False)
    assert found.tags["title"] == "Night; train = on"
    assert abs(len(audio) - 2 * 48000) < 3000
    assert 0.45 < np.abs(audio[:, 0]).max() < 0.55


@needs_ffmpeg
def test_without_ffmpeg_its_files_are_a_sentence_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a"], check=True)
    monkeypatch.setenv("PATH", "")
    said = pytest.raises(FileProblem, match=r"m4a and others once ffmpeg is installed\.$")
    with said, decoding.decoding(tmp_path / "a.m4a", CancelToken()):
        pass


def test_a_decoder_that_is_stuck_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    monkeypatch.setattr(decoding.decoder_child, "run", odd_decoders.stuck)
    monkeypatch.setattr(decoding, "_SILENT_S", 0.3)
    with pytest.raises(FileProblem, match="holds the decoder up"), decoding.decoding(tmp_path / "a.wav", CancelToken()):
        pass


def test_a_cancel_does_not_wait_for_a_stuck_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    monkeypatch.setattr(decoding.decoder_child, "run", odd_decoders.stuck)
    cancel = CancelToken()
    cancel.cancel()
    started = time.monotonic()
    with pytest.raises(Cancelled), decoding.decoding(tmp_path / "a.wav", cancel):
        pass
    assert time.monotonic() - started < 10


@pytest.mark.skipif(sys.platform == "win32", reason="kills itself in POSIX' way")
def test_a_decoder_that_dies_is_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    monkeypatch.setattr(decoding.decoder_child, "run", odd_decoders.crashing)
    with pytest.raises(FileProblem, match="damaged"), decoding.decoding(tmp_path / "a.wav", CancelToken()):
        pass
    monkeypatch.setattr(decoding.decoder_child, "run", odd_decoders.dying)
    with decoding.decoding(tmp_path / "a.wav", CancelToken()) as found:
        assert sum(len(block) for block in found.blocks()) == 16000
        assert found.broken


def test_what_is_no_file_is_a_sentence_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "empty.wav", "is empty"),
        (tmp_path / "no.wav", "There is no file"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(FileProblem, match=words):
            check_file(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices")
def test_devices_and_pipes_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", Path("/dev/zero")):
        with pytest.raises(FileProblem, match="is a device"):
            check_file(path)


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(decoding.MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(FileProblem, match=r"has 4\.0 GiB; up to 4 GiB"):
        check_file(tmp_path / "huge.wav")
