"""The command line: one function for each command, over the studio; `arguments` says what each takes."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.arguments import check_places, controls_of, parser, path_of, wanted_format
from nur_studio.cli_words import (
    facts,
    heading,
    loop_told,
    lossless,
    maker,
    note,
    stems_told,
    tell_note,
    tempo_told,
    told,
)
from nur_studio.console import Interrupts, answer, answer_json, drop_output, open_streams, progress_bar
from nur_studio.core.errors import Cancelled, FileProblem, InvalidRequest, StudioError, TrackNotFound, UnknownEngine
from nur_studio.core.logs import start_log
from nur_studio.core.names import one_line
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken
from nur_studio.core.request import GenerationRequest
from nur_studio.core.timing import format_time
from nur_studio.core.track import Status, Track

if TYPE_CHECKING:  # the doctor must start where what these stand on is damaged
    from nur_studio.studio.studio import Studio

log = logging.getLogger(__name__)

OK, FAILED, BAD_INPUT = 0, 1, 2
MAX_LIMIT = 1_000_000
MakeStudio = Callable[[Directories], "Studio"]


def main(argv: Sequence[str] | None = None, make_studio: MakeStudio | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 it did not work out, 2 bad input, 128 + n stopped by signal n."""
    open_streams()
    with Interrupts() as interrupts:
        try:
            return _run(argv, make_studio, interrupts)
        except (InvalidRequest, TrackNotFound, UnknownEngine) as error:
            return _say(error, BAD_INPUT)
        except StudioError as error:
            return _say(error, FAILED)
        except (Cancelled, KeyboardInterrupt):
            return interrupts.exit_code
        except BrokenPipeError:  # `nur-studio list | head`
            drop_output()
            return OK


def _run(argv: Sequence[str] | None, make_studio: MakeStudio | None, interrupts: Interrupts) -> int:
    directories = Directories.of_person()
    try:
        arguments = parser().parse_args(argv)
        start_log(directories.log / "studio.log")
        if arguments.command == "doctor":
            return _doctor(arguments, directories)
        with (make_studio or _real_studio())(directories) as studio:
            return _COMMANDS[arguments.command](studio, arguments, interrupts)
    except (StudioError, Cancelled, BrokenPipeError):
        raise
    except Exception as error:
        log.exception("unforeseen")
        raise StudioError(
            f"The studio met a fault of its own ({type(error).__name__}: {error}).",
            hint=f"The details are in {directories.log / 'studio.log'}.",
        ) from error


def _real_studio() -> MakeStudio:
    try:
        from nur_studio.studio import Studio
    except (ImportError, OSError) as error:
        sentence = f"The studio cannot start: {one_line(str(error))}."
        raise StudioError(sentence, hint="`nur-studio doctor` says what mends it.") from error
    return Studio


def window_unavailable(error: ImportError | OSError) -> int:
    """Say why the window cannot open, and what would help."""
    from nur_studio.doctor import WINDOW_MEND

    return _say(StudioError(f"The window cannot open: {error}.", hint=f"{WINDOW_MEND} mends it."), FAILED)


def no_display() -> int:
    """Say that there is nothing to open a window on."""
    hint = "`nur-studio generate PROMPT` makes music without one."
    return _say(StudioError("The window cannot open: there is no display.", hint=hint), FAILED)


def _say(error: StudioError, code: int) -> int:
    with contextlib.suppress(OSError):  # nobody listens any more
        print(f"nur-studio: {error}", file=sys.stderr, flush=True)
    return code


# -- commands ----------------------------------------------------------------------------------------------------


def _generate(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    out, stems = path_of("out", arguments.out), path_of("stems", arguments.stems)
    request = GenerationRequest(
        prompt=arguments.prompt,
        duration=arguments.duration,
        genre=arguments.genre,
        tempo=arguments.tempo,
        output_format=wanted_format(arguments.format, out) or studio.settings.output_format,
        seed=arguments.seed,
        engine=arguments.engine,
        takes=arguments.takes,
        controls=controls_of(arguments),
        bars=arguments.bars,
    )
    request.validate()
    check_places(out, stems)
    if arguments.precision is not None:
        studio.settings = replace(studio.settings, precision=arguments.precision)  # for this command, not kept
    studio.look_for_server(request)
    if stems is not None:
        _check_stems(studio, request)
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        tracks = studio.generate(request, on_progress, cancel=cancel, stems=True if stems is not None else None)
        files = {track.id: _write_out(studio, track, out, stems, len(tracks), cancel) for track in tracks}
    if arguments.json:
        from nur_studio.reference import music_track

        made = [music_track(track, studio) for track in tracks]
        answer_json(made[0] if len(made) == 1 else made)
    else:
        for track in tracks:
            answer(heading(track, len(tracks) > 1))
            answer(f"  {files[track.id]}")
            if stems is not None:
                answer(f"  stems in {stems}")
            answer(f"  {facts(track)}")
            for line in filter(None, (tempo_told(track), loop_told(track))):
                answer(f"  {line}")
    for track in tracks:
        tell_note(track)
    return OK


def _check_stems(studio: Studio, request: GenerationRequest) -> None:
    """Tell before the work that there will be none to write."""
    name = (request.engine or studio.default_engine()).strip().casefold()
    for engine in studio.engines():
        if engine.name.casefold() == name and not engine.stems and not studio.default_separator():
            hint = "`nur-studio models download htdemucs` gets what makes them. Or leave --stems out."
            raise StudioError(f"{engine.title} makes no stems.", hint=hint)


def _write_out(
    studio: Studio, track: Track, out: Path | None, stems: Path | None, takes: int, cancel: CancelToken
) -> Path:
    """The take, and its stems, where they were asked for; where the take is."""
    from nur_studio.audio.files import Encoding

    try:
        if out is None:
            file = studio.delivery(track.id, cancel=cancel)
        else:
            if takes > 1 and not out.is_dir():
                out = out.with_name(f"{out.stem}_{track.take_letter}{out.suffix}")
            file = studio.export(track.id, out, cancel=cancel)
        if stems is not None:
            if not track.lanes:
                raise FileProblem(note(track))
            studio.export_stems(track.id, stems, Encoding(lossless(track)), cancel=cancel)
    except FileProblem as error:
        kept = f"The take is kept: `nur-studio export {track.id}` writes it elsewhere."
        raise FileProblem(error.sentence, hint=f"{error.hint} {kept}".strip()) from error
    return file


def _list(studio: Studio, arguments: argparse.Namespace, _: Interrupts) -> int:
    if not isinstance(arguments.limit, int) or not 1 <= arguments.limit <= MAX_LIMIT:
        raise InvalidRequest("limit", arguments.limit, f"a whole number from 1 to {MAX_LIMIT}")
    tracks = studio.library.list(
        " ".join(arguments.text), starred=arguments.starred, genre=arguments.genre or "",
        engine=arguments.engine or "", limit=arguments.limit,
    )  # fmt: skip
    if arguments.json:
        from nur_studio.reference import music_track

        answer_json([music_track(track, studio, deliver=False) for track in tracks])
        return OK
    for track in tracks:
        star = "★" if track.starred else " "
        state = "" if track.status is Status.COMPLETED else f"  [{track.status}]"
        answer(
            f"{track.id}  {track.created_at.astimezone():%Y-%m-%d %H:%M}  {star} {track.tempo or '–':>3} BPM"
            f"  {format_time(track.duration_s)[:-3]:>5}  {one_line(track.genre):<12.12}  {one_line(track.title)}{state}"
        )
    if not tracks:
        print("Nothing found." if arguments.text or arguments.starred else "The library is empty.", file=sys.stderr)
    return OK


def _get(studio: Studio, arguments: argparse.Namespace, _: Interrupts) -> int:
    from nur_studio.reference import music_track

    track = studio.library.get(arguments.id)
    if arguments.json:
        answer_json(music_track(track, studio))
        return OK
    answer(heading(track))
    answer(f"  {track.status}, {track.created_iso}, {maker(track)}")
    answer(f"  {one_line(track.prompt)}")
    if track.status is Status.COMPLETED:
        answer(f"  {facts(track)}")
        for line in filter(None, (tempo_told(track), loop_told(track), told(track), stems_told(track), note(track))):
            answer(f"  {line}")
        answer(f"  {studio.delivery(track.id)}")
        answer(f"  masters in {track.folder}")
    elif track.error:
        answer(f"  {track.error}")
    return OK


def _separate(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        track = studio.separate(arguments.id, arguments.model, on_progress, cancel, force=arguments.force)
    if arguments.json:
        from nur_studio.reference import music_track

        answer_json(music_track(track, studio))
        return OK
    answer(heading(track))
    answer(f"  {stems_told(track)}")
    answer(f"  in {track.folder / 'stems'}; `nur-studio export {track.id} --part stems` writes them elsewhere")
    return OK


def _tempo(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        had_stems = bool(studio.library.get(arguments.id).lanes)
        track = studio.retime(arguments.id, as_made=arguments.as_made, on_progress=on_progress, cancel=cancel)
        if had_stems and studio.separates(track):
            track = studio.separate(track.id, None, on_progress, cancel)
    if arguments.json:
        from nur_studio.reference import music_track

        answer_json(music_track(track, studio))
    else:
        answer(heading(track))
        answer(f"  {facts(track)}")
        answer(f"  {tempo_told(track)}")
    tell_note(track)
    return OK


def _engines(studio: Studio, arguments: argparse.Namespace, _: Interrupts) -> int:
    if studio.server_address:
        try:
            studio.ask_server()
        except StudioError as error:
            print(f"nur-studio: {error}", file=sys.stderr)
    engines = studio.engines()
    if arguments.json:
        fields = ("name", "title", "summary", "licence", "sellable", "stems", "host", "why_not")
        answer_json(
            [{field: getattr(engine, field) for field in fields} | {"can": sorted(engine.can)} for engine in engines]
        )
        return OK
    for engine in engines:
        answer(f"{engine.name}: {engine.title}{f' (not now: {engine.why_not})' if engine.why_not else ''}")
        answer(f"  {engine.summary}")
        answer(f"  licence of the music: {engine.licence}")
    return OK


def _export(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_files import export

    return export(studio, arguments, interrupts)


def _import(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_files import import_files

    return import_files(studio, arguments, interrupts)


def _combine(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_files import combine

    return combine(studio, arguments, interrupts)


def _models(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_models import manage_models

    return manage_models(studio, arguments, interrupts)


def _serve(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_serve import serve

    return serve(studio, arguments, interrupts)


def _bench(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.cli_bench import bench_here

    return bench_here(studio, arguments, interrupts)


def _doctor(arguments: argparse.Namespace, directories: Directories) -> int:
    from nur_studio import doctor

    checks = doctor.examine(directories)
    if arguments.json:
        answer_json([doctor.as_dict(check) for check in checks])
    else:
        for check in checks:
            answer(f"{check.level.upper():4}  {check.name:<16}  {check.finding}")
            if check.mend:
                answer(f"{'':24}mend it with: {check.mend}")
    return OK if doctor.can_make_music(checks) else FAILED


_COMMANDS: dict[str, Callable[[Studio, argparse.Namespace, Interrupts], int]] = {
    "generate": _generate,
    "list": _list,
    "get": _get,
    "separate": _separate,
    "tempo": _tempo,
    "export": _export,
    "import": _import,
    "combine": _combine,
    "engines": _engines,
    "models": _models,
    "serve": _serve,
    "bench": _bench,
}
