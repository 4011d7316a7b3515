"""What the command line takes where sound goes out as files, comes in as files, or is put together."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import LANES
from nur_studio.core.request import FORMATS

if TYPE_CHECKING:
    from nur_studio.studio.clicks import Clicks

_EXPORTED = ("part", "as_heard", "minus", "format", "bits", "quantise", "click", "count_in")
_GOES_WITH = {
    "": ("part", "as_heard", "minus", "format", "bits", "click", "count_in"),
    "zip": ("part", "as_heard", "minus", "format", "bits"),
    "session": ("click", "count_in"),
    "midi": ("part", "quantise"),
    "loop": ("part", "as_heard", "format", "bits"),
}
"""Which options of `export` have a meaning with which of its ways."""

_BAR_DIGITS = 5


def add_export(out: argparse.ArgumentParser) -> None:
    out.add_argument("id", metavar="ID")
    out.add_argument("--out", metavar="PATH", help="a file, or a folder (the current one if left out)")
    what = out.add_mutually_exclusive_group()
    what.add_argument(
        "--part", choices=("mix", *LANES, "stems"),
        help="what to write (mix); guitar, piano and rest where a track was divided so finely",
    )  # fmt: skip
    what.add_argument("--as-heard", action="store_true", help="the mix as its mixer was left: mutes, gains, pans")
    what.add_argument(
        "--minus", action="append", default=[], metavar="STEM[,STEM]",
        help="the mix without these; given again, one more file",
    )  # fmt: skip
    way = out.add_mutually_exclusive_group()
    way.add_argument("--zip", action="store_true", help="all of it in one zip (the stems if nothing else is named)")
    way.add_argument(
        "--session", choices=("dawproject", "reaper", "folder"),
        help="stems, mixer, tempo, sections and notes for another program: in one file, or in a folder",
    )  # fmt: skip
    way.add_argument("--midi", action="store_true", help="the notes: Sketch's score, else a transcription")
    way.add_argument(
        "--loop", metavar="BAR:BARS", help="so many bars from a bar on, the first being 1, as a loop (5:8); wav"
    )
    out.add_argument("--quantise", action="store_true", help="with --midi: every note on the nearest sixteenth")
    out.add_argument("--click", action="store_true", help="also a file with a click on every beat")
    out.add_argument("--count-in", action="store_true", help="a bar of clicks in front of everything")
    out.add_argument(
        "--format", metavar="FORMAT",
        help=f"{', '.join(FORMATS)}; by the ending of --out if left out, else the take's own (stems, zip: wav)",
    )  # fmt: skip
    out.add_argument("--bits", type=number, metavar="N", help="wav: 16, 24 or 32 (float); flac: 16 or 24")
    out.add_argument("--quiet", action="store_true", help="no progress bar")


def add_import(bring: argparse.ArgumentParser) -> None:
    bring.add_argument("files", metavar="FILE", nargs="+", help="wav, aiff, flac, mp3, ogg, opus; m4a … with ffmpeg")
    bring.add_argument("--json", action="store_true", help="print the MusicTrack; a list of them for several files")
    bring.add_argument("--quiet", action="store_true", help="no progress bar")


def add_combine(join: argparse.ArgumentParser) -> None:
    join.add_argument("id", metavar="ID", help="the track that stays as it is but for one stem")
    join.add_argument("stem", metavar="STEM", choices=("mix", *LANES), help="what to take of the other; mix: all of it")
    join.add_argument("other", metavar="OTHER", help="the id of the track to take it from")
    join.add_argument("--into", choices=LANES, help="the stem to replace, or to lay it on; its namesake if left out")
    join.add_argument("--layer", action="store_true", help="lay it on top of what is there, and replace nothing")
    join.add_argument("--repeat", action="store_true", help="repeat its whole bars to the track's length")
    join.add_argument(
        "--no-stretch", action="store_true", help="refuse where the tempi differ; else it is stretched to the track's"
    )
    join.add_argument("--title", help="of the new track")
    join.add_argument("--json", action="store_true", help="print the MusicTrack")
    join.add_argument("--quiet", action="store_true", help="no progress bar")


def number(text: str) -> int | str:
    """A whole number, or the text itself, for the core to refuse in its own words."""
    try:
        return int(text)
    except ValueError:
        return text


def check_export(arguments: argparse.Namespace) -> None:
    """Refuse options of `export` that would be passed over. Raises `InvalidRequest`."""
    way = next(
        (name for name in ("zip", "session", "midi", "loop") if getattr(arguments, name) not in (None, False)), ""
    )
    allowed = _GOES_WITH[way]
    for name in _EXPORTED:
        if getattr(arguments, name) and name not in allowed:
            raise InvalidRequest(f"what goes with {f'--{way}' if way else 'export'}", _option(name), _options(allowed))
    if arguments.minus and (arguments.click or arguments.count_in):
        raise InvalidRequest("what goes with --minus", "clicks", "--format, --bits or --zip")
    if way == "midi" and arguments.part == "stems":
        raise InvalidRequest("part", "stems", "one stem, or left out for all notes, with --midi")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _options(names: tuple[str, ...]) -> str:
    *most, last = map(_option, names)
    return f"{', '.join(most)} or {last}"


def clicks_of(arguments: argparse.Namespace) -> Clicks:
    """The clicks that `export` was asked for."""
    from nur_studio.studio.clicks import Clicks

    return Clicks(track=arguments.click, count_in=arguments.count_in)


def loop_of(text: str) -> tuple[int, int]:
    """`5:8`, eight bars from the fifth on, as (first bar from 0, bars)."""
    numbers = [part.strip() for part in text.split(":")]
    if len(numbers) != 2 or not all(n.isdecimal() and len(n) <= _BAR_DIGITS and int(n) >= 1 for n in numbers):
        raise InvalidRequest("loop", text, "the first bar and how many, such as 5:8")
    return int(numbers[0]) - 1, int(numbers[1])
