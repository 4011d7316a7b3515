"""The last hand on every part: swing, a player's unsteadiness, ranges, no note where none can sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from nur_studio.engines.sketch.compose.dice import Dice
from nur_studio.engines.sketch.compose.drums import BACKBEAT
from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import fold
from nur_studio.engines.sketch.compose.rhythm import swing_shift
from nur_studio.engines.sketch.score import Hit, Note

_LONGEST_MS = 8.0
_MACHINES = ("kit_808", "kit_909", "gated", "minimal")


def finish_notes(plan: Plan, notes: Sequence[Note], instrument: str, dice: Dice, hand_ms: float) -> tuple[Note, ...]:
    """Notes in order, in range, in time: humanised around zero, swung, cut where piece or pitch ends."""
    ordered = sorted(notes, key=lambda note: (note.beat, note.pitch))
    beat_s = 60.0 / plan.tempo
    sway = _sway(plan)
    shifts = _unsteady(ordered, dice, hand_ms)
    done: list[Note] = []
    sounding: dict[int, int] = {}
    total = plan.form.total
    for note, human in zip(ordered, shifts, strict=True):
        shift = (
            note.shift_s + human + swing_shift(note.beat, plan.style.swing_unit, plan.swing) * beat_s + sway(note.beat)
        )
        shift = max(shift, -note.beat * beat_s)
        start = note.beat + shift / beat_s
        if start > total - 0.05:
            continue
        energy = plan.form.at(note.beat).energy
        pitch = fold(note.pitch, instrument)
        duration = min(note.duration, total - start)
        glide = None if note.glide_from is None else fold(note.glide_from, instrument)
        held = sounding.get(pitch)
        if held is not None:
            before = done[held]
            before_start = before.beat + before.shift_s / beat_s
            if start - before_start < 0.06:
                continue  # the same key cannot be struck twice at once
            if before_start + before.duration > start - 0.005:
                done[held] = _cut(before, start - before_start - 0.005)
        velocity = min(1.0, max(0.05, note.velocity * (0.8 + 0.25 * energy)))
        sounding[pitch] = len(done)
        done.append(Note(note.beat, duration, pitch, velocity, shift, glide if glide != pitch else None, note.accent))
    return tuple(done)


def finish_hits(plan: Plan, hits: Sequence[Hit], kit: str, dice: Dice) -> tuple[Hit, ...]:
    """Drum hits in order, swung, with the late backbeat; a machine's kit hardly wavers."""
    unique: dict[tuple[float, str], Hit] = {}
    for hit in hits:
        key = (round(hit.beat, 3), hit.sound)
        if key not in unique or unique[key].velocity < hit.velocity:
            unique[key] = hit
    ordered = sorted(unique.values(), key=lambda hit: (hit.beat, hit.sound))
    beat_s = 60.0 / plan.tempo
    hand = min(plan.style.hand_ms, 1.0) if kit in _MACHINES else plan.style.hand_ms
    done: list[Hit] = []
    for hit, human in zip(ordered, _unsteady(ordered, dice, hand), strict=True):
        shift = human + swing_shift(hit.beat, plan.style.swing_unit, plan.swing) * beat_s
        if hit.sound in BACKBEAT:
            shift += plan.style.late_ms / 1000.0
        shift = max(shift, -hit.beat * beat_s)
        if hit.beat + shift / beat_s > plan.form.total - 0.05:
            continue
        energy = plan.form.at(hit.beat).energy
        velocity = min(1.0, max(0.03, hit.velocity * (0.78 + 0.24 * energy)))
        duration = min(hit.duration, plan.form.total - hit.beat - shift / beat_s)
        done.append(Hit(hit.beat, hit.sound, velocity, shift, duration))
    return tuple(done)


def _unsteady(events: Sequence[Note] | Sequence[Hit], dice: Dice, hand_ms: float) -> list[float]:
    """A deviation in seconds per event; their mean is exactly zero, so that the tempo measured is the tempo asked."""
    if not events:
        return []
    offsets = [max(-_LONGEST_MS, min(_LONGEST_MS, dice.normal(hand_ms))) / 1000.0 for _ in events]
    mean = math.fsum(offsets) / len(offsets)
    return [offset - mean for offset in offsets]


def _sway(plan: Plan) -> Callable[[float], float]:
    """Rubato: a few milliseconds back and forth over each phrase of four bars, none at its ends."""
    if plan.style.genre != "classical" or plan.reading.loop:
        return lambda beat: 0.0
    turn = 2.0 * math.pi / (plan.beats_per_bar * 4.0)
    return lambda beat: 0.005 * math.sin(turn * beat)


def _cut(note: Note, duration: float) -> Note:
    return Note(note.beat, max(0.02, duration), note.pitch, note.velocity, note.shift_s, note.glide_from, note.accent)
