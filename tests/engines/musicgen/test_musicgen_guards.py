"""What nobody would keep is caught; music, with its pauses, breaks and refrains, is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes, MusicTask, Unheard
from nur_studio.engines.musicgen.guards import History, Verdict, judge, repeated_share
from nur_studio.engines.sketch.engine import sketch

RATE = 32000
WINDOW_S = 10


def codes(seconds: float = WINDOW_S, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 2048, (4, round(seconds * 50)), dtype=np.int16)


def beat(seconds: float = WINDOW_S, level: float = 0.3) -> Audio:
    """Clicks twice a second over a quiet tone."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(1).uniform(-1, 1, len(time_s))
    sound = level * noise * np.exp(-60 * (time_s % 0.5)) + 0.02 * np.sin(2 * np.pi * 220 * time_s)
    return sound[:, None].astype(np.float32)


def history(*sounds: Audio) -> History:
    known = History()
    for number, sound in enumerate(sounds):
        known.add(judge(sound, RATE, codes(seed=number), known))
    return known


def faults(sound: Audio, tokens: Codes | None = None, before: History | None = None) -> tuple[str, ...]:
    return judge(sound, RATE, codes(seed=9) if tokens is None else tokens, before or History()).faults


def test_a_steady_beat_passes() -> None:
    assert faults(beat(), before=history(beat(), beat())) == ()


def test_silence_is_caught_even_at_the_start() -> None:
    quiet = beat() * np.float32(1e-4)
    assert faults(quiet) == ("silence",)
    half = beat()
    half[3 * RATE :] = 0.0
    assert "silence" in faults(half)
    pause = beat()
    pause[7 * RATE :] = 0.0
    assert faults(pause) == ()


def test_creeping_level_is_caught_and_a_loud_chorus_is_not() -> None:
    known = history(beat(level=0.1))
    assert faults(beat(level=0.1) * np.float32(2.0), before=known) == ()
    assert faults(beat(level=0.1) * np.float32(4.0), before=known) == ("level creep",)


def test_a_lost_beat_is_caught_where_there_was_one() -> None:
    time_s = np.arange(WINDOW_S * RATE) / RATE
    drone = (0.1 * np.sin(2 * np.pi * 220 * time_s))[:, None].astype(np.float32)
    assert faults(drone, before=history(beat(), beat())) == ("lost onsets",)
    assert faults(drone, before=history(drone, drone)) == ()


def test_tokens_that_repeat_verbatim_are_caught() -> None:
    phrase = codes(2.0)
    stuck = np.tile(phrase, 5)
    assert repeated_share(stuck) == 1.0
    assert faults(beat(), stuck) == ("verbatim repetition",)
    varied = stuck.copy()
    places = np.random.default_rng(3).random(varied.shape) < 0.3  # a refrain: alike, never the same
    varied[places] = codes(seed=4)[places]
    assert faults(beat(), varied) == ()


def test_a_part_too_short_to_judge_passes() -> None:
    assert judge(np.zeros((RATE, 1), np.float32), RATE, codes(1.0), History()) == Verdict((), {})


@pytest.mark.parametrize(
    "prompt",
    [
        "deep house with a long breakdown, 122 bpm",
        "ambient pads with rain",
        "sad solo piano",
        "drum and bass at 174 bpm",
        "string quartet",
        "epic cinematic rise with taiko",
    ],
)
def test_real_music_passes_window_by_window(prompt: str) -> None:
    task = MusicTask(prompt, 48.0, 0, 3, read_prompt(prompt))
    task = replace(task, tempo=task.reading.tempo)
    music = sketch().generate(task, ignore_progress, Unheard(), CancelToken())
    known = History()
    size = 12 * music.sample_rate
    for number in range(4):
        sound = music.mix[number * size : (number + 1) * size]
        verdict = judge(sound, music.sample_rate, codes(12.0, seed=number), known)
        assert verdict.faults == (), (prompt, number, verdict.measures, known)
        known.add(verdict)
