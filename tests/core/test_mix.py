"""Mute, solo, gain and pan as factors."""

import pytest

from nur_studio.core.mix import STEMS, Channel, Mix, to_linear


def test_an_untouched_mix_changes_nothing() -> None:
    assert [Mix().gains(stem) for stem in STEMS] == [(1.0, 1.0)] * 4


def test_mute_wins_over_solo_and_solo_silences_the_rest() -> None:
    mix = Mix({"drums": Channel(solo=True), "bass": Channel(solo=True, mute=True)})
    assert [mix.audible(stem) for stem in STEMS] == [True, False, False, False]
    assert mix.gains("other") == (0.0, 0.0)


def test_gain_master_and_pan() -> None:
    mix = Mix({"bass": Channel(gain_db=-6.0, pan=0.5)}, master_db=-6.0)
    left, right = mix.gains("bass")
    assert right == pytest.approx(10 ** (-12 / 20))
    assert left == pytest.approx(right / 2)
    assert mix.gains("drums") == pytest.approx((10 ** (-6 / 20),) * 2)
    assert Mix({"x": Channel(pan=-1.0)}).gains("x") == (1.0, 0.0)


def test_a_closed_fader_is_silence() -> None:
    assert to_linear(-60.0) == to_linear(-90.0) == 0.0
    assert to_linear(-59.9) > 0.0
    assert Mix(master_db=-60.0).gains("drums") == (0.0, 0.0)


def test_a_channel_is_replaced_in_a_copy() -> None:
    mix = Mix()
    changed = mix.with_channel("drums", Channel(mute=True))
    assert (mix.audible("drums"), changed.audible("drums")) == (True, False)
    assert mix == Mix()


def test_a_minus_one_mutes_and_keeps_the_rest_as_it_is() -> None:
    mix = Mix({"drums": Channel(-3.0, 0.5), "bass": Channel(1.0)}, -2.0)
    without = mix.without("drums", "vocals")
    assert without.gains("drums") == without.gains("vocals") == (0.0, 0.0)
    assert without.gains("bass") == mix.gains("bass")
    assert without.channel("drums") == Channel(-3.0, 0.5, mute=True)


def test_solo_only_is_a_switch_between_one_and_all() -> None:
    mix = Mix({"drums": Channel(solo=True, gain_db=-3.0), "bass": Channel(solo=True)})
    alone = mix.solo_only("bass")
    assert {name for name, strip in alone.channels.items() if strip.solo} == {"bass"}
    assert alone.channel("drums").gain_db == -3.0
    assert not any(strip.solo for strip in alone.solo_only("bass").channels.values())


def test_unmuted_and_unsoloed_leave_the_rest_of_a_strip() -> None:
    mix = Mix({"drums": Channel(-3.0, 0.5, mute=True, solo=True)})
    assert mix.unmuted().channel("drums") == Channel(-3.0, 0.5, solo=True)
    assert mix.unsoloed().channel("drums") == Channel(-3.0, 0.5, mute=True)


def test_a_solo_of_a_stem_that_is_no_more_silences_nothing() -> None:
    mix = Mix({"other": Channel(solo=True), "drums": Channel(), "bass": Channel(pan=0.5)}, master_db=-1.0)
    assert not mix.audible("guitar")
    kept = mix.within(("drums", "bass", "guitar"))
    assert kept == Mix({"bass": Channel(pan=0.5)}, master_db=-1.0)
    assert kept.audible("guitar")
