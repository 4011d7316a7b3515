"""`nur-studio export` for who goes on in another program: --session, --midi, --loop."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.arguments import path_of, wanted_format, wav_or_flac_subtype
from nur_studio.arguments_files import clicks_of, loop_of
from nur_studio.cli_words import seam_told
from nur_studio.console import Interrupts, answer, progress_bar
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.track import Track

if TYPE_CHECKING:
    from nur_studio.studio.studio import Studio

_STEMS = "stems"


def hand_off(studio: Studio, track: Track, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Write what was asked for, and say where."""
    out = path_of("out", arguments.out) or Path.cwd()
    if arguments.session:
        return _session(studio, track, out, arguments, interrupts)
    if arguments.midi:
        return _midi(studio, track, out, arguments, interrupts)
    return _loop(studio, track, out, arguments, interrupts)


def _session(studio: Studio, track: Track, out: Path, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    if arguments.session == "dawproject":
        _check_ending(out, ".dawproject")
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        made = studio.export_session(track.id, out, arguments.session, clicks_of(arguments), on_progress, cancel)
    answer(str(made))
    if not track.has_tempo:
        sys.stderr.write("nur-studio: No steady tempo is heard: its files lie by time, and its bars mean nothing.\n")
    return 0


def _midi(studio: Studio, track: Track, out: Path, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    _check_ending(out, ".mid")
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        made = studio.export_midi(
            track.id,
            out,
            arguments.part or "mix",
            quantise=arguments.quantise,
            on_progress=on_progress,
            cancel=cancel,
        )
    answer(str(made))
    if not studio.has_score(track.id):
        sys.stderr.write("nur-studio: A transcription: notes heard in the sound, not those it was played from.\n")
    return 0


def _loop(studio: Studio, track: Track, out: Path, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from nur_studio.audio.files import Encoding

    start_bar, bars = loop_of(arguments.loop)
    stems = arguments.part == _STEMS
    kind = wanted_format(arguments.format, None if stems else out) or "wav"
    encoding = Encoding(kind, wav_or_flac_subtype(kind, arguments.bits))
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        loop = studio.export_loop(
            track.id,
            out,
            start_bar,
            bars,
            parts=(_STEMS,) if stems else (arguments.part or "mix",),
            encoding=encoding,
            mix=track.mix if arguments.as_heard else None,
            on_progress=on_progress,
            cancel=cancel,
        )
    for file in loop.files:
        answer(str(file))
    sys.stderr.write(f"nur-studio: {seam_told(loop.seam, loop.score.score)}\n")
    return 0


def _check_ending(out: Path, ending: str) -> None:
    if not out.is_dir() and out.suffix.lower() != ending:
        raise InvalidRequest("out", str(out), f"a folder that exists, or a file ending in {ending}")
