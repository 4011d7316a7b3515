"""The command line: generate, list, get, export, engines, doctor. A client of `Studio`; the only module that prints."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nur_studio.arguments import parser
from nur_studio.core.errors import Cancelled, InvalidRequest, StudioError, TrackNotFound
from nur_studio.core.logs import start_log
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.request import FORMATS, GenerationRequest
from nur_studio.core.timing import format_time
from nur_studio.core.track import Status, Track
from nur_studio.engines.catalogue import UnknownEngine
from nur_studio.studio.studio import Encoding, Studio

log = logging.getLogger(__name__)

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
MakeStudio = Callable[[Directories], Studio]
_BITS = {("wav", 16): "PCM_16", ("wav", 24): "PCM_24", ("wav", 32): "FLOAT", ("flac", 16): "PCM_16",
         ("flac", 24): "PCM_24"}  # fmt: skip


def main(argv: Sequence[str] | None = None, make_studio: MakeStudio = Studio) -> int:
    """Run one command; the exit code: 0 done, 1 it did not work out, 2 bad input, 130 interrupted."""
    directories = Directories.of_person()
    try:
        arguments = parser().parse_args(argv)
        start_log(directories.log / "studio.log")
        if arguments.command == "doctor":
            return _doctor(arguments, directories)
        with make_studio(directories) as studio:
            return _COMMANDS[arguments.command](studio, arguments)
    except (InvalidRequest, TrackNotFound, UnknownEngine) as error:
        return _say(error, BAD_INPUT)
    except StudioError as error:
        return _say(error, FAILED)
    except (Cancelled, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # `nur-studio list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        log.exception("unforeseen")
        return _say(
            StudioError(
                f"The studio met a fault of its own ({type(error).__name__}: {error}).",
                hint=f"The details are in {directories.log / 'studio.log'}.",
            ),
            FAILED,
        )


def window_unavailable(error: ImportError) -> int:
    """Say why the window cannot open, and what would help."""
    from nur_studio.doctor import WINDOW_MEND

    return _say(StudioError(f"The window cannot open: {error}.", hint=f"{WINDOW_MEND} mends it."), FAILED)


def no_display() -> int:
    """Say that there is nothing to open a window on."""
    hint = "`nur-studio generate PROMPT` makes music without one."
    return _say(StudioError("The window cannot open: there is no display.", hint=hint), FAILED)


def _say(error: StudioError, code: int) -> int:
    print(f"nur-studio: {error}", file=sys.stderr)
    return code


# -- commands ----------------------------------------------------------------------------------------------------


def _generate(studio: Studio, arguments: argparse.Namespace) -> int:
    out, stems = _path(arguments.out), _path(arguments.stems)
    request = GenerationRequest(
        prompt=arguments.prompt,
        duration=arguments.duration,
        genre=arguments.genre,
        tempo=arguments.tempo,
        output_format=_wanted_format(arguments.format, out) or studio.settings.output_format,
        seed=arguments.seed,
        engine=arguments.engine,
        takes=arguments.takes,
    )
    request.validate()
    if out is not None and not out.is_dir() and not out.parent.is_dir():
        raise InvalidRequest("out", str(out), "a file in a folder that exists")
    if stems is not None and stems.exists() and not stems.is_dir():
        raise InvalidRequest("stems", str(stems), "a folder")
    with _interruptible() as cancel, _progress(arguments.quiet) as on_progress:
        tracks = studio.generate(request, on_progress, cancel=cancel)
        files: dict[str, Path] = {}
        for track in tracks:
            files[track.id] = _write_out(studio, track, out, len(tracks), cancel)
            if stems is not None:
                lossless = request.output_format if request.output_format in ("wav", "flac") else "wav"
                studio.export_stems(track.id, stems, Encoding(lossless), cancel=cancel)
    if arguments.json:
        from nur_studio.reference import music_track

        made = [music_track(track, studio) for track in tracks]
        _print_json(made[0] if len(made) == 1 else made)
    else:
        for track in tracks:
            print(_heading(track, len(tracks) > 1))
            print(f"  {files[track.id]}")
            if stems is not None:
                print(f"  stems in {stems}")
            print(f"  {_facts(track)}")
    return OK


def _write_out(studio: Studio, track: Track, out: Path | None, takes: int, cancel: CancelToken) -> Path:
    if out is None:
        return studio.delivery(track.id, cancel=cancel)
    if takes > 1 and not out.is_dir():
        out = out.with_name(f"{out.stem}_{track.take_letter}{out.suffix}")
    return studio.export(track.id, out, encoding=Encoding(track.output_format), cancel=cancel)


def _list(studio: Studio, arguments: argparse.Namespace) -> int:
    tracks = studio.library.list(
        " ".join(arguments.text), starred=arguments.starred, genre=arguments.genre or "",
        engine=arguments.engine or "", limit=arguments.limit,
    )  # fmt: skip
    if arguments.json:
        from nur_studio.reference import music_track

        _print_json([music_track(track, studio, deliver=False) for track in tracks])
        return OK
    for track in tracks:
        star = "★" if track.starred else " "
        state = "" if track.status is Status.COMPLETED else f"  [{track.status}]"
        print(
            f"{track.id}  {track.created_at.astimezone():%Y-%m-%d %H:%M}  {star} {track.tempo:3d} BPM"
            f"  {format_time(track.duration_s)[:-3]:>5}  {track.genre:<12.12}  {track.title}{state}"
        )
    if not tracks:
        print("Nothing found." if arguments.text or arguments.starred else "The library is empty.", file=sys.stderr)
    return OK


def _get(studio: Studio, arguments: argparse.Namespace) -> int:
    from nur_studio.reference import music_track

    track = studio.library.get(arguments.id)
    if arguments.json:
        _print_json(music_track(track, studio))
        return OK
    print(_heading(track, False))
    print(f"  {track.status}, {track.created_iso}, seed {track.seed}, {track.engine} {track.model}".rstrip())
    print(f"  {track.prompt}")
    if track.status is Status.COMPLETED:
        print(f"  {_facts(track)}")
        print(f"  {studio.delivery(track.id)}")
        print(f"  masters in {track.folder}")
    elif track.error:
        print(f"  {track.error}")
    return OK


def _export(studio: Studio, arguments: argparse.Namespace) -> int:
    track = studio.library.get(arguments.id)
    out = _path(arguments.out) or Path.cwd()
    kind = _wanted_format(arguments.format, None if arguments.part == "stems" else out) or track.output_format
    encoding = Encoding(kind, _subtype(kind, arguments.bits))
    with _interruptible() as cancel, _progress(arguments.quiet) as on_progress:
        if arguments.part == "stems":
            files = studio.export_stems(track.id, out, encoding, on_progress, cancel)
        else:
            files = [
                studio.export(
                    track.id, out, part=arguments.part, encoding=encoding, on_progress=on_progress, cancel=cancel
                )
            ]
    for file in files:
        print(file)
    return OK


def _engines(studio: Studio, arguments: argparse.Namespace) -> int:
    engines = studio.engines()
    if arguments.json:
        fields = ("name", "title", "summary", "licence", "stems", "why_not")
        _print_json([{field: getattr(engine, field) for field in fields} for engine in engines])
        return OK
    for engine in engines:
        print(f"{engine.name}: {engine.title}{f' (not now: {engine.why_not})' if engine.why_not else ''}")
        print(f"  {engine.summary}")
        print(f"  licence of the music: {engine.licence}")
    return OK


def _doctor(arguments: argparse.Namespace, directories: Directories) -> int:
    from nur_studio import doctor

    checks = doctor.examine(directories)
    if arguments.json:
        _print_json([doctor.as_dict(check) for check in checks])
    else:
        for check in checks:
            print(f"{check.level.upper():4}  {check.name:<16}  {check.finding}")
            if check.mend:
                print(f"{'':24}mend it with: {check.mend}")
    return OK if doctor.can_make_music(checks) else FAILED


_COMMANDS: dict[str, Callable[[Studio, argparse.Namespace], int]] = {
    "generate": _generate,
    "list": _list,
    "get": _get,
    "export": _export,
    "engines": _engines,
}


# -- words and numbers -------------------------------------------------------------------------------------------


def _heading(track: Track, lettered: bool) -> str:
    return f"{track.title}{f' {track.take_letter}' if lettered else ''}  ({track.id})"


def _facts(track: Track) -> str:
    facts = [track.genre, f"{track.tempo} BPM", track.key, f"{track.duration_s:g} s"]
    if track.loudness_lufs is not None:
        facts.append(f"{track.loudness_lufs:.1f} LUFS")
    facts += [f"seed {track.seed}", track.licence]
    return " · ".join(fact for fact in facts if fact)


def _wanted_format(given: str | None, out: Path | None) -> str | None:
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


def _subtype(kind: str, bits: int | str | None) -> str:
    if bits is None:
        return ""
    subtype = _BITS.get((kind, bits)) if isinstance(bits, int) else None
    if subtype is None:
        allowed = [str(b) for name, b in _BITS if name == kind]
        raise InvalidRequest("bits", bits, f"{' or '.join(allowed)} for {kind}" if allowed else f"left out for {kind}")
    return subtype


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


# -- while it works ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _interruptible() -> Iterator[CancelToken]:
    """Ctrl+C, or a polite kill, cancels what runs within and leaves it tidy; a second one does not wait."""
    token = CancelToken()
    before = {}

    def on_signal(number: int, _: object) -> None:
        if token.is_set():
            raise KeyboardInterrupt
        token.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not the main thread: the host handles signals
            before[number] = signal.signal(number, on_signal)
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[OnProgress]:
    """A bar on standard error where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield ignore_progress
        return
    from tqdm import tqdm

    with tqdm(total=1.0, bar_format="{desc:<12} {percentage:3.0f}% |{bar}| {unit}", unit="", leave=False) as bar:

        def show(progress: Progress) -> None:
            bar.n = progress.fraction
            bar.set_description_str(progress.stage, refresh=False)
            eta = "" if progress.eta_s is None else f"{format_time(progress.eta_s)[:-3]} left"
            bar.unit = eta
            bar.refresh()

        yield show
