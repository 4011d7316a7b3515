"""The parts a take can be had in, and where their masters are."""

from __future__ import annotations

from pathlib import Path

from nur_studio.core.errors import FileProblem, InvalidRequest, TrackUnfinished
from nur_studio.core.mix import LANES, SIX_LANES, STEMS
from nur_studio.core.track import Status, Track

MIX_PART = "mix"
PARTS = (MIX_PART, *LANES)


def parts_of(track: Track) -> tuple[str, ...]:
    """The parts a finished take can be had in: the mix, its lanes, and `other` wherever there are any."""
    return (MIX_PART, *dict.fromkeys((*track.lanes, *STEMS))) if track.lanes else (MIX_PART,)


def lanes_of(track: Track, stem: str) -> tuple[str, ...]:
    """The lanes that make up a stem: itself, or guitar, piano and rest for `other`. Raises `FileProblem` where the take
    has no such stem.
    """
    if stem not in LANES:
        raise InvalidRequest("stem", stem, f"one of {', '.join(LANES)}")
    if stem not in parts_of(track):
        raise no_part(track, stem)
    return (stem,) if stem in track.lanes else SIX_LANES[3:]


def master(track: Track, part: str) -> Path:
    """The lossless file of a part. Raises a sentence where the take has none (yet)."""
    if part not in PARTS:
        raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
    if track.status is Status.FAILED:
        raise TrackUnfinished(f"{track.title!r} was never finished.", hint=track.error)
    if track.status is not Status.COMPLETED:
        raise TrackUnfinished(f"{track.title!r} is not finished yet.")
    if part not in parts_of(track):
        raise no_part(track, part)
    # Not at the top: what masters are measured with would slow the window's start.
    from nur_studio.audio.masters import mix_path, stem_path

    path = mix_path(track.folder) if part == MIX_PART else stem_path(track.folder, part)
    if not path.exists():
        again = "Generate it again from its recipe: the same seed makes the same music." if track.generated else ""
        raise FileProblem(f"The audio of {track.title!r} is no longer in the library.", hint=again)
    return path


def no_part(track: Track, part: str) -> FileProblem:
    """Says that a take has no such part, and which it has."""
    if not track.lanes:
        return FileProblem(
            f"{track.title!r} has no stems: there is only the mix.",
            hint=f"`nur-studio separate {track.id}`, or “Separate into stems” in the window, makes them.",
        )
    return FileProblem(f"{track.title!r} has no {part} of its own: its parts are {', '.join(parts_of(track)[1:])}.")
