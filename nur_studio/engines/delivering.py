"""Inside the engine process: from a take as its engine made it to the take that was asked for.

Measured, brought to its tempo, begun at bar 1, ended or made to loop, and brought to level, in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nur_studio.audio.analysis import Analysis, analyse
from nur_studio.audio.bars import at_bar_one, cut_loop, plan_loop
from nur_studio.audio.finishing import fade_length_s, faded, levelled_lanes
from nur_studio.audio.seam import score_seam
from nur_studio.audio.stretch import stretched
from nur_studio.core.contract import (
    EXACT,
    EXACT_S,
    LITTLE_DRIFT,
    LITTLE_WANDER_S,
    MOST_STRETCH,
    Contract,
    FarOff,
    TempoPlan,
    TempoStep,
    plan_tempo,
)
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

_CORRECTED = 0.01  # of the tempo: a second reading further off than that is of something else
_ATTACK_S = 0.0015  # before a downbeat's onset: what is cut there leaves its attack whole
_NO_MUSIC_S = 0.05
_MIX = "mix"


@dataclass(frozen=True, slots=True)
class Listening:
    """What was heard in a take, and what is to be done about its tempo."""

    analysis: Analysis
    plan: TempoPlan

    @property
    def good(self) -> bool:
        """Whether it can be brought to its tempo without anybody hearing that."""
        return self.plan.step in (TempoStep.KEEP, TempoStep.STRETCH)

    @property
    def badness(self) -> tuple[bool, bool, float]:
        """Of two takes the one with less is nearer to what was asked."""
        return not self.good, self.plan.step is not TempoStep.ASK, abs(self.plan.ratio - 1.0)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A take as it is to be kept. `tempo` is 0 where none is claimed, `tempo_exact` there where it is no whole number.

    `told` is for the recipe (see `core.story`), `note` for people; `changed`: what the engine made is to be kept beside
    it.
    """

    mix: Audio
    stems: dict[str, Audio]
    tempo: int
    tempo_exact: float | None
    beat_offset_s: float
    note: str
    told: dict[str, object]
    changed: bool


def listen(mix: Audio, sample_rate: int, told: int, contract: Contract) -> Listening:
    """Measure a take near the tempo its engine was `told`."""
    near = float(contract.tempo or told)
    analysis = analyse(mix, sample_rate, near=near, beats_per_bar=contract.beats_per_bar)
    plan = plan_tempo(contract.tempo, analysis.tempo, analysis.steady or _wanders_little(analysis), contract.duration_s)
    return Listening(analysis, plan)


def hand_over(
    mix: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    contract: Contract,
    listening: Listening,
    on_progress: OnProgress,
    cancel: Cancel,
    *,
    as_made: bool = False,
) -> HandedOver:
    """`mix` and `stems` of what `listening` heard, handed over by `contract`; `as_made` neither stretches nor moves it.

    It lasts as long as was asked, to the frame, where it is long enough; ended early, it keeps what there is. True
    peaks are at or under −1 dBTP, stems sum to the mix. Raises `Cancelled`.
    """
    if contract.tempo is None:
        return _only_told(mix, stems, contract, listening)
    analysis, plan = listening.analysis, listening.plan
    early = len(mix) < round(contract.duration_s * sample_rate)
    far = plan.step is TempoStep.ASK
    lanes = dict(stems) or {_MIX: mix}
    ratio, passes = 1.0, 0
    if not as_made and (plan.step is TempoStep.STRETCH or (far and contract.far_off is FarOff.STRETCH)):
        on_progress(Progress(f"bringing it to {contract.tempo} BPM", 0.0))
        ratio, passes, mix, stems = _in_tempo(mix, stems, sample_rate, contract, plan, on_progress, cancel)
        lanes = dict(stems) or {_MIX: mix}
    cancel.check()
    on_progress(Progress("finishing", 0.7))
    left = as_made or (far and not passes)
    tempo, tempo_exact = _claimed(listening, contract, left)
    downbeat_s = analysis.downbeat_s * ratio if analysis.downbeat_s is not None and tempo else None
    bar_s = Grid(tempo_exact or tempo, contract.beats_per_bar).bar_s if tempo else 0.0
    moved_s = 0.0
    if contract.bar_one and downbeat_s is not None and not as_made:
        lanes, moved_s = _from_bar_one(lanes, sample_rate, downbeat_s, bar_s, contract, early)
        offset_s = 0.0
    else:
        offset_s = downbeat_s % bar_s if downbeat_s is not None else 0.0
    silent_s = max(0.0, contract.duration_s - len(_first(lanes)) / sample_rate) if not early else 0.0
    lanes, loop = _ended(lanes, sample_rate, contract, early)
    cancel.check()
    lanes = levelled_lanes(lanes, sample_rate, contract.master, loop=bool(loop))
    total: Audio = np.sum(list(lanes.values()), axis=0, dtype=np.float32)
    if loop:
        grid = Grid(float(contract.tempo), contract.beats_per_bar)
        loop["score"] = score_seam(total, sample_rate, grid).score
    notes = _notes(listening, contract, ratio, left)
    if silent_s > _NO_MUSIC_S:
        notes.append(f"Its last {silent_s:.1f} s are silent: in that tempo there was no more music.")
    told = _told(listening, contract) | {
        "ratio": ratio,
        "passes": passes,
        "bar_one": contract.bar_one and downbeat_s is not None and not as_made,
        "moved_s": round(moved_s, 4),
        "as_made": as_made,
        "note": " ".join(notes),
        "open": left and far and not as_made and contract.far_off is not FarOff.LEAVE,
    }
    return HandedOver(
        mix=total,
        stems=lanes if stems else {},
        tempo=tempo,
        tempo_exact=tempo_exact,
        beat_offset_s=offset_s,
        note=" ".join(notes),
        told=told | ({"loop": loop} if loop else {}),
        changed=bool(passes) or moved_s != 0.0 or far,
    )


def _only_told(mix: Audio, stems: Mapping[str, Audio], contract: Contract, listening: Listening) -> HandedOver:
    """A take that no tempo was asked of: it stays as it is, in whatever tempo is heard."""
    tempo, exact = _claimed(listening, contract, left=True)
    downbeat_s = listening.analysis.downbeat_s
    bar_s = Grid(exact, contract.beats_per_bar).bar_s if exact else 0.0
    offset_s = downbeat_s % bar_s if exact and downbeat_s is not None else 0.0
    return HandedOver(mix, dict(stems), tempo, exact, offset_s, "", _told(listening, contract), changed=False)


def _told(listening: Listening, contract: Contract) -> dict[str, object]:
    analysis, plan = listening.analysis, listening.plan
    return {
        "asked": contract.tempo,
        "measured": None if plan.measured is None else round(plan.measured, 4),
        "confidence": analysis.confidence,
        "steady": analysis.steady,
        "wander_s": round(analysis.wander_s, 4),
        "step": plan.step.value,
    }


def _first(lanes: Mapping[str, Audio]) -> Audio:
    return next(iter(lanes.values()))


def _wanders_little(analysis: Analysis) -> bool:
    return analysis.tempo is not None and analysis.wander_s <= LITTLE_WANDER_S and abs(analysis.drift) <= LITTLE_DRIFT


# -- tempo -------------------------------------------------------------------------------------------------------


def _in_tempo(
    mix: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    contract: Contract,
    plan: TempoPlan,
    on_progress: OnProgress,
    cancel: Cancel,
) -> tuple[float, int, Audio, dict[str, Audio]]:
    """The take stretched, heard again and, where a beat at its end is still off by more than is allowed, stretched once
    more from what it was: the ratio, how often, mix and stems.

    The two readings err by other chances, so then the mean of both is taken. Within what is allowed the first stays: a
    stretched sound is no better to measure than the one it was made of.
    """
    ratio = plan.ratio
    done, lanes = stretched(mix, stems, sample_rate, round(len(mix) * ratio))
    cancel.check()
    on_progress(Progress(f"bringing it to {contract.tempo} BPM", 0.4))
    again = analyse(done, sample_rate, near=contract.tempo, beats_per_bar=contract.beats_per_bar)
    rest = plan_tempo(contract.tempo, again.tempo, again.steady, contract.duration_s)
    off = abs(rest.ratio - 1.0)
    if rest.measured is None or off * contract.duration_s <= EXACT_S or off > _CORRECTED:
        return ratio, 1, done, lanes
    cancel.check()
    ratio *= (1.0 + rest.ratio) / 2.0
    done, lanes = stretched(mix, stems, sample_rate, round(len(mix) * ratio))
    return ratio, 2, done, lanes


def _claimed(listening: Listening, contract: Contract, left: bool) -> tuple[int, float | None]:
    """The tempo that can be said of it, 0 for none; exactly, where it is its own."""
    analysis, plan = listening.analysis, listening.plan
    if plan.step in (TempoStep.BEATLESS, TempoStep.DRIFTS) or plan.measured is None:
        return 0, None
    if contract.tempo is None:
        if not (analysis.steady or _wanders_little(analysis)):
            return 0, None
        return round(plan.measured), plan.measured
    if left and abs(plan.ratio - 1.0) > EXACT:
        return round(plan.measured), plan.measured
    return contract.tempo, None


def _notes(listening: Listening, contract: Contract, ratio: float, left: bool) -> list[str]:
    """What is to be known of its tempo."""
    analysis, plan = listening.analysis, listening.plan
    if contract.tempo is None:
        return []
    if plan.step is TempoStep.BEATLESS:
        return [f"No steady beat was heard: it was not brought to {contract.tempo} BPM, and no tempo is claimed."]
    measured = f"{plan.measured:.1f}"
    if plan.step is TempoStep.DRIFTS:
        return [
            f"Its beat wanders, around {measured} BPM: it was not brought to {contract.tempo} BPM, and no tempo is "
            "claimed."
        ]
    if left:
        return [f"{measured} BPM were heard instead of {contract.tempo}: the take was left as it is."]
    notes = []
    if abs(ratio - 1.0) > MOST_STRETCH:
        notes.append(
            f"{measured} BPM were heard instead of {contract.tempo}: it was stretched by {abs(ratio - 1.0):.0%}, "
            "which may be heard."
        )
    if not analysis.steady:
        notes.append(f"Its beat wanders by up to {1000 * analysis.wander_s:.0f} ms: {contract.tempo} BPM is its mean.")
    return notes


# -- bars and ends -----------------------------------------------------------------------------------------------


def _from_bar_one(
    lanes: dict[str, Audio], sample_rate: int, downbeat_s: float, bar_s: float, contract: Contract, early: bool
) -> tuple[dict[str, Audio], float]:
    """The lanes from their first downbeat on, and how many seconds were cut for it; less than none where there is too
    little music for that, so that a pickup stays, after silence.
    """
    first_s = max(0.0, downbeat_s - _ATTACK_S)
    frames = len(_first(lanes))
    if round(first_s * sample_rate) == 0:
        return lanes, 0.0
    if early or frames - round(first_s * sample_rate) >= round(contract.duration_s * sample_rate):
        return {name: at_bar_one(lane, sample_rate, first_s) for name, lane in lanes.items()}, first_s
    moved = {name: at_bar_one(lane, sample_rate, downbeat_s, bar_s) for name, lane in lanes.items()}
    return moved, (frames - len(_first(moved))) / sample_rate


def _ended(
    lanes: dict[str, Audio], sample_rate: int, contract: Contract, early: bool
) -> tuple[dict[str, Audio], dict[str, object]]:
    """The lanes in their length: as a loop, with what is to be told of it, or with an end."""
    frames = round(contract.duration_s * sample_rate)
    there = len(_first(lanes))
    if contract.loop_bars and contract.tempo is not None:
        grid = Grid(float(contract.tempo), contract.beats_per_bar)
        bars = min(contract.loop_bars, there // grid.bar_frames(1, sample_rate)) if early else contract.loop_bars
        if bars:
            missing = grid.bar_frames(bars, sample_rate) - there
            if missing > 0:
                lanes = {name: np.pad(lane, ((0, missing), (0, 0))) for name, lane in lanes.items()}
            total: Audio = np.sum(list(lanes.values()), axis=0, dtype=np.float32)
            plan = plan_loop(total, sample_rate, grid, 0, bars)
            looped = {name: cut_loop(lane, plan, sample_rate) for name, lane in lanes.items()}
            return looped, {"bars": bars, "seam": plan.seam.value}
    kept = min(frames, there)
    if contract.tempo is not None and not contract.loop_bars:
        bar_s = Grid(float(contract.tempo), contract.beats_per_bar).bar_s
        fade = round(fade_length_s(bar_s, kept / sample_rate) * sample_rate)
        lanes = {name: faded(lane[:kept], fade) for name, lane in lanes.items()}
    missing = 0 if early else frames - kept
    return {name: np.pad(lane[:kept], ((0, missing), (0, 0))) for name, lane in lanes.items()}, {}


def kept_exact(contract: Contract, mix: Audio, sample_rate: int, tempo: int) -> dict[str, object]:
    """What is to be told of a take whose engine keeps to the tempo by construction: the seam, where it is a loop."""
    if not contract.loop_bars or len(mix) != round(contract.duration_s * sample_rate):
        return {}
    score = score_seam(mix, sample_rate, Grid(float(tempo), contract.beats_per_bar)).score
    return {"loop": {"bars": contract.loop_bars, "seam": "composed", "score": score}}
