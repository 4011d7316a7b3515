"""Audio files: read and write wav, flac, ogg and mp3 with exact lengths, whole on disk or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from nur_studio.core.errors import FileProblem, InvalidRequest
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.sound import Audio

_BLOCK = 1 << 16  # frames; libsndfile's Vorbis encoder overflows its stack when handed minutes at once
_SUBTYPES = {
    "wav": ("PCM_24", "PCM_16", "FLOAT"),
    "flac": ("PCM_24", "PCM_16"),
    "ogg": ("VORBIS",),
    "mp3": ("MPEG_LAYER_III",),
}
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_FLAC_LEVEL = 0.625  # of 0 to 1: level 5, the format's own default, a tenth slower than the fastest
TAGS = ("title", "comment", "copyright", "license", "software")
_DITHER_SEED = 24301  # dither is noise, but the same take must give the same file


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written. `subtype` "" is the format's best: 24-bit for wav and flac.

    `mp3_kbps` is constant, 32 to 320 (under 32 kHz the format ends at 160); `ogg_quality` is 0 to 1.
    """

    format: str = "wav"
    subtype: str = ""
    mp3_kbps: int = 320
    ogg_quality: float = 0.7

    def __post_init__(self) -> None:
        if self.format not in _SUBTYPES:
            raise InvalidRequest("format", self.format, f"one of {', '.join(_SUBTYPES)}")
        if self.subtype and self.subtype not in _SUBTYPES[self.format]:
            raise InvalidRequest("subtype", self.subtype, f"one of {', '.join(_SUBTYPES[self.format])}")
        if not 32 <= self.mp3_kbps <= 320:
            raise InvalidRequest("mp3_kbps", self.mp3_kbps, "a bit rate from 32 to 320")
        if not 0.0 <= self.ogg_quality <= 1.0:
            raise InvalidRequest("ogg_quality", self.ogg_quality, "a quality from 0 to 1")


def read_audio(path: Path, start: int = 0, frames: int = -1) -> tuple[Audio, int]:
    """`frames` frames from `start` on (−1: all there are), as (frames, channels), and the sample rate.

    What the content is decides, not the ending of the name. Raises `FileProblem`.
    """
    with _reading(path) as file:
        if start:
            file.seek(min(start, file.frames))
        audio: Audio = file.read(frames, dtype="float32", always_2d=True)
        return audio, int(file.samplerate)


def read_blocks(path: Path, frames: int = _BLOCK) -> Iterator[Audio]:
    """The sound of a file in blocks of `frames`, the last one shorter. Raises `FileProblem`."""
    with _reading(path) as file:
        yield from _blocks(file, path, frames)


def read_tags(path: Path) -> dict[str, str]:
    """What a file says of itself, of `TAGS`. Raises `FileProblem`."""
    with _reading(path) as file:
        found = {name: str(getattr(file, name)) for name in TAGS}
    return {name: text for name, text in found.items() if text}


def audio_frames(path: Path) -> tuple[int, int]:
    """Length in frames, and sample rate, without decoding. Raises `FileProblem`."""
    with _reading(path) as file:
        return int(file.frames), int(file.samplerate)


def write_audio(
    path: Path,
    audio: Audio,
    sample_rate: int,
    encoding: Encoding,
    on_block: Callable[[int], None] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write `audio` so that `path` holds the whole file or what it held before. Raises `FileProblem`.

    16-bit files get triangular dither (except where 65536 frames on end are digital silence), 24-bit ones are rounded,
    and both clip at full scale; a float wav keeps what is louder. `on_block` is told the frames written so far, and
    may raise to stop. `tags` (those of `TAGS`) say what the file is, as far as its format has a place for it.
    """
    if audio.ndim == 1:
        audio = audio[:, None]
    with writing(path, sample_rate, audio.shape[1], encoding, tags) as write:
        for start in range(0, len(audio), _BLOCK):
            write(audio[start : start + _BLOCK])
            if on_block is not None:
                on_block(min(start + _BLOCK, len(audio)))


def transcode(
    source: Path,
    target: Path,
    encoding: Encoding,
    on_progress: OnProgress = ignore_progress,
    cancel: Cancel | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write the sound of `source` as `target`, block by block. Raises `FileProblem` and `Cancelled`.

    `tags` are those of `write_audio`; none are taken over from `source`.
    """
    cancel = cancel or CancelToken()
    with (
        _reading(source) as file,
        writing(target, int(file.samplerate), int(file.channels), encoding, tags) as write,
    ):
        done = 0
        for block in _blocks(file, source, _BLOCK):
            cancel.check()
            write(block)
            done += len(block)
            on_progress(Progress("encoding", min(1.0, done / max(1, file.frames))))


def _blocks(file: Any, path: Path, frames: int) -> Iterator[Audio]:
    while True:
        try:
            block: Audio = file.read(frames, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:  # here, or it would pass for a fault of what is written meanwhile
            raise _not_audio(path) from error
        if not len(block):
            return
        yield block


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        if path.is_dir():
            raise FileProblem(f"“{path.name}” is a folder, not an audio file.")
        with path.open("rb") as probe:
            empty = not probe.read(1)
    except OSError as error:
        raise system_fault(error, "read", path) from error
    if empty:
        raise FileProblem(f"“{path.name}” is empty.", hint="It was perhaps never finished: get or make it again.")
    try:
        with soundfile.SoundFile(str(path)) as file:
            yield file
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name on .raw, which says nothing of itself
        raise _not_audio(path) from error


def _not_audio(path: Path) -> FileProblem:
    return FileProblem(
        f"“{path.name}” is damaged or not audio in a format that can be read.",
        hint="wav, flac, ogg, mp3 and aiff can be read.",
    )


@contextmanager
def writing(
    path: Path, sample_rate: int, channels: int, encoding: Encoding, tags: Mapping[str, str] | None = None
) -> Iterator[Callable[[Audio], None]]:
    """A function that appends blocks to the new file, which takes its place when all went well; as `write_audio`."""
    if encoding.format == "mp3" and (sample_rate not in _MP3_RATES or channels > 2):
        raise FileProblem(
            f"MP3 cannot hold {channels} channel{'s' if channels > 1 else ''} at {sample_rate} Hz.",
            hint="Choose wav, flac or ogg; MP3 ends at stereo and 48000 Hz.",
        )
    part = path.with_name(f".{path.name[:30]}.{secrets.token_hex(4)}.part")
    subtype = encoding.subtype or _SUBTYPES[encoding.format][0]
    convert = _Converter(subtype)
    sink: _Sink | None = None
    try:
        sink = _Sink(_create(part))
        with soundfile.SoundFile(
            sink,
            "w",
            samplerate=sample_rate,
            channels=channels,
            format=encoding.format.upper(),
            subtype=subtype,
            **_quality(encoding, sample_rate),
        ) as file:
            _tag(file, encoding, tags or {})

            def write(block: Audio) -> None:
                file.write(convert(block))
                sink.check()

            yield write
        sink.finish()
        part.replace(path)
    except (OSError, soundfile.SoundFileError, AssertionError) as error:
        # libsndfile knows only that a write fell short (soundfile asserts that it did not); the sink knows why.
        fault = sink.error if sink is not None and sink.error is not None else error
        if isinstance(fault, OSError):
            raise system_fault(fault, "written", path) from error
        if isinstance(fault, AssertionError):
            raise
        raise FileProblem(f"“{path.name}” cannot be written as {encoding.format} at {sample_rate} Hz.") from error
    finally:
        if sink is not None:
            sink.close()
        part.unlink(missing_ok=True)


def _tag(file: Any, encoding: Encoding, tags: Mapping[str, str]) -> None:
    """Before the first sample: then they stand before all sound."""
    for name, text in tags.items():
        if name not in TAGS:
            raise ValueError(f"{name!r} is no tag")
        if encoding.format == "mp3" and not text.isascii():
            continue  # libsndfile marks UTF-8 as Latin-1 there: better no title than a garbled one
        setattr(file, name, " ".join(text.split()))


def _create(path: Path) -> BinaryIO:
    return path.open("xb", buffering=0)


class _Sink:
    """The file under libsndfile's hands: it keeps the first fault, which C cannot pass on, for who asks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is not None:
            return 0
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
            return 0
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def finish(self) -> None:
        """Down to the disk, or raise."""
        self.check()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        self._file.close()


class _Converter:
    """Float blocks to what the file stores.

    Integers are made here because libsndfile rounds 24-bit wav downwards and knows no dither.
    """

    def __init__(self, subtype: str) -> None:
        self._subtype = subtype
        self._random = np.random.default_rng(_DITHER_SEED)

    def __call__(self, block: Audio) -> NDArray[np.int32] | NDArray[np.int16] | Audio:
        if self._subtype == "PCM_24":
            return self._rounded(block * np.float32(2**23), 2**23).astype(np.int32) << 8
        if self._subtype == "PCM_16":
            noise = self._random.random((2, *block.shape), np.float32)
            if not block.any():
                return np.zeros(block.shape, np.int16)
            return self._rounded(block * np.float32(2**15) + (noise[0] - noise[1]), 2**15).astype(np.int16)
        return np.ascontiguousarray(block, np.float32)

    @staticmethod
    def _rounded(scaled: Audio, full_scale: int) -> Audio:
        np.rint(scaled, out=scaled)
        return np.clip(scaled, -full_scale, full_scale - 1, out=scaled)  # float32 holds 2^23 − 1 exactly


def _quality(encoding: Encoding, sample_rate: int) -> dict[str, Any]:
    """Soundfile's arguments for a bit rate or quality; libsndfile counts compression from 0 to 1."""
    match encoding.format:
        case "mp3":
            lowest, highest = (32, 320) if sample_rate >= 32000 else (8, 160 if sample_rate >= 16000 else 64)
            kbps = min(encoding.mp3_kbps, highest)
            return {"bitrate_mode": "CONSTANT", "compression_level": (highest - kbps) / (highest - lowest)}
        case "ogg":
            return {"compression_level": 1.0 - encoding.ogg_quality}
        case "flac":
            return {"compression_level": _FLAC_LEVEL}
    return {}


def system_fault(error: OSError, action: str, path: Path) -> FileProblem:
    """An operating system's refusal, said for people."""
    folder = path.parent
    if error.errno == errno.ENOSPC:
        return FileProblem(f"The disk is full: “{path.name}” cannot be {action}.", hint=f"Free some space at {folder}.")
    if error.errno == errno.EDQUOT:
        return FileProblem(f"Your disk quota is used up: “{path.name}” cannot be {action}.", hint="Free some space.")
    if error.errno == errno.EFBIG:
        return FileProblem(
            f"“{path.name}” is larger than this disk takes.", hint="Choose a smaller format or another disk."
        )
    if error.errno == errno.EROFS:
        return FileProblem(f"“{path.name}” cannot be {action}: the disk at {folder} is read-only.")
    if isinstance(error, PermissionError):
        return FileProblem(
            f"“{path.name}” cannot be {action}: no permission.",
            hint=f"Check the rights at {folder}, and that no other program holds the file.",
        )
    if isinstance(error, FileNotFoundError):
        if action == "read":
            return FileProblem(f"There is no file “{path.name}” in {folder}.")
        return FileProblem(f"There is no folder {folder}.", hint="Choose another place.")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return FileProblem(f"“{path.name}” cannot be {action}: a file and a folder are in each other's place.")
    return FileProblem(f"“{path.name}” cannot be {action}: {error.strerror or error}.")
