"""The last touch: one curve for all lanes, a loop brought to level between its own ends."""

from __future__ import annotations

import numpy as np
from rhythms import RATE, loop

from nur_studio.audio.finishing import levelled_lanes
from nur_studio.audio.loudness import true_peak_dbtp


def test_loud_stems_that_cancel_each_other_do_not_clip_either() -> None:
    tone = np.full((2 * RATE, 2), 0.9, np.float32)
    tone *= np.sin(2 * np.pi * 330 * np.arange(2 * RATE) / RATE)[:, None].astype(np.float32)
    stems = {"other": 1.5 * tone, "vocals": -1.4 * tone}
    for to_target in (True, False):
        done = levelled_lanes(stems, RATE, to_target)
        assert max(true_peak_dbtp(stem) for stem in done.values()) <= 0.05
        total, before = done["other"] + done["vocals"], stems["other"] + stems["vocals"]
        gain = float(np.abs(total[RATE]).max() / np.abs(before[RATE]).max())
        np.testing.assert_allclose(total[RATE : RATE + 99], gain * before[RATE : RATE + 99], atol=1e-3)


def test_a_loop_is_levelled_round_its_seam() -> None:
    """Its first hit is limited while its end still plays, and the other way round: the gain is one at both ends."""
    beat = 2.5 * loop(120.0, 4.0, "four on the floor", start_s=0.0)
    steady = np.full_like(beat, 0.1)
    done = levelled_lanes({"drums": beat, "other": steady}, RATE, False, loop=True)
    gain = done["other"][:, 0] / steady[:, 0]
    assert abs(20 * np.log10(gain[0] / gain[-1])) < 0.2
    plain = levelled_lanes({"drums": beat, "other": steady}, RATE, False)["other"][:, 0] / steady[:, 0]
    assert abs(20 * np.log10(plain[0] / plain[-1])) > 1.0
    mix = done["drums"] + done["other"]
    assert len(mix) == len(beat)
    assert true_peak_dbtp(mix) <= -0.9
