"""What the command line takes where sound goes out as files, comes in as files, or is put together."""

from __future__ import annotations

import argparse

from nur_studio.core.mix import LANES
from nur_studio.core.request import FORMATS


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
    out.add_argument("--zip", action="store_true", help="all of it in one zip (the stems if nothing else is named)")
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
    join.add_argument("--title", help="of the new track")
    join.add_argument("--json", action="store_true", help="print the MusicTrack")
    join.add_argument("--quiet", action="store_true", help="no progress bar")


def number(text: str) -> int | str:
    """A whole number, or the text itself, for the core to refuse in its own words."""
    try:
        return int(text)
    except ValueError:
        return text
