"""Mixdown against the arithmetic of its strips."""

from __future__ import annotations

import numpy as np
import pytest

from nur_studio.audio.mixdown import mixdown
from nur_studio.core.mix import Channel, Mix

RANDOM = np.random.default_rng(4)
STEMS = {name: RANDOM.uniform(-0.4, 0.4, (5000, 2)).astype(np.float32) for name in ("drums", "bass", "vocals", "other")}


def test_default_strips_give_the_plain_sum() -> None:
    assert mixdown(STEMS, Mix()) == pytest.approx(sum(STEMS.values()), abs=1e-6)


def test_gain_pan_and_master() -> None:
    mix = Mix({"bass": Channel(gain_db=-6.0, pan=0.5), "other": Channel(mute=True)}, master_db=3.0)
    got = mixdown(STEMS, mix)
    rest = STEMS["drums"] + STEMS["vocals"]
    master, bass = 10 ** (3 / 20), 10 ** (-6 / 20)
    # Panned half right: the left side is halved, the right one stays.
    assert got[:, 0] == pytest.approx(master * (rest[:, 0] + 0.5 * bass * STEMS["bass"][:, 0]), abs=1e-5)
    assert got[:, 1] == pytest.approx(master * (rest[:, 1] + bass * STEMS["bass"][:, 1]), abs=1e-5)
    assert np.abs(got).max() > 1.0, "nothing is clipped here"


def test_solo_and_mute() -> None:
    solo = Mix({"drums": Channel(solo=True), "bass": Channel(solo=True, mute=True)})
    assert (mixdown(STEMS, solo) == STEMS["drums"]).all()
    assert not mixdown(STEMS, Mix({name: Channel(mute=True) for name in STEMS})).any()


def test_mono_sounds_from_both_sides_and_lengths_must_agree() -> None:
    mono = STEMS["bass"][:, :1]
    assert (mixdown({"bass": mono}, Mix()) == np.repeat(mono, 2, axis=1)).all()
    assert mixdown({}, Mix()).shape == (0, 2)
    with pytest.raises(ValueError, match="different lengths"):
        mixdown({"bass": mono, "drums": STEMS["drums"][:-1]}, Mix())


def test_stems_stay_as_they_were() -> None:
    before = {name: stem.copy() for name, stem in STEMS.items()}
    mixdown(STEMS, Mix(master_db=6.0))
    assert all((STEMS[name] == before[name]).all() for name in STEMS)
