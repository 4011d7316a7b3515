"""A click and a bar to count in, for takes that go out as files: all of these files stay on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nur_studio.audio.clicks import click_track, with_count_in
from nur_studio.audio.files import Encoding
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.track import Track
from nur_studio.studio.exporting import (
    Piece,
    free_paths,
    is_folder,
    make_folder,
    need_tempo,
    person_name,
    sound_of,
    tags_of,
    write_piece,
    write_together,
)
from nur_studio.studio.mixing import limited, write_sound
from nur_studio.studio.parts import MIX_PART, master

if TYPE_CHECKING:
    from nur_studio.audio.tags import FileTags

CLICK, COUNT_IN = "click", "count-in"
"""What files of clicks are called: those of a whole take, those of one bar in front of it."""


@dataclass(frozen=True, slots=True)
class Clicks:
    """`track`: a file of its own with a click on every beat. `count_in`: a bar in front of everything.

    That bar is clicked once: in the file of clicks; where none is asked for, in the mix, in each of several mixes that
    stand for themselves, and beside stems in a file of its own.
    """

    track: bool = False
    count_in: bool = False

    def __bool__(self) -> bool:
        return self.track or self.count_in


NO_CLICKS = Clicks()


class Lead:
    """A take as its files are once `clicks` have their room: `track` has the grid, the sections and the length."""

    def __init__(self, track: Track, clicks: Clicks) -> None:
        """Raises `StudioError` for a take without a steady tempo."""
        if clicks:
            need_tempo(track, "clicks")
        self.clicks = clicks
        self.added = 0
        self.track = track
        if clicks.count_in:
            first = max(0, track.grid.frame_of(0, track.sample_rate))
            bar, grid = with_count_in(np.zeros((first, 2), np.float32), track.sample_rate, track.grid)
            self.added = len(bar) - first
            self.track = replace(
                track,
                frames=track.frames + self.added,
                duration_s=(track.frames + self.added) / track.sample_rate,
                beat_offset_s=grid.offset_s,
            )
        self._before = track

    def tags(self, label: str) -> FileTags:
        """Of one of the files: what begins with a count-in is no loop."""
        tags = tags_of(self.track, label)
        return replace(tags, loop=None) if self.clicks.count_in else tags

    def click_label(self, pieces: Sequence[Piece]) -> str:
        """What the file of clicks beside these is called, "" where there is none."""
        if self.clicks.track:
            return CLICK
        mixes = all(piece.mix is not None or piece.part == MIX_PART for piece in pieces)
        return COUNT_IN if self.clicks.count_in and not mixes else ""

    def clicked(self) -> Audio:
        """The sound of the file of clicks."""
        rate = self.track.sample_rate
        if self.clicks.track:
            return click_track(self.track.frames, rate, self.track.grid)
        return with_count_in(np.zeros((self._before.frames, 2), np.float32), rate, self._before.grid)[0]

    def write_clicks(self, target: Path, encoding: Encoding, on_progress: OnProgress, cancel: Cancel) -> None:
        """The file of clicks, as long as the others."""
        label = CLICK if self.clicks.track else COUNT_IN
        write_sound(target, self.clicked(), self.track.sample_rate, encoding, self.tags(label), on_progress, cancel)

    def write(
        self, piece: Piece, target: Path, encoding: Encoding, on_progress: OnProgress, cancel: Cancel, *, counted: bool
    ) -> None:
        """One piece after what goes before it: silence, or with `counted` the clicks of the bar."""
        if not self.clicks.count_in:
            write_piece(self._before, piece, target, encoding, on_progress, cancel)
            return
        audio, rate = sound_of(self._before, piece, encoding, ranged(on_progress, 0.0, 0.5), cancel)
        cancel.check()
        if counted:
            audio = with_count_in(audio, rate, self._before.grid)[0]
            if self._before.beat_offset_s > 0.0 and encoding.subtype != "FLOAT":  # clicks fell on a pickup
                audio = limited(audio, rate)
        else:
            audio = np.concatenate((np.zeros((self.added, audio.shape[1]), np.float32), audio))
        write_sound(target, audio, rate, encoding, self.tags(piece.label), ranged(on_progress, 0.5, 1.0), cancel)


def export_clicked(
    track: Track,
    target: Path,
    pieces: Sequence[Piece],
    encoding: Encoding,
    clicks: Clicks,
    on_progress: OnProgress,
    cancel: Cancel,
) -> list[Path]:
    """Write `pieces`, and the file of clicks where there is one, which comes last. All are there at the end, or none.

    One piece may go to a file, which is replaced; its clicks lie beside, replacing nothing. Several need a folder, made
    where missing, in which no file is ever replaced.
    """
    for piece in pieces:
        master(track, piece.part)
    lead = Lead(track, clicks)
    click = lead.click_label(pieces)
    if len(pieces) > 1:
        make_folder(target)
    if len(pieces) > 1 or is_folder(target):
        labels = [*(piece.label for piece in pieces), *([click] if click else [])]
        targets = free_paths(target, [person_name(track, label, encoding) for label in labels])
    else:
        beside = [f"{target.stem}_{click}{target.suffix}"] if click else []
        targets = [target, *free_paths(target.parent, beside)]

    def write(index: int, path: Path, share: OnProgress) -> None:
        if index == len(pieces):
            lead.write_clicks(path, encoding, share, cancel)
        else:
            lead.write(pieces[index], path, encoding, share, cancel, counted=not click)

    write_together(targets, write, on_progress, cancel)
    return targets
