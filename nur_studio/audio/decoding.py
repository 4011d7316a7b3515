"""Any audio file as blocks of sound, decoded in a process that may crash, hang or starve without harm."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.audio import decoder_child
from nur_studio.audio.downmix import MAX_CHANNELS
from nur_studio.audio.files import system_fault
from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import Cancel
from nur_studio.core.sound import Audio

MAX_BYTES = 4 << 30
_SILENT_S = 30.0  # a decoder that says nothing for so long has lost itself
_POLL_S = 0.05
_MAX_MESSAGE = 1 << 23


@dataclass(slots=True)
class Decoding:
    """A file on its way. `container` is libsndfile's name of its format, "" where ffmpeg decodes; `frames` is what the
    file claims to hold, −1 where it does not say. `broken`, known at the end: it is damaged, and not all of it came.
    """

    sample_rate: int
    channels: int
    container: str
    frames: int
    tags: Mapping[str, str]
    _blocks: Iterator[Audio] = field(repr=False)
    broken: bool = False

    @property
    def vorbis_order(self) -> bool:
        """Whether more than two channels come in Vorbis' order (libsndfile hands Ogg over as it is), not in wav's."""
        return self.container == "OGG"

    def blocks(self) -> Iterator[Audio]:
        """(frames, channels), one after the other, once."""
        return self._blocks


def check_file(path: Path) -> int:
    """The size of a file that may be opened. Raises `FileProblem` for what is none, empty, or too large."""
    try:
        if path.is_dir():
            raise FileProblem(f"“{path.name}” is a folder, not an audio file.")
        if path.exists() and not path.is_file():
            raise FileProblem(f"“{path.name}” is a device, not an audio file.")
        with path.open("rb"):
            size = path.stat().st_size
    except (OSError, ValueError) as error:
        fault = error if isinstance(error, OSError) else OSError(str(error))
        raise system_fault(fault, "read", path) from error
    if not size:
        raise FileProblem(f"“{path.name}” is empty.", hint="It was perhaps never finished: get or make it again.")
    if size > MAX_BYTES:
        raise FileProblem(
            f"“{path.name}” has {size / 2**30:.1f} GiB; up to {MAX_BYTES >> 30} GiB can be read.",
            hint="Cut out the part that is needed.",
        )
    return size


@contextmanager
def decoding(path: Path, cancel: Cancel) -> Iterator[Decoding]:
    """A decoder for the sound of `path`; what the content is decides, not the ending of the name.

    Raises `FileProblem` for what is no sound, here or while its blocks are read, and `Cancelled`.
    """
    check_file(path)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=decoder_child.run,
        args=(theirs, str(path.absolute()), shutil.which("ffmpeg") or ""),
        name="NUR Studio decoder",
        daemon=False,  # it may have ffmpeg for a child; it ends itself when our end of the pipe is gone
    )
    process.start()
    theirs.close()
    try:
        messages = _Messages(ours, path, cancel)
        header = messages.json()
        if "fault" in header:
            raise _fault(header, path)
        found = Decoding(
            header["rate"], header["channels"], header["container"], header["frames"], header["tags"], iter(())
        )
        found._blocks = _blocks(found, messages)
        yield found
    finally:
        ours.close()
        _end(process)


def _blocks(found: Decoding, messages: _Messages) -> Iterator[Audio]:
    while data := messages.next():
        yield np.frombuffer(data, "<f4").reshape(-1, found.channels)
    found.broken = messages.crashed or bool(messages.json().get("broken"))


class _Messages:
    """What the decoder says, waited for as long as is sensible."""

    def __init__(self, connection: Connection, path: Path, cancel: Cancel) -> None:
        self._connection, self._path, self._cancel = connection, path, cancel
        self._begun = False
        self.crashed = False

    def next(self) -> bytes:
        """The next message; an empty one ends the sound, and so does a crash once sound has come."""
        deadline = time.monotonic() + _SILENT_S
        while not self._connection.poll(_POLL_S):
            self._cancel.check()
            if time.monotonic() > deadline:
                raise FileProblem(f"“{self._path.name}” cannot be decoded: it holds the decoder up without end.")
        self._cancel.check()
        try:
            message = self._connection.recv_bytes(_MAX_MESSAGE)
        except (EOFError, OSError) as error:
            if not self._begun:
                raise _not_sound(self._path) from error
            self.crashed = True
            return b""
        self._begun = True
        return message

    def json(self) -> dict[str, Any]:
        found = json.loads(self.next())
        assert isinstance(found, dict)
        return found


def _end(process: BaseProcess) -> None:
    """It sees the pipe's end by itself; one that does not is not waited for."""
    process.join(1.0)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()


def _fault(header: Mapping[str, Any], path: Path) -> FileProblem:
    match header["fault"]:
        case "rate":
            return FileProblem(
                f"“{path.name}” claims {header['value']:,} samples a second: it is damaged, or no sound for people."
            )
        case "channels":
            return FileProblem(f"“{path.name}” has {header['value']:,} channels; up to {MAX_CHANNELS} can be read.")
    return _not_sound(path)


def _not_sound(path: Path) -> FileProblem:
    hint = "wav, aiff, flac, mp3, ogg and opus can be read"
    more = (
        ", and whatever else ffmpeg knows." if shutil.which("ffmpeg") else "; m4a and others once ffmpeg is installed."
    )
    return FileProblem(f"“{path.name}” is damaged or not audio in a format that can be read.", hint=hint + more)
