"""A take's tempo in the words of the window: asked, measured, delivered, and what they mean."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from nur_studio.core.contract import EXACT
from nur_studio.core.story import TempoStory, tempo_story
from nur_studio.core.track import Track
from nur_studio.gui.controls import Fact


def _tr(text: str) -> str:
    return QCoreApplication.translate("TempoWords", text)


def tempo_facts(track: Track, story: TempoStory) -> list[Fact]:
    """The badge of a take that was measured against what was asked; its last fact is the tempo it has now."""
    facts = [Fact(_tr("asked {tempo}").format(tempo=story.asked), "text"), Fact("  ·  ", "dim")]
    if not track.has_tempo or story.measured is None:
        return [*facts, Fact(_tr("no steady beat"), "warning")]
    measured = f"{story.measured:.2f}"
    now = track.tempo_measured if track.tempo_measured is not None else track.exact_tempo
    if story.as_made or (story.far and not story.stretched):
        return [*facts, Fact(_tr("measured "), "text"), Fact(_tr("{tempo} BPM").format(tempo=measured), "warning")]
    exact = story.asked is not None and abs(now / story.asked - 1.0) <= EXACT
    return [
        *facts,
        Fact(_tr("measured {tempo}").format(tempo=measured), "text"),
        Fact("  ·  ", "dim"),
        Fact(_tr("delivered "), "text"),
        Fact(_tr("{tempo} BPM").format(tempo=f"{now:.2f}"), "good" if exact else "warning"),
    ]


def tempo_tip(track: Track, story: TempoStory) -> str:
    """What the badge's numbers mean for this take, a line each."""
    lines = [_tr("Asked: {tempo} BPM").format(tempo=story.asked)]
    if story.measured is None:
        lines.append(_tr("Measured: no steady beat in what the model made"))
    else:
        lines.append(_tr("Measured in what the model made: {tempo} BPM").format(tempo=f"{story.measured:.2f}"))
    if story.as_made:
        lines.append(_tr("In use: the original, as it was made"))
    elif track.has_tempo and track.tempo_measured is not None and not (story.far and not story.stretched):
        lines.append(_tr("Measured in the delivered take: {tempo} BPM").format(tempo=f"{track.tempo_measured:.2f}"))
    lines += [f"{name}: {text}" for name, text in tempo_lines(track)[1:]]
    return "\n".join(lines)


def tempo_lines(track: Track) -> list[tuple[str, str]]:
    """(name, text) of what was done to hand it over, for the card that tells how a take was made."""
    story = tempo_story(track)
    if story is None:
        return []
    lines = []
    if story.asked is not None:
        heard = _tr("no steady beat") if story.measured is None else f"{story.measured:.2f}"
        told = _tr("asked {asked}, measured {heard}").format(asked=story.asked, heard=heard)
        lines.append((_tr("Tempo"), told))
        if story.stretched:
            change = f"{100 * (story.ratio - 1.0):+.2f}"
            lines.append((_tr("Stretched"), _tr("by {change} % of its time, pitch as it was").format(change=change)))
        if story.rolls > 1:
            lines.append((_tr("Rolled"), _tr("{count} times, for its tempo").format(count=story.rolls)))
        if story.moved_s > 0.0:
            lines.append((_tr("Bar 1"), _tr("{cut} s before it were cut").format(cut=f"{story.moved_s:.2f}")))
        elif story.moved_s < 0.0:
            lines.append((_tr("Bar 1"), _tr("{put} s of silence before a pickup").format(put=f"{-story.moved_s:.2f}")))
        elif story.bar_one:
            lines.append((_tr("Bar 1"), _tr("begins with the first sample")))
    if story.loop_bars and story.score is not None:
        seam = _tr("{bars} bars, seam {score} of 1").format(bars=story.loop_bars, score=f"{story.score:.2f}")
        lines.append((_tr("Loop"), seam))
    return lines
