"""Honest progress: it never falls, and the ETA follows the measured rate."""

import pytest

from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import CancelToken, EtaMeter, Progress, metered, ranged


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_steady_rate_gives_the_exact_time_left() -> None:
    clock = Clock()
    meter = EtaMeter(clock=clock)
    etas = []
    for step in range(1, 20):
        clock.now_s += 0.5
        etas.append(meter("x", step / 20).eta_s)
    assert etas == [pytest.approx((20 - step) * 0.5) for step in range(1, 20)]


def test_there_is_no_eta_before_something_was_measured() -> None:
    clock = Clock()
    meter = EtaMeter(clock=clock)
    assert meter("x", 0.0).eta_s is None
    clock.now_s += 0.1
    assert meter("x", 0.3).eta_s is None
    clock.now_s += 5.0
    assert EtaMeter(clock=clock)("x", 0.0).eta_s is None


def test_a_stage_that_slows_down_shows_soon() -> None:
    clock = Clock()
    meter = EtaMeter(clock=clock)
    fraction = 0.0
    for rate in (0.1, 0.01):
        for _ in range(40 if rate < 0.1 else 4):
            clock.now_s += 0.5
            fraction += rate * 0.5
            progress = meter("x", fraction)
    assert progress.eta_s == pytest.approx((1 - fraction) / 0.01, rel=0.1)


def test_it_never_falls_and_stays_within_one() -> None:
    meter = EtaMeter()
    shown = [meter("x", fraction).fraction for fraction in (0.1, 0.5, 0.3, 0.6, 1.7, 0.2)]
    assert shown == [0.1, 0.5, 0.5, 0.6, 1.0, 1.0]
    assert meter("x", 1.0) == Progress("x", 1.0, 0.0)


def test_a_part_takes_its_place_in_the_whole() -> None:
    seen: list[Progress] = []
    part = ranged(metered(seen.append), 0.5, 0.75)
    part(Progress("a", 0.0, 99.0))
    part(Progress("b", 1.0, 0.0))
    assert [(p.stage, p.fraction) for p in seen] == [("a", 0.5), ("b", 0.75)]
    assert seen[0].eta_s is None


def test_a_token_is_checked() -> None:
    token = CancelToken()
    token.check()
    assert not token.is_set()
    token.cancel()
    assert token.is_set()
    with pytest.raises(Cancelled):
        token.check()
