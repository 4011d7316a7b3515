"""Lengths in seconds and in bars: exact, and within what music may last."""

from __future__ import annotations

import pytest

from nur_studio.core.controls import Controls
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.length import bars_of, length_s
from nur_studio.core.request import GenerationRequest
from nur_studio.core.timing import Grid

LOOP = Controls(loop=True)


def test_seconds_are_what_they_were() -> None:
    assert (length_s(GenerationRequest("x"), 87, 4), bars_of(GenerationRequest("x"), 87, 4)) == (30.0, None)


@pytest.mark.parametrize(("bars", "tempo", "beats"), [(8, 123, 4), (3, 97, 3), (64, 220, 4), (1, 40, 4)])
def test_bars_are_exact_to_the_frame(bars: int, tempo: int, beats: int) -> None:
    request = GenerationRequest("x", bars=bars)
    request.validate()
    for rate in (44100, 48000):
        frames = round(bars * beats * 60 / tempo * rate)
        assert round(length_s(request, tempo, beats) * rate) == frames == Grid(tempo, beats).bar_frames(bars, rate)


@pytest.mark.parametrize(
    ("request_", "tempo", "words"),
    [
        (GenerationRequest("x", bars=2), 120, "bars must be 3 to 64 at 120 BPM, where a bar has 4 beats and lasts 2 s"),
        (GenerationRequest("x", bars=64), 40, "bars must be 1 to 50 at 40 BPM"),
        (GenerationRequest("x", 200, controls=LOOP), 130, "duration must be at most 118 for a loop, of up to 64 bars"),
    ],
)
def test_what_music_may_not_last_is_said(request_: GenerationRequest, tempo: int, words: str) -> None:
    for length in (length_s, bars_of):
        with pytest.raises(InvalidRequest, match=words):
            length(request_, tempo, 4)


def test_a_loop_in_seconds_has_as_many_whole_bars_as_there_is_room_for() -> None:
    assert bars_of(GenerationRequest("x", 30, controls=LOOP), 85, 4) == 10
    assert bars_of(GenerationRequest("x", 5, controls=LOOP), 130, 4) == 3, "two would be too short"
    assert length_s(GenerationRequest("x", 30, controls=LOOP), 120, 4) == 30.0


@pytest.mark.parametrize("bars", [0, 65, 4.0, True, "4"])
def test_bars_have_a_range(bars: object) -> None:
    faults = list(GenerationRequest("x", bars=bars).faults())  # type: ignore[arg-type]
    assert [fault.field for fault in faults] == ["bars"]
