"""Pieces of takes as files: a selection to the frame, and loops of whole bars that go round without a seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nur_studio.audio.bars import LoopPlan, Seam, cut_loop, plan_loop
from nur_studio.audio.files import Encoding, audio_frames, read_audio
from nur_studio.audio.seam import SeamScore, score_seam
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Cancel, OnProgress, ignore_progress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Marker
from nur_studio.core.track import Track
from nur_studio.studio.exporting import (
    Piece,
    free_paths,
    is_folder,
    make_folder,
    mix_of,
    need_tempo,
    person_name,
    pieces_of,
    sound_of,
    tags_of,
    write_together,
)
from nur_studio.studio.mixing import CEILING_DBTP, limiting_gain, write_sound
from nur_studio.studio.parts import MIX_PART, master

if TYPE_CHECKING:
    from nur_studio.audio.tags import FileTags

_FREE_DB = 0.05  # by which a loop may pass its take's peak before it is limited: what rounding does
_AROUND_S = 0.2  # of the loop's other end that its limiter hears at each end


@dataclass(frozen=True, slots=True)
class Loop:
    """What a loop is: `frames` at the take's sample rate, how its ends meet (`seam`), and how well (`score`).

    `files` were written, in the order of the parts; none where it was only looked at.
    """

    frames: int
    seam: Seam
    score: SeamScore
    files: tuple[Path, ...] = ()


# -- a selection -------------------------------------------------------------------------------------------------


def export_clips(
    track: Track,
    target: Path,
    start_frame: int,
    end_frame: int,
    pieces: Sequence[Piece],
    encoding: Encoding,
    on_progress: OnProgress,
    cancel: Cancel,
) -> list[Path]:
    """Write the frames from `start_frame` to just before `end_frame` of each piece, as they are, no more and no fewer.

    One may go to a file, which is replaced; several need a folder, made where missing, in which no file is ever
    replaced. All are there at the end, or none. Raises `InvalidRequest` for frames the take does not have.
    """
    for piece in pieces:
        check_span(track, piece, start_frame, end_frame)
    if len(pieces) > 1:
        make_folder(target)
    if len(pieces) > 1 or is_folder(target):
        labels = [clip_label(track, start_frame, end_frame, piece) for piece in pieces]
        targets = free_paths(target, [person_name(track, label, encoding) for label in labels])
    else:
        targets = [target]

    def write(index: int, path: Path, share: OnProgress) -> None:
        write_clip(track, path, start_frame, end_frame, pieces[index], encoding, share, cancel)

    write_together(targets, write, on_progress, cancel)
    return targets


def check_span(track: Track, piece: Piece, start_frame: int, end_frame: int) -> None:
    """Raise `InvalidRequest` for frames the take does not have."""
    frames, _ = audio_frames(master(track, piece.part))
    if not 0 <= start_frame < end_frame <= frames:
        raise InvalidRequest("selection", (start_frame, end_frame), f"frames from 0 to {frames}, one after the other")


def write_clip(
    track: Track,
    target: Path,
    start_frame: int,
    end_frame: int,
    piece: Piece,
    encoding: Encoding,
    on_progress: OnProgress,
    cancel: Cancel,
) -> None:
    """Write one clip, replaced in one step."""
    if piece.mix is None:
        audio, rate = read_audio(master(track, piece.part), start_frame, end_frame - start_frame)
    else:
        audio, rate = sound_of(track, piece, encoding, ranged(on_progress, 0.0, 0.7), cancel)
        audio = audio[start_frame:end_frame]
    cancel.check()
    label = clip_label(track, start_frame, end_frame, piece)
    tags = replace(_moved(tags_of(track, label), start_frame, end_frame), loop=None)
    write_sound(target, audio, rate, encoding, tags, ranged(on_progress, 0.7, 1.0), cancel)


def clip_label(track: Track, start_frame: int, end_frame: int, piece: Piece) -> str:
    """What the file of a clip says it is: `bars 5-8_drums`."""
    return _label(where_of(track, start_frame, end_frame), piece)


def loop_label(start_bar: int, bars: int, piece: Piece) -> str:
    """What the file of a loop says it is."""
    return _label(_bars(start_bar, bars), piece)


def whole_bars(track: Track, start_frame: int, end_frame: int) -> tuple[int, int] | None:
    """The first bar (0-based) and how many, where a span begins and ends on bar lines; else None."""
    if not track.has_tempo:
        return None
    bar = track.beats_per_bar
    first, last = (round(track.grid.beat_at(frame / track.sample_rate) / bar) for frame in (start_frame, end_frame))
    lines = [track.grid.frame_of(number * bar, track.sample_rate) for number in (first, last)]
    return (first, last - first) if lines == [start_frame, end_frame] and 0 <= first < last else None


def where_of(track: Track, start_frame: int, end_frame: int) -> str:
    """`bars 5-8` where it begins and ends on bar lines, else `3.25s-9.50s`."""
    if (bars := whole_bars(track, start_frame, end_frame)) is not None:
        return _bars(*bars)
    start_s, end_s = start_frame / track.sample_rate, end_frame / track.sample_rate
    return f"{start_s:.2f}s-{end_s:.2f}s"


def _bars(start_bar: int, bars: int) -> str:
    return f"bar {start_bar + 1}" if bars == 1 else f"bars {start_bar + 1}-{start_bar + bars}"


def _label(where: str, piece: Piece) -> str:
    return where if piece.label == MIX_PART else f"{where}_{piece.label}"


def _moved(tags: FileTags, start_frame: int, end_frame: int) -> FileTags:
    """`tags` with the markers of what is cut out, in its own frames."""
    inside = (marker for marker in tags.markers if start_frame <= marker.frame < end_frame)
    return replace(tags, markers=tuple(Marker(marker.name, marker.frame - start_frame) for marker in inside))


# -- loops -------------------------------------------------------------------------------------------------------


def look_at_loop(track: Track, start_bar: int, bars: int, mix: Mix | None, cancel: Cancel) -> Loop:
    """How `bars` bars from `start_bar` (0-based) on would loop; nothing is written."""
    need_tempo(track, "loops")
    whole = mix_of(track, mix)
    audio, rate = sound_of(track, whole, Encoding("wav"), ignore_progress, cancel)
    plan = plan_loop(audio, rate, track.grid, start_bar, bars)
    return Loop(
        plan.frames, plan.seam, score_seam(cut_loop(audio, plan, rate), rate, replace(track.grid, offset_s=0.0))
    )


def export_loop(
    track: Track,
    target: Path,
    start_bar: int,
    bars: int,
    parts: Sequence[str],
    encoding: Encoding,
    mix: Mix | None,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Loop:
    """Write `bars` bars from `start_bar` (0-based) on as loops of exactly as many frames as their tempo asks for.

    How the ends meet is found in the mix, and done alike to every part: stems still add up to it. With `mix` the mix
    is the lanes as that sets them. One part may go to a file, which is replaced; several need a folder, made where
    missing. All files are there at the end, or none. Raises `StudioError` where there are not so many bars.
    """
    need_tempo(track, "loops")
    whole = mix_of(track, mix)  # in which the ends are found
    pieces = pieces_of(track, parts, whole)
    for piece in (whole, *pieces):
        master(track, piece.part)
    audio, rate = sound_of(track, whole, encoding, ranged(on_progress, 0.0, 0.4), cancel)
    plan = plan_loop(audio, rate, track.grid, start_bar, bars)
    cancel.check()
    cut = cut_loop(audio, plan, rate)
    del audio
    gain = None if encoding.subtype == "FLOAT" else _taming(track, whole, cut, rate)
    if gain is not None:
        cut *= gain[:, None]
    score = score_seam(cut, rate, replace(track.grid, offset_s=0.0))
    labels = [loop_label(start_bar, bars, piece) for piece in pieces]
    if len(pieces) > 1:
        make_folder(target)
    if len(pieces) > 1 or is_folder(target):
        targets = free_paths(target, [person_name(track, label, encoding) for label in labels])
    else:
        targets = [target]

    def write(index: int, path: Path, share: OnProgress) -> None:
        sound = cut if pieces[index] is whole else _part_of_loop(track, pieces[index], plan, gain)
        tags = _loop_tags(track, labels[index], plan, bars)
        write_sound(path, sound, rate, encoding, tags, share, cancel)

    write_together(targets, write, ranged(on_progress, 0.4, 1.0), cancel)
    return Loop(plan.frames, plan.seam, score, tuple(targets))


def _part_of_loop(track: Track, piece: Piece, plan: LoopPlan, gain: Audio | None) -> Audio:
    audio, rate = read_audio(master(track, piece.part))
    cut = cut_loop(audio, plan, rate)
    return cut if gain is None else cut * gain[:, None]


def _taming(track: Track, whole: Piece, loop: Audio, sample_rate: int) -> Audio | None:
    """The factor per frame that keeps the loop's true peak where its source had it: a tail laid over the beginning may
    pass it. It goes round as the loop does.
    """
    ceiling = CEILING_DBTP
    if whole.mix is None and track.true_peak_dbtp is not None:  # what was imported may be louder, and stays so
        ceiling = max(ceiling, track.true_peak_dbtp)
    around = min(len(loop), round(_AROUND_S * sample_rate))
    circle = np.concatenate((loop[-around:], loop, loop[:around]))
    if limiting_gain(circle, sample_rate, ceiling + _FREE_DB) is None:
        return None
    gain = limiting_gain(circle, sample_rate, ceiling)
    return None if gain is None else gain[around : around + len(loop)]


def _loop_tags(track: Track, label: str, plan: LoopPlan, bars: int) -> FileTags:
    tags = _moved(tags_of(track, label), plan.start, plan.start + plan.frames)
    return replace(tags, loop=(0, plan.frames), beats=bars * track.beats_per_bar)
