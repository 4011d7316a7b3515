"""WAV chunks, byte by byte where other programs read them so."""

from __future__ import annotations

import io
import struct
from datetime import datetime

import pytest

from nur_studio.audio import wav_chunks
from nur_studio.core.timing import Marker


def wav(sound: bytes, *others: bytes) -> bytes:
    body = b"WAVE" + wav_chunks.chunk(b"fmt ", bytes(16)) + b"".join(others) + wav_chunks.chunk(b"data", sound)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_acid_has_its_numerator_first() -> None:
    assert wav_chunks.acid(120.5, 12, 3, 62) == (
        b"acid" + struct.pack("<IIHHfIHHf", 24, 0x0E, 62, 0x8000, 0.0, 12, 3, 4, 120.5)
    )
    flags = [
        struct.unpack("<I", wav_chunks.acid(90.0, 8, 4, **kind)[8:12])[0]  # type: ignore[arg-type]
        for kind in ({}, {"loop": True}, {"one_shot": True}, {"loop": True, "root": 60})
    ]
    assert flags == [0x0C, 0x04, 0x01, 0x06]


def test_a_loop_ends_on_its_last_frame() -> None:
    content = struct.unpack("<4sI9I6I", wav_chunks.smpl(48000, (100, 48100)))
    assert content[:2] == (b"smpl", 60)
    assert content[4:6] == (20833, 60)  # nanoseconds a frame, middle C
    assert content[-6:] == (0, 0, 100, 48099, 0, 0)


def test_odd_texts_are_padded_and_counted_without_the_padding() -> None:
    assert wav_chunks.labels([Marker("ab", 5)]) == (
        b"LIST" + struct.pack("<I", 20) + b"adtl" + b"labl" + struct.pack("<II", 7, 1) + b"ab\0\0"
    )
    assert wav_chunks.info({"INAM": "é", "IART": ""}) == b"LIST\x10\0\0\0INFOINAM\x03\0\0\0\xc3\xa9\0\0"


def test_a_cut_text_ends_with_a_whole_letter() -> None:
    content = wav_chunks.info({"INAM": "a" + "é" * 5000})
    (length,) = struct.unpack("<I", content[16:20])
    assert content[20 : 20 + length] == b"a" + "é".encode() * 999 + b"\0"


def test_bext_has_its_602_bytes() -> None:
    content = wav_chunks.bext("x" * 999, "NUR", datetime(2026, 11, 2, 3, 4, 5))
    assert struct.unpack("<4sI", content[:8]) == (b"bext", 602)
    assert content[8:264] == b"x" * 256
    assert content[8 + 320 : 8 + 338] == b"2026-11-0203:04:05"
    assert len(wav_chunks.bext("", "", None)) == 610


@pytest.mark.parametrize("length", [0, 1, 7, 3 * (1 << 20) + 5])
def test_chunks_go_before_the_sound_and_nothing_is_lost(length: int) -> None:
    sound = bytes(range(256)) * (length // 256 + 1)
    file = io.BytesIO(wav(sound[:length], wav_chunks.chunk(b"PEAK", bytes(24))))
    wav_chunks.insert_before_sound(file, wav_chunks.chunk(b"acid", bytes(24)))
    new = wav_chunks.chunk(b"acid", bytes(24))
    assert file.getvalue() == wav(sound[:length], wav_chunks.chunk(b"PEAK", bytes(24)), new)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"OggS" + bytes(40), b"RIFF\0\0\0\0WAVE", wav(b"")[:30]])
def test_what_is_no_wav(content: bytes) -> None:
    with pytest.raises(ValueError, match="WAV"):
        wav_chunks.insert_before_sound(io.BytesIO(content), b"")
