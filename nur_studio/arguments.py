"""What the command line takes, and what is meant by it: commands, options, help, places, formats.

Ranges of a request are left to the core, which words every fault alike.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path
from typing import NoReturn

from nur_studio import __version__
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import STEMS
from nur_studio.core.request import FORMATS, MAX_DURATION, MAX_TAKES, MAX_TEMPO, MIN_DURATION, MIN_TEMPO

_BITS = {("wav", 16): "PCM_16", ("wav", 24): "PCM_24", ("wav", 32): "FLOAT", ("flac", 16): "PCM_16",
         ("flac", 24): "PCM_24"}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Faults in one sentence, like every other."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"nur-studio: {message[:1].upper()}{message[1:]}. `{self.prog} --help` shows how.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="nur-studio", description="Original music from words. Without a command, opens the window.")
    top.add_argument("--version", action="version", version=f"nur-studio {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    make = commands.add_parser(
        "generate",
        help="make a track from a description",
        description="Make a track from a description, keep it in the library and say where its file is.",
    )
    make.add_argument("prompt", metavar="PROMPT", help='the music in words: "chill lo-fi beat with jazzy Rhodes"')
    make.add_argument(
        "--duration", type=_number, default=30, metavar="S", help=f"seconds, {MIN_DURATION} to {MAX_DURATION} (30)"
    )
    make.add_argument("--genre", help="lo-fi, house, jazz, …; heard in the prompt if left out")
    make.add_argument(
        "--tempo", type=_number, metavar="BPM", help=f"{MIN_TEMPO} to {MAX_TEMPO}; heard in the prompt if left out"
    )
    make.add_argument("--format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; by the ending of --out if left out")
    make.add_argument("--seed", type=_number, metavar="N", help="the same seed makes the same music")
    make.add_argument("--engine", help="see `nur-studio engines`")
    make.add_argument(
        "--takes", type=_number, default=1, metavar="N", help=f"1 to {MAX_TAKES}, with the seed, the next one …"
    )
    make.add_argument(
        "--out", metavar="FILE", help="also write the track here (a file, or a folder); takes become FILE_A, FILE_B …"
    )
    make.add_argument("--stems", metavar="DIR", help="also write the stems here (wav unless --format is wav or flac)")
    make.add_argument("--json", action="store_true", help="print the MusicTrack; a list of them for several takes")
    make.add_argument("--quiet", action="store_true", help="no progress bar")

    found = commands.add_parser("list", help="list the library, newest first")
    found.add_argument("text", nargs="*", help="words to find in title, prompt, genre, key …")
    found.add_argument("--starred", action="store_true", help="only the starred")
    found.add_argument("--genre", help="only this genre")
    found.add_argument("--engine", help="only this engine")
    found.add_argument("--limit", type=_number, default=50, metavar="N", help="at most so many (50)")
    found.add_argument("--json", action="store_true", help="print MusicTracks")

    one = commands.add_parser("get", help="everything about one track")
    one.add_argument("id", metavar="ID")
    one.add_argument("--json", action="store_true", help="print the MusicTrack")

    out = commands.add_parser("export", help="write a track, or its stems, to files")
    out.add_argument("id", metavar="ID")
    out.add_argument("--out", metavar="PATH", help="a file, or a folder (the current one if left out)")
    out.add_argument("--part", default="mix", choices=("mix", *STEMS, "stems"), help="what to write (mix)")
    out.add_argument(
        "--format",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}; by the ending of --out if left out, else the take's own (stems: wav)",
    )
    out.add_argument("--bits", type=_number, metavar="N", help="wav: 16, 24 or 32 (float); flac: 16 or 24")
    out.add_argument("--quiet", action="store_true", help="no progress bar")

    known = commands.add_parser("engines", help="what can make music here")
    known.add_argument("--json", action="store_true", help="print a list")

    health = commands.add_parser("doctor", help="what is there, what is missing, and the command that mends it")
    health.add_argument("--json", action="store_true", help="print a list of checks")
    return top


def _number(text: str) -> int | str:
    """A whole number, or the text itself, for the core to refuse in its own words."""
    try:
        return int(text)
    except ValueError:
        return text


def wanted_format(given: str | None, out: Path | None) -> str | None:
    """The format asked for by name or by the ending of the file; the two must not disagree."""
    if given is not None and given not in FORMATS:
        raise InvalidRequest("output_format", given, f"one of {', '.join(FORMATS)}")
    if out is None or out.is_dir():
        return given
    ending = out.suffix.lower().lstrip(".")
    if ending not in FORMATS or (given is not None and ending != given):
        allowed = f".{given}" if given else ", ".join(f".{name}" for name in FORMATS)
        raise InvalidRequest("out", str(out), f"a folder that exists, or a file ending in {allowed}")
    return ending


def wav_or_flac_subtype(kind: str, bits: int | str | None) -> str:
    """The subtype an `Encoding` has for so many bits; "" where none are named."""
    if bits is None:
        return ""
    subtype = _BITS.get((kind, bits)) if isinstance(bits, int) else None
    if subtype is None:
        allowed = [str(b) for name, b in _BITS if name == kind]
        raise InvalidRequest("bits", bits, f"{' or '.join(allowed)} for {kind}" if allowed else f"left out for {kind}")
    return subtype


def path_of(field: str, text: str | None) -> Path | None:
    """The place an option names. Raises `InvalidRequest` for one that no file system could have."""
    if text is None:
        return None
    if not text.strip():
        raise InvalidRequest(field, text, "a file or a folder")
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # a ~name nobody here has
        path = path.expanduser()
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # too long, a loop of links, behind a closed door
        allowed = f"a place that can be used ({error.strerror or error})"
        raise InvalidRequest(field, text, allowed) from error
    return path


def check_places(out: Path | None, stems: Path | None) -> None:
    """Tell before the work what would go wrong after it."""
    if out is not None:
        folder = out if out.is_dir() else out.parent
        if not folder.is_dir():
            raise InvalidRequest("out", str(out), "a file in a folder that exists")
        if not os.access(folder, os.W_OK):
            raise InvalidRequest("out", str(out), "a file in a folder that may be written")
    if stems is not None:
        there = next(path for path in (stems, *stems.parents, Path()) if path.exists())
        if not there.is_dir():
            raise InvalidRequest("stems", str(stems), "a folder")
        if not os.access(there, os.W_OK):
            raise InvalidRequest("stems", str(stems), "a folder that may be written")
