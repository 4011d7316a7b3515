"""The tempo contract: keep what is exact, stretch what is nearly, ask about the rest."""

from __future__ import annotations

import pytest

from nur_studio.core.contract import TempoStep, plan_tempo


@pytest.mark.parametrize(
    ("measured", "steady", "step"),
    [
        (120.0, True, TempoStep.KEEP),
        (120.019, True, TempoStep.KEEP),  # 0.016 %: 4.8 ms over 30 s
        (120.03, True, TempoStep.STRETCH),  # 0.025 %, but 7.5 ms
        (119.4, True, TempoStep.STRETCH),
        (127.1, True, TempoStep.STRETCH),
        (112.9, True, TempoStep.STRETCH),
        (127.3, True, TempoStep.ASK),
        (112.7, True, TempoStep.ASK),
        (119.4, False, TempoStep.DRIFTS),
        (None, False, TempoStep.BEATLESS),
    ],
)
def test_what_is_to_be_done_about_a_take_of_half_a_minute(
    measured: float | None, steady: bool, step: TempoStep
) -> None:
    plan = plan_tempo(120.0, measured, steady, 30.0)
    assert plan.step is step
    assert (plan.asked, plan.measured) == (120.0, measured)
    assert plan.ratio == (1.0 if measured is None else pytest.approx(measured / 120.0))


def test_what_is_exact_for_ten_seconds_is_not_for_five_minutes() -> None:
    assert plan_tempo(100.0, 100.04, True, 10.0).step is TempoStep.KEEP
    assert plan_tempo(100.0, 100.04, True, 300.0).step is TempoStep.STRETCH


@pytest.mark.parametrize(
    ("asked", "measured", "counted"), [(120.0, 59.7, 119.4), (70.0, 141.0, 70.5), (90.0, 91.0, 91.0)]
)
def test_half_and_double_are_the_same_beat(asked: float, measured: float, counted: float) -> None:
    plan = plan_tempo(asked, measured, True, 30.0)
    assert plan.step is TempoStep.STRETCH
    assert plan.measured == pytest.approx(counted)


def test_where_nothing_was_asked_nothing_is_done() -> None:
    assert plan_tempo(None, 93.7, True, 30.0).step is TempoStep.KEEP
    assert plan_tempo(None, None, False, 30.0).ratio == 1.0
