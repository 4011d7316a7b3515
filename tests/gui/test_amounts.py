"""Sizes and times in words."""

from __future__ import annotations

import pytest

from nur_studio.gui.amounts import duration, size, time_left


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 KB"),
        (12, "1 KB"),
        (812_000_000, "812 MB"),
        (999_600_000, "1.0 GB"),
        (2_410_000_000, "2.4 GB"),
        (9_960_000_000, "10 GB"),
        (128_400_000_000, "128 GB"),
    ],
)
def test_sizes(amount: int, words: str) -> None:
    assert size(amount) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.02, "0.1 s"), (1.0, "1 s"), (4.2, "4.2 s"), (42.4, "42 s"), (240, "4 min"), (5400, "1.5 h"), (7200, "2 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(-1, "0:00"), (7.2, "0:07"), (187, "3:07"), (3900, "1 h 05 min")])
def test_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words
