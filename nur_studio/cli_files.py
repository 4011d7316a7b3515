"""`nur-studio export`, `import` and `combine`: sound that goes out as files, comes in as files, or is put together."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.arguments import path_of, wanted_format, wav_or_flac_subtype
from nur_studio.arguments_files import check_export, clicks_of
from nur_studio.cli_words import facts, heading, lossless, tell_note
from nur_studio.console import Interrupts, answer, answer_json, progress_bar
from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.progress import CancelToken, OnProgress, ranged
from nur_studio.core.track import Track

if TYPE_CHECKING:  # it stands on libraries, and the doctor must start where they are damaged
    from nur_studio.audio.files import Encoding
    from nur_studio.studio.studio import Studio

_STEMS = "stems"


def export(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Write what was asked for, and say where."""
    from nur_studio.audio.files import Encoding

    check_export(arguments)
    track = studio.library.get(arguments.id)
    if arguments.session or arguments.midi or arguments.loop is not None:
        from nur_studio.cli_hand_off import hand_off

        return hand_off(studio, track, arguments, interrupts)
    out = path_of("out", arguments.out) or Path.cwd()
    without = [_stems_in(text) for text in arguments.minus]
    several = arguments.part == _STEMS or len(without) > 1
    clicks = arguments.click or arguments.count_in
    if arguments.zip:
        kind = _format_in_zip(arguments.format, out)
    elif several:
        kind = wanted_format(arguments.format, None) or (lossless(track) if not without else track.output_format)
    else:
        kind = wanted_format(arguments.format, out) or track.output_format
    encoding = Encoding(kind, wav_or_flac_subtype(kind, arguments.bits))
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        if arguments.zip:
            files = [_zip(studio, track, out, encoding, arguments, without, on_progress, cancel)]
        elif clicks:
            mix, parts = (track.mix if arguments.as_heard else None), (arguments.part or "mix",)
            files = studio.export_clicked(
                track.id, out, clicks_of(arguments), parts=parts, encoding=encoding, mix=mix, on_progress=on_progress,
                cancel=cancel,
            )  # fmt: skip
        elif arguments.part == _STEMS:
            files = studio.export_stems(track.id, out, encoding, on_progress, cancel)
        elif several:
            files = studio.export_minus(track.id, out, without, encoding, on_progress=on_progress, cancel=cancel)
        elif without:
            files = [studio.export_without(track.id, out, without[0], encoding, on_progress, cancel)]
        else:
            mix, part = (track.mix if arguments.as_heard else None), arguments.part or "mix"
            files = [
                studio.export(
                    track.id, out, part=part, encoding=encoding, mix=mix, on_progress=on_progress, cancel=cancel
                )
            ]
    for file in files:
        answer(str(file))
    return 0


def _zip(
    studio: Studio,
    track: Track,
    out: Path,
    encoding: Encoding,
    arguments: argparse.Namespace,
    without: list[tuple[str, ...]],
    on_progress: OnProgress,
    cancel: CancelToken,
) -> Path:
    return studio.export_zip(
        track.id,
        out,
        encoding,
        parts=() if arguments.part in (None, _STEMS) else (arguments.part,),
        without=without,
        mix=track.mix if arguments.as_heard else None,
        on_progress=on_progress,
        cancel=cancel,
    )


def _stems_in(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip().casefold() for part in text.split(",")) if name)


def _format_in_zip(given: str | None, out: Path) -> str:
    if not out.is_dir() and out.suffix.lower() != ".zip":
        raise InvalidRequest("out", str(out), "a folder that exists, or a file ending in .zip")
    return wanted_format(given, None) or "wav"


def import_files(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Import one file after the other; 1 where one of them could not be."""
    made: list[Track] = []
    faults = 0
    paths = [path_of("file", text) or Path() for text in arguments.files]
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        for index, path in enumerate(paths):
            share = ranged(on_progress, index / len(paths), (index + 1) / len(paths))
            try:
                made.append(studio.import_audio(path, share, cancel))
            except StudioError as error:
                if len(paths) == 1:
                    raise
                faults += 1
                sys.stderr.write(f"nur-studio: {error}\n")
    if arguments.json:
        _answer_json(studio, made, one=len(paths) == 1)
    else:
        for track in made:
            _answer(track)
    for track in made:
        tell_note(track)
    return 1 if faults else 0


def combine(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Make one track of two."""
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        track = studio.combine(
            arguments.id,
            arguments.other,
            arguments.stem,
            into=arguments.into or "",
            layer=arguments.layer,
            repeat=arguments.repeat,
            stretch=not arguments.no_stretch,
            title=arguments.title or "",
            on_progress=on_progress,
            cancel=cancel,
        )
    if arguments.json:
        _answer_json(studio, [track], one=True)
    else:
        _answer(track)
    tell_note(track)
    return 0


def _answer(track: Track) -> None:
    answer(heading(track))
    answer(f"  {facts(track)}")


def _answer_json(studio: Studio, tracks: list[Track], *, one: bool) -> None:
    from nur_studio.reference import music_track

    shown = [music_track(track, studio, deliver=False) for track in tracks]
    answer_json(shown[0] if one else shown)
