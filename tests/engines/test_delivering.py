"""Handing a take over: in tempo to the end, as long as was asked, stems with their mix."""

from __future__ import annotations

import numpy as np
import pytest
from rhythms import RATE, hits_off_s, loop

from nur_studio.audio.analysis import Analysis, analyse
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.core.contract import Contract, FarOff, TempoPlan, TempoStep, rolled_seed
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.core.sound import Audio
from nur_studio.engines.delivering import HandedOver, Listening, hand_over, kept_exact, listen


def handed(mix: Audio, contract: Contract, stems: dict[str, Audio] | None = None, **how: bool) -> HandedOver:
    listening = listen(mix, RATE, contract.tempo or 120, contract)
    return hand_over(mix, stems or {}, RATE, contract, listening, ignore_progress, CancelToken(), **how)


@pytest.mark.parametrize(("played", "asked"), [(119.4, 120), (124.7, 120), (91.3, 96)])
def test_a_take_is_in_its_tempo_to_the_end(played: float, asked: int) -> None:
    seconds = 30.0
    drums = loop(played, seconds + 2.0, "four on the floor")
    before = hits_off_s(drums, float(asked), 0.013)
    done = handed(drums, Contract(seconds, asked))
    ratio = done.told["ratio"]
    assert isinstance(ratio, float)
    assert abs(played / ratio / asked - 1.0) <= 0.0001, "0.05 % is asked"
    assert analyse(done.mix, RATE, near=asked).tempo == pytest.approx(asked, rel=0.0001)
    after = hits_off_s(done.mix[: round(27.5 * RATE)], float(asked), 0.013 * ratio)
    assert np.abs(before).max() > 0.02, "untouched, it leaves the grid"
    assert abs(np.median(after[-8:]) - np.median(after[:8])) <= 0.005
    assert np.abs(after - np.median(after)).max() <= 0.005
    assert true_peak_dbtp(done.mix) <= -1.0
    assert (done.tempo, done.tempo_exact, done.changed, done.note) == (asked, None, True, "")


def test_too_little_music_ends_with_a_fade_before_the_silence() -> None:
    drums = loop(110.0, 8.0, "four on the floor")
    done = handed(drums, Contract(8.0, 120, far_off=FarOff.STRETCH), {"drums": drums, "other": 0.0 * drums})
    assert {len(lane) for lane in (done.mix, *done.stems.values())} == {8 * RATE}
    music = round(8.0 * RATE * 110.0 / 120.0)
    assert np.all(done.mix[music + 50 :] == 0.0)
    assert np.abs(done.mix[music - 50 : music]).max() < 1e-3
    assert "Its last 0.7 s are silent" in done.note
    np.testing.assert_allclose(done.mix, sum(done.stems.values()), atol=1e-6)


def test_a_pickup_stays_where_there_is_too_little_to_cut_it_off() -> None:
    drums = loop(120.0, 8.0, "boom bap", start_s=0.5)
    contract = Contract(8.0, 120, bar_one=True)
    done = handed(drums, contract)
    moved_s = done.told["moved_s"]
    assert isinstance(moved_s, float)
    assert moved_s == pytest.approx(-1.5, abs=0.005)
    assert not done.mix[: round(1.49 * RATE)].any(), "silence, then a beat, then bar 2 of the file"
    assert np.abs(hits_off_s(done.mix[: 6 * RATE], 60.0, 1.0)).max() < 0.006


@pytest.mark.parametrize("seconds", [3.0, 0.9])
def test_a_loop_ended_early_has_the_whole_bars_there_are(seconds: float) -> None:
    drums = loop(120.0, seconds, "four on the floor", start_s=0.0)
    contract = Contract(8.0, 120, loop_bars=4)
    plan = TempoPlan(TempoStep.KEEP, 120.0, 120.0)
    listening = Listening(Analysis(120.0, 0.9, steady=True, beats=(0.0,), downbeat_s=0.0), plan)
    done = hand_over(drums, {}, RATE, contract, listening, ignore_progress, CancelToken())
    assert len(done.mix) == (2 * RATE if seconds == 3.0 else len(drums))
    loop_told = done.told.get("loop")
    assert (loop_told is None) == (seconds < 2.0)


def test_what_an_exact_engine_makes_is_only_scored() -> None:
    bar = loop(120.0, 4.0, "four on the floor", start_s=0.0)
    assert kept_exact(Contract(4.0, 120, exact=True), bar, RATE, 120) == {}
    told = kept_exact(Contract(4.0, 120, loop_bars=2, exact=True), bar, RATE, 120)["loop"]
    assert isinstance(told, dict)
    assert (told["bars"], told["seam"]) == (2, "composed")
    assert kept_exact(Contract(4.0, 120, loop_bars=2, exact=True), bar[:-9], RATE, 120) == {}, "ended early"


def test_it_says_what_it_does() -> None:
    seen: list[Progress] = []
    drums = loop(118.0, 6.5, "four on the floor")
    contract = Contract(6.0, 120)
    hand_over(drums, {}, RATE, contract, listen(drums, RATE, 120, contract), seen.append, CancelToken())
    assert [progress.stage for progress in seen] == ["bringing it to 120 BPM"] * 2 + ["finishing"]
    assert contract.spare_s == pytest.approx(0.18)
    assert Contract(6.0, None).spare_s == Contract(6.0, 120, exact=True).spare_s == 0.0


def test_seeds_of_rolls_follow_from_the_take() -> None:
    assert rolled_seed(7, 0) == 7
    seeds = {rolled_seed(seed, roll) for seed in range(50) for roll in range(1, 4)}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**32 for seed in seeds)
