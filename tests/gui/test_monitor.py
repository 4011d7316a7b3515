"""The listening volume changes what is heard and nothing that is shown."""

from __future__ import annotations

import math

import pytest

from nur_studio.audio.player_state import PlayerState
from nur_studio.core.mix import Channel, Mix
from nur_studio.gui.meters import CLIPS
from nur_studio.gui.monitor import Monitor

STATE = PlayerState(
    playing=True,
    peaks={"drums": (0.05, 0.025)},
    rms={"drums": (0.02, 0.01)},
    master_peaks=(0.1, 0.1),
    master_rms=(0.03, 0.03),
    momentary_lufs=-34.0,
    short_term_lufs=-35.0,
)


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def monitor(now: list[float]) -> Monitor:
    return Monitor(clock=lambda: now[0])


def test_at_full_volume_all_is_as_it_is(monitor: Monitor) -> None:
    mix = Mix({"drums": Channel(mute=True)}, master_db=-2.0)
    assert monitor.heard(mix) == mix
    assert monitor.measured(STATE) is STATE


def test_a_low_volume_is_not_seen_at_the_meters(monitor: Monitor, now: list[float]) -> None:
    monitor.set_volume(-20.0)
    now[0] += 10.0
    assert monitor.heard(Mix(master_db=-2.0)).master_db == -22.0
    state = monitor.measured(STATE)
    assert state.peaks["drums"] == pytest.approx((0.5, 0.25))
    assert state.rms["drums"] == pytest.approx((0.2, 0.1))
    assert state.master_peaks == pytest.approx((1.0, 1.0))
    assert state.master_rms == pytest.approx((0.3, 0.3))
    assert (state.momentary_lufs, state.short_term_lufs) == pytest.approx((-14.0, -15.0))
    assert state.master_peaks[0] <= CLIPS, "rounding lights no clip light"


def test_turning_it_down_shows_no_level_that_was_not_there(monitor: Monitor, now: list[float]) -> None:
    for volume_db in (-5.0, -20.0, -40.0):  # a drag, within the lag
        monitor.set_volume(volume_db)
        now[0] += 0.02
    assert monitor.measured(STATE).master_peaks == pytest.approx((0.1, 0.1)), "still of the volume before"
    now[0] += 0.3
    assert monitor.measured(STATE).master_peaks == pytest.approx((10.0, 10.0))


def test_a_loudness_that_looks_back_on_another_volume_is_not_claimed(monitor: Monitor, now: list[float]) -> None:
    monitor.set_volume(-20.0)
    now[0] += 0.3
    assert math.isnan(monitor.measured(STATE).momentary_lufs)
    now[0] += 0.5
    assert monitor.measured(STATE).momentary_lufs == pytest.approx(-14.0)
    assert math.isnan(monitor.measured(STATE).short_term_lufs)
    monitor.set_volume(0.0)
    now[0] += 0.3
    assert math.isnan(monitor.measured(STATE).momentary_lufs), "back at full volume as well"


def test_closed_it_is_silent_whatever_the_master(monitor: Monitor, now: list[float]) -> None:
    monitor.set_volume(-60.0)
    now[0] += 10.0
    assert monitor.heard(Mix(master_db=6.0)).gains("drums") == (0.0, 0.0)
    silent = PlayerState(playing=True)
    assert monitor.measured(silent).master_peaks == (0.0, 0.0)
    assert math.isnan(monitor.measured(silent).momentary_lufs)
