"""The chunks of a WAV file that say what its sound is: tempo, loop, markers, origin. Built as bytes, put before it."""

from __future__ import annotations

import os
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from nur_studio.core.timing import Marker

MIDDLE_C = 60

_ONE_SHOT, _ROOT_SET, _STRETCH, _DISK_BASED = 0x01, 0x02, 0x04, 0x08  # flags of `acid`
_BEXT_VERSION = 1  # the one before loudness, which takes the same 602 bytes
_INFO_BYTES = 2000  # libsndfile passes over longer texts
_BLOCK = 1 << 20


def chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk: four letters, its length, its content, and a byte where that keeps the next one even."""
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def acid(
    tempo: float, beats: int, beats_per_bar: int, root: int | None = None, *, loop: bool = False, one_shot: bool = False
) -> bytes:
    """Tempo (BPM), length in beats, metre and root note (MIDI, None for none), as ACID and most samplers read it.

    What is neither a loop nor a one-shot is a whole piece: stretched from disk. The metre's numerator stands first, as
    REAPER and Kontakt read it; libsndfile takes them the other way round, which shows only where the metre is not 4/4.
    """
    flags = _ONE_SHOT if one_shot else _STRETCH if loop else _STRETCH | _DISK_BASED
    if root is not None:
        flags |= _ROOT_SET
    # 0x8000 and 0.0 have no known meaning; ACID writes them so.
    content = struct.pack(
        "<IHHfIHHf", flags, MIDDLE_C if root is None else root, 0x8000, 0.0, beats, beats_per_bar, 4, tempo
    )
    return chunk(b"acid", content)


def smpl(sample_rate: int, loop: tuple[int, int], root: int | None = None) -> bytes:
    """One endless forward loop over the frames `loop` (start, and end just behind the last), as samplers read it."""
    start, end = loop
    header = (0, 0, round(1e9 / sample_rate), MIDDLE_C if root is None else root, 0, 0, 0, 1, 0)
    return chunk(b"smpl", struct.pack("<9I6I", *header, 0, 0, start, end - 1, 0, 0))


def cue(markers: Sequence[Marker]) -> bytes:
    """Where the markers are: points 1, 2, 3 …, each with its sample frame. Their names stand in `labels`."""
    points = (
        struct.pack("<II4sIII", number, marker.frame, b"data", 0, 0, marker.frame)
        for number, marker in enumerate(markers, 1)
    )
    return chunk(b"cue ", struct.pack("<I", len(markers)) + b"".join(points))


def labels(markers: Sequence[Marker]) -> bytes:
    """What the points of `cue` are called: a LIST of `labl` chunks, in UTF-8."""
    named = (
        chunk(b"labl", struct.pack("<I", number) + marker.name.encode() + b"\0")
        for number, marker in enumerate(markers, 1)
    )
    return chunk(b"LIST", b"adtl" + b"".join(named))


def info(fields: Mapping[str, str]) -> bytes:
    """A RIFF file's LIST INFO, in UTF-8 (`INAM` title, `IART` artist …). Empty texts are left out, long ones cut."""
    cut = {name: text.encode()[:_INFO_BYTES].decode(errors="ignore").encode() for name, text in fields.items()}
    entries = (chunk(name.encode("ascii"), text + b"\0") for name, text in cut.items() if text)
    return chunk(b"LIST", b"INFO" + b"".join(entries))


def bext(description: str, originator: str, made_at: datetime | None, history: str = "") -> bytes:
    """Broadcast Wave's `bext` (EBU Tech 3285): ASCII only, cut to its fields; the sound starts at midnight."""
    content = struct.pack(
        "<256s32s32s10s8sIIH64s190s",
        _ascii(description, 256),
        _ascii(originator, 32),
        b"",
        made_at.strftime("%Y-%m-%d").encode() if made_at else b"",
        made_at.strftime("%H:%M:%S").encode() if made_at else b"",
        0,
        0,
        _BEXT_VERSION,
        b"",
        b"",
    )
    return chunk(b"bext", content + (_ascii(history, 4096) + b"\r\n" if history else b""))


def insert_before_sound(file: BinaryIO, chunks: bytes) -> None:
    """Put `chunks` before the `data` chunk of a whole WAV file that is open for reading and writing.

    Some readers stop at the sound, so nothing that matters may stand behind it. Raises `ValueError` where the file is
    no WAV, `OSError` where it cannot be written.
    """
    place = _sound_at(file)
    end = file.seek(0, os.SEEK_END)
    if end + len(chunks) - 8 >= 1 << 32:
        raise ValueError("no room is left in a RIFF file of 4 GB")
    # From the end on, so that nothing is overwritten before it is read.
    position = end
    while position > place:
        start = max(place, position - _BLOCK)
        file.seek(start)
        block = file.read(position - start)
        file.seek(start + len(chunks))
        file.write(block)
        position = start
    file.seek(place)
    file.write(chunks)
    file.seek(4)
    file.write(struct.pack("<I", end + len(chunks) - 8))


def _sound_at(file: BinaryIO) -> int:
    """The position of the `data` chunk."""
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError("this is no WAV file")
    position = 12
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            return position
        position += 8 + length + length % 2
        file.seek(position)
    raise ValueError("this WAV file has no sound")


def _ascii(text: str, length: int) -> bytes:
    """`text` without accents, what remains foreign as `?`, cut to `length` bytes."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.encode("ascii", "replace")[:length]
