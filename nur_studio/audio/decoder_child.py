"""The decoder process, from within: strange files are opened here, where a crash, a hang or a bomb harms nobody.

It sends a JSON message that says what was found, blocks of raw float32, an empty message, and a JSON message that says
how it ended. Its life ends with the other side's.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import soundfile

from nur_studio.audio.downmix import MAX_CHANNELS

_BLOCK = 1 << 14  # frames
_STEP = 1 << 10  # frames asked for at once; so much is lost at most where a file breaks off
_BLOCK_SAMPLES = 1 << 20
_EXTRA_BYTES = 1 << 30  # more address space than this process has without a file
_CPU_S = 600
_MAX_TAG = 200
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
_STREAMED = (0, 0x7FFFFFFF - 0x1000)  # a length outside of this was never filled in by who wrote the file
_CUT_SHORT = re.compile(r"^ ?(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)

# ffmpeg's own names of what holds sound. No playlists: they may name other files, and hosts.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,aac,ac3,eac3,dts,ape,wv,tta,tak,amr,mpc,mpc8,shn,mp3,flac,ogg,wav,w64,"
    "aiff,caf,au,avi,flv,mpegts,mpeg,dsf,iff,oma,rm,voc,xwma,truehd"
)
_AU_HEADER = struct.Struct(">4s5I")
_AU_FLOAT = 6

Reply = dict[str, Any]


def run(connection: Connection, path: str, ffmpeg: str) -> None:
    """The whole life of a decoder process. `ffmpeg` is "" where there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole terminal; the parent decides what it means
    _be_quiet()
    running: list[subprocess.Popen[bytes]] = []
    threading.Thread(target=_listen, args=(connection, running), daemon=True).start()
    limit_memory()
    with contextlib.suppress(BrokenPipeError, ConnectionError):
        done = _send(connection, _with_libsndfile(Path(path)))
        if not done and ffmpeg:
            done = _send(connection, _with_ffmpeg(ffmpeg, Path(path), running))
        if not done:
            connection.send_bytes(json.dumps({"fault": "format"}).encode())


def _be_quiet() -> None:
    """What decoders print of damaged files is not for the person's terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


def limit_memory() -> None:
    """Let this process, and those it starts, have no more than a gigabyte beyond what it has now, where the system can
    be told so; and ten minutes of computing.
    """
    try:
        import resource
    except ImportError:  # Windows: libsndfile checks what a header claims, and blocks are small
        return
    import psutil

    with contextlib.suppress(ValueError, OSError, psutil.Error):
        most = psutil.Process().memory_info().vms + _EXTRA_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))


def _listen(connection: Connection, running: list[subprocess.Popen[bytes]]) -> None:
    with contextlib.suppress(EOFError, OSError):
        connection.recv_bytes()  # nothing is ever sent: it ends when the other side does
    for process in running:
        process.kill()
    os._exit(0)


def _send(connection: Connection, found: Iterator[Reply | bytes]) -> bool:
    """Pass on what a decoder says; False where it cannot read the file and nothing was sent."""
    first = next(found, None)
    if first is None:
        return False
    connection.send_bytes(json.dumps(first).encode())
    for message in found:
        if isinstance(message, bytes):
            connection.send_bytes(message)
        else:
            connection.send_bytes(b"")
            connection.send_bytes(json.dumps(message).encode())
    return True


def _header(container: str, rate: int, channels: int, frames: int, tags: dict[str, str]) -> Reply:
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        return {"fault": "rate", "value": rate}
    if not 1 <= channels <= MAX_CHANNELS:
        return {"fault": "channels", "value": channels}
    return {"container": container, "rate": rate, "channels": channels, "frames": frames, "tags": tags}


# -- libsndfile --------------------------------------------------------------------------------------------------


def _with_libsndfile(path: Path) -> Iterator[Reply | bytes]:
    """First a header, or nothing at all where this is not for libsndfile; blocks; an end."""
    # Through a file object: given a name, libsndfile takes headerless formats at the word of the name's ending.
    try:
        with path.open("rb") as raw, soundfile.SoundFile(_Source(raw)) as file:
            header = _header(file.format, file.samplerate, file.channels, file.frames, _tags(file))
            if "fault" in header:
                yield header
                return
            block, broken = _block(file)
            if broken and not block:
                return  # perhaps it is for ffmpeg
            yield header
            while block:
                yield block
                block, broken = (b"", True) if broken else _block(file)
            yield {"broken": broken or _cut_short(file.extra_info)}
    except (soundfile.SoundFileError, TypeError, ValueError, OverflowError):
        return


class _Source:
    """A file for libsndfile's hands. A place that is none, which a damaged header sends it to, changes nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()

    def read(self, count: int = -1) -> bytes:
        return self._file.read(count)


def _block(file: soundfile.SoundFile) -> tuple[bytes, bool]:
    """The next sound, and whether the file broke off in it: libsndfile does not say how much it read before that."""
    parts: list[bytes] = []
    for _ in range(max(1, min(_BLOCK, _BLOCK_SAMPLES // file.channels) // _STEP)):
        try:
            part = file.read(_STEP, dtype="float32", always_2d=True)
        except soundfile.SoundFileError:
            return b"".join(parts), True
        if not len(part):
            break
        parts.append(part.tobytes())
    return b"".join(parts), False


def _tags(file: soundfile.SoundFile) -> dict[str, str]:
    found = {name: str(getattr(file, name) or "")[:_MAX_TAG] for name in ("title", "artist", "genre")}
    return {name: text for name, text in found.items() if text}


def _cut_short(told: str) -> bool:
    """Whether libsndfile's account of the file says that its sound goes on beyond its end."""
    found = _CUT_SHORT.search(told)
    return found is not None and _STREAMED[0] < int(found[1]) < _STREAMED[1] and int(found[1]) > int(found[2])


# -- ffmpeg ------------------------------------------------------------------------------------------------------


def _with_ffmpeg(ffmpeg: str, path: Path, running: list[subprocess.Popen[bytes]]) -> Iterator[Reply | bytes]:
    """The first sound of the file as ffmpeg decodes it, handed over as an .au stream, whose header says it all."""
    source = [
        "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS,
        "-i", f"file:{path}",
    ]  # fmt: skip
    sound = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    tags = _ffmpeg_tags([ffmpeg, *source, "-f", "ffmetadata", "pipe:1"])
    with _started([ffmpeg, *source, *sound], running) as process:
        assert process.stdout is not None
        complaints = _Complaints(process)
        fixed = _AU_HEADER.unpack(_exactly(process.stdout, _AU_HEADER.size).ljust(_AU_HEADER.size, b"\0"))
        magic, offset, _, encoding, rate, channels = fixed
        if magic != b".snd" or encoding != _AU_FLOAT or not _AU_HEADER.size <= offset < 1 << 16:
            return
        _exactly(process.stdout, offset - _AU_HEADER.size)
        header = _header("", rate, channels, -1, tags)
        yield header
        if "fault" in header:
            return
        frame_bytes = 4 * channels
        size = max(1, min(_BLOCK, _BLOCK_SAMPLES // channels)) * frame_bytes
        while block := _exactly(process.stdout, size):
            whole = len(block) - len(block) % frame_bytes
            if whole:
                yield np.frombuffer(block[:whole], ">f4").astype("<f4").tobytes()
        yield {"broken": process.wait() != 0 or complaints.heard()}


@contextlib.contextmanager
def _started(command: list[str], running: list[subprocess.Popen[bytes]]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.append(process)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        running.remove(process)


class _Complaints:
    """Whether ffmpeg has said anything of what it met: its errors are read, or it would wait for it forever."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        self._any = False
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while said := stream.read(4096):
                self._any = self._any or bool(said.strip())

    def heard(self) -> bool:
        self._thread.join()
        return self._any


def _ffmpeg_tags(command: list[str]) -> dict[str, str]:
    """Title, artist and genre; a damaged file has none."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, str] = {}
    for line in done.stdout[: 1 << 16].decode("utf-8", "replace").splitlines():
        if line.startswith("["):  # chapters and streams follow
            break
        name, _, text = line.partition("=")
        if name.lower() in ("title", "artist", "genre") and text:
            found[name.lower()] = re.sub(r"\\(.)", r"\1", text)[:_MAX_TAG]
    return found


def _exactly(stream: IO[bytes], count: int) -> bytes:
    """So many bytes, fewer only at the end."""
    return stream.read(count) if count > 0 else b""
