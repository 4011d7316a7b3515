"""What the command line takes: commands, options, help. Ranges are left to the core, which words every fault alike."""

from __future__ import annotations

import argparse
from typing import NoReturn

from nur_studio import __version__
from nur_studio.core.mix import STEMS
from nur_studio.core.request import FORMATS, MAX_DURATION, MAX_TAKES, MAX_TEMPO, MIN_DURATION, MIN_TEMPO


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
    found.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (50)")
    found.add_argument("--json", action="store_true", help="print MusicTracks")

    one = commands.add_parser("get", help="everything about one track")
    one.add_argument("id", metavar="ID")
    one.add_argument("--json", action="store_true", help="print the MusicTrack")

    out = commands.add_parser("export", help="write a track, or its stems, to files")
    out.add_argument("id", metavar="ID")
    out.add_argument("--out", metavar="PATH", help="a file, or a folder (the current one if left out)")
    out.add_argument("--part", default="mix", choices=("mix", *STEMS, "stems"), help="what to write (mix)")
    out.add_argument("--format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; by the ending of --out if left out")
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
