"""Tracks in the words of the command line."""

from __future__ import annotations

import sys

from nur_studio.core.names import one_line
from nur_studio.core.story import tempo_story
from nur_studio.core.track import COMBINED, IMPORTED, Track


def heading(track: Track, lettered: bool = False) -> str:
    """Title and id."""
    return f"{one_line(track.title)}{f' {track.take_letter}' if lettered else ''}  ({track.id})"


def lossless(track: Track) -> str:
    """What stems are written as where nobody says: they are there to be worked on."""
    return track.output_format if track.output_format in ("wav", "flac") else "wav"


def facts(track: Track) -> str:
    """Genre, tempo, key, length, loudness, seed and licence, on one line."""
    found = [
        one_line(track.genre),
        f"{track.tempo} BPM" if track.has_tempo else "no steady beat",
        track.key,
        f"{track.duration_s:g} s",
    ]
    if track.loudness_lufs is not None:
        found.append(f"{track.loudness_lufs:.1f} LUFS")
    found += [f"seed {track.seed}" if track.generated else "", track.licence]
    return " · ".join(fact for fact in found if fact)


def note(track: Track) -> str:
    """What is to be known of a take that is not all that was asked for."""
    return one_line(str(track.recipe.get("note") or ""))


def told(track: Track) -> str:
    """The words a model was given for a take, where it was one."""
    details = track.recipe.get("details")
    described = details.get("descriptions") if isinstance(details, dict) else None
    words = "; then ".join(map(str, described)) if isinstance(described, list | tuple) else ""
    return f"told the model: {one_line(words)}" if words else ""


def tempo_told(track: Track) -> str:
    """Asked, measured and delivered, of a take that was measured against what was asked."""
    story = tempo_story(track)
    if story is None or story.asked is None:
        return ""
    measured = "no steady beat" if story.measured is None else f"measured {story.measured:.2f}"
    parts = [f"asked {story.asked} BPM", measured]
    if track.has_tempo and track.tempo_measured is not None:
        parts.append(f"delivered {track.tempo_measured:.2f}")
    if story.bar_one:
        parts.append("from bar 1")
    if story.open:
        parts.append(f"`nur-studio tempo {track.id}` stretches it")
    elif story.original and not story.as_made:
        parts.append(f"`nur-studio tempo {track.id} --as-made` takes that back")
    return " · ".join(parts)


def loop_told(track: Track) -> str:
    """Of a take that is a loop: how long, and how well it goes round."""
    story = tempo_story(track)
    if story is None or not story.loop_bars or story.score is None:
        return ""
    return f"loop of {story.loop_bars} bars, {track.frames} samples · {seam_told(story.seam, story.score)}"


def stems_told(track: Track) -> str:
    """Which stems a track has, and what separated them."""
    if not track.lanes:
        return ""
    separation = track.recipe.get("separation")
    made = ""
    if isinstance(separation, dict):
        made = f" by {separation.get('title')}, licence {separation.get('licence')}"
    return one_line(f"stems{made}: {', '.join(track.lanes)}")


def seam_told(seam: str, score: float) -> str:
    """How the ends of a loop meet, and how well."""
    how = {
        "tail": "what rings past its end goes on over its beginning",
        "from before": "its end fades into what comes before its beginning",
        "into after": "its beginning fades in from what comes after its end",
        "faded": "there is nothing around it, so both its ends are faded",
        "composed": "it was made to go round",
    }[seam]
    return f"seam {score:.2f} (1: no more than from beat to beat): {how}"


def maker(track: Track) -> str:
    """Who or what made it."""
    origin = track.recipe.get({IMPORTED: "imported", COMBINED: "combined"}.get(track.engine, ""))
    if track.engine == IMPORTED and isinstance(origin, dict):
        return f"imported from {one_line(str(origin.get('name', '')))}"
    if track.engine == COMBINED and isinstance(origin, dict):
        ids = [str(origin.get(which, {}).get("id", "")) for which in ("track", "other")]
        return f"combined from {ids[0]} and the {origin.get('stem')} of {ids[1]}"
    made = track.model if track.engine in track.model else f"{track.engine} {track.model}".rstrip()
    return f"seed {track.seed}, {made}"


def tell_note(track: Track) -> None:
    """Say on standard error what is to be known of a track."""
    if said := note(track):
        sys.stderr.write(f"nur-studio: {one_line(track.title)}: {said}\n")
