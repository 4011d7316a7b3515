"""Every sound of every kit is heard, starts on time, ends in silence; no two hits are the same."""

from __future__ import annotations

import numpy as np
import pytest

from nur_studio.core.progress import CancelToken
from nur_studio.engines.sketch.score import KITS, SOUNDS, Hit, Part, Score
from nur_studio.engines.sketch.synth import drums, perform
from nur_studio.engines.sketch.synth.tone import RATE

ALIKE = {
    "conga_low", "conga_high", "bongo_low", "bongo_high", "clave", "woodblock", "tick", "boom", "riser", "brush_sweep",
    "rumble", "shaker", "tambourine", "snap", "taiko",
}  # fmt: skip


def hits_played(kit: str, *hits: Hit, tempo: int = 97, seconds: float = 4.0) -> np.ndarray:
    part = Part("drums", "drums", kit, hits=hits)
    score = Score("t", "t", tempo, 4, "C", seconds, 3, (), (part,))
    return perform.part_buffer(score, part, round(seconds * RATE), CancelToken())


@pytest.mark.parametrize("kit", KITS)
def test_every_sound_of_a_kit_is_heard_and_clean(kit: str) -> None:
    assert set(SOUNDS) == set(drums.PLACES)
    # What a kit leaves alone is tried with the kit that treats everything (grit and a low-pass) and with a clean one.
    for sound in SOUNDS if kit in ("dusty", "pop") else sorted(set(SOUNDS) - ALIKE):
        wave = drums.strike(kit, sound, 0.8, 0.7, 1)
        assert np.isfinite(wave).all(), sound
        assert abs(np.abs(wave).max() - 1.0) < 1e-5, sound
        assert np.abs(wave[..., -1]).max() < 1e-3, sound
        assert np.abs(wave[..., 0]).max() < 0.02, sound
        assert np.abs(wave.mean(axis=-1)).max() < 10 ** (-40 / 20), sound


@pytest.mark.parametrize(
    "sound", ["kick", "snare", "rim", "clap", "hat", "ride", "crash", "tom_low", "conga_high", "tick"]
)
def test_hits_start_on_the_sample_of_their_beat(sound: str) -> None:
    beat, shift = 1.37, 0.013
    wave = hits_played("pop", Hit(beat, sound, 0.9, shift))
    due = round((beat * 60 / 97 + shift) * RATE)
    loud = np.flatnonzero(np.abs(wave).max(axis=0) > 1e-3 * np.abs(wave).max())
    assert due <= loud[0] <= due + RATE // 1000
    assert not wave[:, :due].any()


def test_risers_end_where_their_duration_ends() -> None:
    for sound in ("riser", "reverse_crash"):
        wave = hits_played("pop", Hit(1.0, sound, 0.9, duration=3.0), tempo=120)
        due = round(4.0 * 0.5 * RATE)
        heard = np.flatnonzero(np.abs(wave).max(axis=0) > 1e-4)
        assert due - 600 < heard[-1] <= due
        assert (
            np.abs(wave[:, due - 8000 : due]).max() > 3 * np.abs(wave[:, round(0.55 * RATE) : round(0.7 * RATE)]).max()
        )


def test_a_closed_hat_chokes_an_open_one() -> None:
    open_ = hits_played("rock", Hit(0.0, "hat_open", 0.9))
    choked = hits_played("rock", Hit(0.0, "hat_open", 0.9), Hit(0.25, "hat", 0.01))
    late = slice(round(0.25 * 60 / 97 * RATE) + 1000, RATE)
    assert np.abs(choked[:, late]).max() < 0.05 * np.abs(open_[:, late]).max()


def test_repeated_hits_differ() -> None:
    wave = hits_played("funk", *(Hit(float(beat), "snare", 0.7) for beat in range(4)), tempo=60)
    one, two = wave[0, : RATE // 2], wave[0, RATE : RATE + RATE // 2]
    assert np.abs(one - two).max() > 0.05 * np.abs(one).max()


def test_kits_are_voiced_differently() -> None:
    for sound in ("kick", "snare", "hat"):
        spectra = {}
        for kit in KITS:
            wave = drums.strike(kit, sound, 0.8, 0.5, 0)
            mono = wave if wave.ndim == 1 else wave.mean(axis=0)
            power = np.abs(np.fft.rfft(mono, 1 << 15)) ** 2
            spectra[kit] = power / power.sum()
        names = list(spectra)
        for index, one in enumerate(names):
            for other in names[index + 1 :]:
                if {one, other} <= {"latin", "folk"} and sound == "snare":
                    continue
                assert np.abs(spectra[one] - spectra[other]).sum() > 0.02, (sound, one, other)
