"""Tempo: exact where a beat is steady, None where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from rhythms import BEATLESS, PATTERNS, RATE, beatless, loop

from nur_studio.audio.tempo import measure_tempo


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("bpm", [60.0, 97.3, 128.0, 210.0])
def test_near_the_request_it_is_exact(pattern: str, bpm: float) -> None:
    sound = loop(bpm, 30, pattern)
    for asked in (bpm * 1.06, bpm * 0.94):
        reading = measure_tempo(sound, RATE, near=asked)
        assert reading is not None
        assert reading.tempo == pytest.approx(bpm, abs=0.05)
        assert 0.5 < reading.confidence <= 1.0


def test_a_tempo_that_is_not_there_is_not_read() -> None:
    # Asked 100, played 128: nothing of 128 lies within 8 % of 100, and it must not be said to be 100.
    reading = measure_tempo(loop(128.0, 30, "four on the floor"), RATE, near=100)
    assert reading is None or abs(reading.tempo - 100) > 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("bpm", [85.0, 97.3, 120.0, 140.0])
def test_without_a_request_it_is_right_but_for_the_octave(pattern: str, bpm: float) -> None:
    reading = measure_tempo(loop(bpm, 30, pattern), RATE)
    assert reading is not None
    octave = np.log2(reading.tempo / bpm)
    assert octave == pytest.approx(round(octave), abs=0.001)
    assert abs(octave) < 0.01 or bpm < 95, "where a beat is usual it is found itself"


def test_tempo_range_is_kept() -> None:
    reading = measure_tempo(loop(90.0, 30, "boom bap"), RATE, tempo_range=(60, 110))
    assert reading is not None
    assert reading.tempo == pytest.approx(90.0, abs=0.05)


@pytest.mark.parametrize("name", BEATLESS)
@pytest.mark.parametrize("seconds", [5, 20])
def test_what_does_not_beat_has_no_tempo(name: str, seconds: int) -> None:
    sound = beatless(name, seconds)
    for near in (None, 70.0, 120.0, 150.0):
        assert measure_tempo(sound, RATE, near=near) is None


def test_too_short_to_tell() -> None:
    assert measure_tempo(loop(120.0, 2.5, "four on the floor"), RATE, near=120) is None
    assert measure_tempo(np.zeros((0, 2), np.float32), RATE) is None
