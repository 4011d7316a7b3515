"""What the command line takes, and what is meant by it: commands, options, help, places, formats, controls.

Ranges of a request are left to the core, which words every fault alike.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path
from typing import NoReturn

from nur_studio import __version__
from nur_studio.arguments_files import add_combine, add_export, add_import, number
from nur_studio.core.contract import MOST_STRETCH, FarOff
from nur_studio.core.controls import GUIDANCE, MAX_TOP_K, TEMPERATURE, WINDOW_S, Controls, Reference, SectionPrompt
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import LANES
from nur_studio.core.request import FORMATS, MAX_BARS, MAX_DURATION, MAX_TAKES, MAX_TEMPO, MIN_DURATION, MIN_TEMPO
from nur_studio.core.settings import PRECISIONS
from nur_studio.core.track import is_track_id

_BITS = {("wav", 16): "PCM_16", ("wav", 24): "PCM_24", ("wav", 32): "FLOAT", ("flac", 16): "PCM_16",
         ("flac", 24): "PCM_24"}  # fmt: skip

_BAR_DIGITS = 5
PORT = 8765


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
    length = make.add_mutually_exclusive_group()
    length.add_argument(
        "--duration", type=number, default=30, metavar="S", help=f"seconds, {MIN_DURATION} to {MAX_DURATION} (30)"
    )
    length.add_argument(
        "--bars",
        type=number,
        metavar="N",
        help=f"the length in bars of its tempo instead, 1 to {MAX_BARS}, to the frame",
    )
    make.add_argument("--genre", help="lo-fi, house, jazz, …; heard in the prompt if left out")
    make.add_argument(
        "--tempo", type=number, metavar="BPM", help=f"{MIN_TEMPO} to {MAX_TEMPO}; heard in the prompt if left out"
    )
    make.add_argument("--loop", action="store_true", help="whole bars that go round without a seam; else it has an end")
    make.add_argument("--format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; by the ending of --out if left out")
    make.add_argument("--seed", type=number, metavar="N", help="the same seed makes the same music")
    make.add_argument("--engine", help="see `nur-studio engines`")
    make.add_argument(
        "--precision", choices=PRECISIONS,
        help="auto: as exact as the model was published; fast: quicker and coarser, on a processor; full: single "
        "precision; the one in the settings if left out",
    )  # fmt: skip
    make.add_argument(
        "--takes", type=number, default=1, metavar="N", help=f"1 to {MAX_TAKES}, with the seed, the next one …"
    )
    make.add_argument(
        "--out", metavar="FILE", help="also write the track here (a file, or a folder); takes become FILE_A, FILE_B …"
    )
    make.add_argument(
        "--stems",
        metavar="DIR",
        help="also write the stems here (wav unless --format is wav or flac); separated where the engine makes none",
    )
    make.add_argument("--json", action="store_true", help="print the MusicTrack; a list of them for several takes")
    make.add_argument("--quiet", action="store_true", help="no progress bar")
    _add_controls(make)
    _add_tempo(make)

    found = commands.add_parser("list", help="list the library, newest first")
    found.add_argument("text", nargs="*", help="words to find in title, prompt, genre, key …")
    found.add_argument("--starred", action="store_true", help="only the starred")
    found.add_argument("--genre", help="only this genre")
    found.add_argument("--engine", help="only this engine")
    found.add_argument("--limit", type=number, default=50, metavar="N", help="at most so many (50)")
    found.add_argument("--json", action="store_true", help="print MusicTracks")

    one = commands.add_parser("get", help="everything about one track")
    one.add_argument("id", metavar="ID")
    one.add_argument("--json", action="store_true", help="print the MusicTrack")

    apart = commands.add_parser("separate", help="take a track apart into stems; see `nur-studio models list`")
    apart.add_argument("id", metavar="ID")
    apart.add_argument("--model", metavar="NAME", help="the separator; the one in the settings if left out")
    apart.add_argument("--force", action="store_true", help="also where it has stems of its own, which are better")
    apart.add_argument("--json", action="store_true", help="print the MusicTrack")
    apart.add_argument("--quiet", action="store_true", help="no progress bar")

    timed = commands.add_parser(
        "tempo",
        help="bring a track to the tempo it was asked for, or back to how it was made",
        description="Bring a track of MusicGen to the tempo it was asked for, however far it is off. Its original is "
        "kept. Stems separated before are of another sound then, and go.",
    )
    timed.add_argument("id", metavar="ID")
    timed.add_argument("--as-made", action="store_true", help="use the original, in the tempo it came in")
    timed.add_argument("--json", action="store_true", help="print the MusicTrack")
    timed.add_argument("--quiet", action="store_true", help="no progress bar")

    add_export(commands.add_parser("export", help="write a track, its stems, or mixes of them, to files"))
    add_import(commands.add_parser("import", help="take audio files into the library"))
    add_combine(commands.add_parser("combine", help="a new track: one track with a stem of another"))

    known = commands.add_parser("engines", help="what can make music here")
    known.add_argument("--json", action="store_true", help="print a list")

    _add_models(commands.add_parser("models", help="the weights of MusicGen and Demucs: list, download, import …"))

    _add_serve(commands.add_parser("serve", help="answer other programs over HTTP, as the product's reference says"))
    _add_bench(commands.add_parser("bench", help="how fast MusicGen is here, beside audiocraft and transformers"))

    health = commands.add_parser("doctor", help="what is there, what is missing, and the command that mends it")
    health.add_argument("--json", action="store_true", help="print a list of checks")
    return top


def _add_controls(make: argparse.ArgumentParser) -> None:
    """The options of `Controls`: their defaults are its own."""
    usual = Controls()
    group = make.add_argument_group("what MusicGen can", "Nothing here needs touching; other engines refuse it.")
    group.add_argument(
        "--describe", metavar="TEXT", help="what the model is told, in place of the words made from prompt and tempo"
    )
    group.add_argument("--negative", metavar="TEXT", default=usual.negative, help="what to steer away from")
    group.add_argument(
        "--guidance", type=_decimal, metavar="X",
        help=f"how closely the words are followed, {GUIDANCE[0]:g} to {GUIDANCE[1]:g}; the model's own if left out",
    )  # fmt: skip
    group.add_argument(
        "--temperature", type=_decimal, metavar="X", default=usual.temperature,
        help=f"how daring, {TEMPERATURE[0]:g} to {TEMPERATURE[1]:g} ({usual.temperature:g})",
    )  # fmt: skip
    group.add_argument(
        "--top-k", type=number, metavar="N", default=usual.top_k,
        help=f"choose among the N likeliest, up to {MAX_TOP_K}; 0 for all ({usual.top_k})",
    )  # fmt: skip
    group.add_argument(
        "--window", type=number, metavar="SECONDS", default=usual.window_s,
        help=f"how much is made at once, {WINDOW_S[0]} to {WINDOW_S[1]} (what the model can); less needs less memory. "
        "Longer pieces are made window by window, each going on from the last two fifths of the one before",
    )  # fmt: skip
    group.add_argument(
        "--section", action="append", default=[], metavar="BAR:TEXT",
        help='other words from a bar on, the first being 1: "17:full drums, brass"; may be given again',
    )  # fmt: skip
    first = group.add_mutually_exclusive_group()
    first.add_argument(
        "--continue", dest="continue_", metavar="FROM", help="go on from a track (its id, or ID:STEM) or an audio file"
    )
    first.add_argument("--melody", metavar="FROM", help="follow the tune of a track (its id, or ID:STEM) or a file")
    group.add_argument("--count-in", action="store_true", help="start on a drum loop at the tempo, not to be heard")


def _add_tempo(make: argparse.ArgumentParser) -> None:
    group = make.add_argument_group(
        "where a tempo was asked",
        "MusicGen only comes near a tempo: what it makes is measured, brought to it exactly and begun at bar 1. "
        "Sketch is exact by itself.",
    )
    group.add_argument(
        "--no-bar-one", action="store_true", help="leave the beginning as it is made, wherever its first bar begins"
    )
    group.add_argument(
        "--far-off", choices=tuple(far.value for far in FarOff),
        help=f"where it is off by more than {100 * MOST_STRETCH:g} percent, so that stretching may be heard: reroll "
        "makes it again, with other seeds, up to twice; ask and leave keep it as it is and say so; as in the settings "
        "if left out",
    )  # fmt: skip


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--port", type=number, default=PORT, metavar="N", help=f"where to answer ({PORT}); 0 is any that is free"
    )
    serve.add_argument(
        "--host", default="127.0.0.1", help="this machine only (127.0.0.1); 0.0.0.0 is everyone, and takes a token"
    )
    serve.add_argument(
        "--token", help="answer only those who send it; NUR_STUDIO_TOKEN in the environment is not seen by others here"
    )
    serve.add_argument(
        "--allow-origin", action="append", default=[], metavar="ORIGIN",
        help="let web pages from there ask, such as http://localhost:3000; may be given again",
    )  # fmt: skip


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("--model", metavar="MODEL", default="musicgen-small", help="by name (musicgen-small)")
    bench.add_argument(
        "--seconds", type=number, nargs="+", metavar="S", help="of music, one length or several, up to 30 (5 30)"
    )
    bench.add_argument("--quick", action="store_true", help="some steps in the middle of each length instead of all")
    bench.add_argument("--alone", action="store_true", help="the studio's own steps only")
    bench.add_argument("--forget", action="store_true", help="measure nothing: delete the random weights kept for it")
    bench.add_argument("--json", action="store_true", help="print a list of tables")
    bench.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_models(models: argparse.ArgumentParser) -> None:
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True)
    names = "the name of a model; see `nur-studio models list`"
    shown = actions.add_parser("list", help="every model: licence, size, whether it is here")

    fetch = actions.add_parser("download", help="fetch a model from its publisher; goes on where a break left it")
    fetch.add_argument("name", metavar="MODEL", help=names)
    fetch.add_argument("--yes", action="store_true", help="agree to licence and size without being asked")

    bring = actions.add_parser("import", help="copy models from a folder or a USB disk")
    bring.add_argument(
        "folder",
        metavar="FOLDER",
        help="with the files as published: audiocraft's (*.bin), transformers' or Demucs' (*.yaml, *.th) layout",
    )

    check = actions.add_parser("verify", help="read every byte and compare with the checksums of its arrival")
    check.add_argument("name", metavar="MODEL", nargs="?", help=f"{names}; all that are here if left out")

    tried = actions.add_parser("forecast", help="try for some seconds how fast a model would be here; needs no weights")
    tried.add_argument("name", metavar="MODEL", help=names)

    drop = actions.add_parser("remove", help="delete the weights of a model; what was made with it stays")
    drop.add_argument("name", metavar="MODEL", help=names)

    for action in (shown, fetch, bring, check, tried, drop):
        action.add_argument("--json", action="store_true", help="print a list of what it was about")
    for action in (fetch, bring, check):
        action.add_argument("--quiet", action="store_true", help="no progress bar")


def _decimal(text: str) -> float | str:
    """A number, or the text itself, for the core to refuse in its own words."""
    try:
        return float(text)
    except ValueError:
        return text


def controls_of(arguments: argparse.Namespace) -> Controls:
    """The controls that `generate` was given. Raises `InvalidRequest` for a section or place nobody could read."""
    reference = None
    if arguments.continue_ is not None:
        source, part = _source("continue", arguments.continue_)
        reference = Reference("continue", source, part)
    elif arguments.melody is not None:
        source, part = _source("melody", arguments.melody)
        reference = Reference("melody", source, part)
    return Controls(
        description=arguments.describe,
        negative=arguments.negative,
        guidance=arguments.guidance,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        sections=tuple(_section(text) for text in arguments.section),
        reference=reference,
        count_in=arguments.count_in,
        loop=arguments.loop,
        window_s=arguments.window,
        bar_one=not arguments.no_bar_one,
        far_off=arguments.far_off,
    )


def _section(text: str) -> SectionPrompt:
    """ "9:with brass" is from bar 9, as the ruler counts, on."""
    bar, _, words = (part.strip() for part in text.partition(":"))
    if not bar.isdecimal() or len(bar) > _BAR_DIGITS or int(bar) < 1 or not words:
        raise InvalidRequest("section", text, "a bar from 1 on and its words, such as 17:full drums")
    return SectionPrompt(int(bar) - 1, words)


def _source(field: str, text: str) -> tuple[str, str]:
    """The track id or absolute path of audio to start from, and the part of it."""
    track_id, _, part = text.strip().partition(":")
    if is_track_id(track_id):
        part = part or "mix"
        if part not in ("mix", *LANES):
            raise InvalidRequest(field, text, f"a track id alone or with one of {', '.join(LANES)} after a colon")
        return track_id, part
    path = path_of(field, text)
    if path is None or not path.is_file():
        raise InvalidRequest(field, text, "the id of a track or an audio file that exists")
    return str(path.absolute()), "mix"


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
