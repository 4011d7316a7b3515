"""Every instrument plays in tune, starts and stops without a click, and answers to velocity."""

from __future__ import annotations

import numpy as np
import pytest

from nur_studio.core.progress import CancelToken
from nur_studio.engines.sketch.score import INSTRUMENTS, Note, Part, Score
from nur_studio.engines.sketch.synth import levels, perform, strip
from nur_studio.engines.sketch.synth.inserts import insert, speaker
from nur_studio.engines.sketch.synth.tone import RATE, hz
from nur_studio.engines.sketch.synth.voices import VOICES

LOW = {
    "upright_bass", "sine_bass", "sub_bass", "bass_808", "finger_bass", "picked_bass", "slap_bass", "saw_bass",
    "acid_bass", "reese_bass", "octave_bass", "contrabass", "timpani", "drone", "cello", "drive_guitar",
}  # fmt: skip


def played(instrument: str, *notes: Note, seconds: float = 2.5) -> np.ndarray:
    """The notes at 60 BPM through the instrument's own effects, (frames, 2)."""
    part = Part("part", "other", instrument, notes)
    score = Score("t", "t", 60, 4, "C", seconds, 5, (), (part,))
    wave = perform.part_buffer(score, part, round(seconds * RATE), CancelToken())
    insert(instrument, wave, CancelToken())
    strip.brightened(wave, lambda at: np.full(len(at), 0.5), CancelToken(), speaker(instrument))
    return wave.T * levels.gain(instrument)


def cents_off(sound: np.ndarray, pitch: int) -> float:
    """How far the strongest of the first harmonics lies from where it should, by its energy's centre, in cents."""
    wave = sound.mean(axis=1)[2205 : 2205 + 48000]
    size = 1 << 19
    power = np.abs(np.fft.rfft(wave * np.hanning(wave.size), size)) ** 2
    frequency = np.fft.rfftfreq(size, 1.0 / RATE)
    best, off = 0.0, np.inf
    for harmonic in (1, 2, 3, 4):
        target = hz(pitch) * harmonic
        near = (frequency > target * 2 ** (-0.6 / 12)) & (frequency < target * 2 ** (0.6 / 12))
        if power[near].sum() > best:
            best = float(power[near].sum())
            off = 1200.0 * float(np.log2((power[near] * frequency[near]).sum() / power[near].sum() / target))
    assert best > 0.01 * power.sum(), "no harmonic of the note stands out"
    return off


def test_every_instrument_has_a_voice_and_a_level() -> None:
    assert set(VOICES) == set(INSTRUMENTS) == set(levels.GAINS_DB)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_instrument_is_in_tune_clean_and_ends(instrument: str) -> None:
    for pitch in (33, 45) if instrument in LOW else (55, 72):
        sound = played(instrument, Note(0.1, 1.2, pitch, 0.7), seconds=4.5)
        assert np.isfinite(sound).all()
        peak = float(np.abs(sound).max())
        assert 0.01 < peak < 1.5
        # A reese is three saws far apart, beating: its centre wanders.
        assert abs(cents_off(sound, pitch)) < (20.0 if instrument == "reese_bass" else 10.0)
        assert np.abs(sound.mean(axis=0)).max() < 10 ** (-50 / 20)
        # Nothing before the note, and silence by the end.
        assert np.abs(sound[: round(0.099 * RATE)]).max() < 1e-4 * peak
        assert np.abs(sound[-200:]).max() < 1e-3 * peak


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_letting_go_of_a_note_does_not_click(instrument: str) -> None:
    """Above the instrument's own harmonics there is no burst where the key goes up."""
    pitch = 40 if instrument in LOW else 67
    sound = played(instrument, Note(0.0, 1.0, pitch, 0.8), seconds=3.5).mean(axis=1)
    second_difference = np.abs(np.diff(sound, 2))
    sounding = second_difference[round(0.1 * RATE) : round(0.9 * RATE)].max()
    after = second_difference[round(0.95 * RATE) :].max()
    assert after < 2.5 * sounding + 1e-4


@pytest.mark.parametrize("instrument", ["rhodes", "piano", "brass", "saw_lead", "nylon_guitar", "violin", "acid_bass"])
def test_a_harder_stroke_is_louder_and_brighter(instrument: str) -> None:
    pitch = 40 if instrument in LOW else 60

    def brightness(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound.mean(axis=1)[:RATE])) ** 2
        return float(power[np.fft.rfftfreq(RATE, 1 / RATE) > 5.5 * hz(pitch)].sum() / power.sum())

    soft = played(instrument, Note(0.0, 1.0, pitch, 0.25))
    hard = played(instrument, Note(0.0, 1.0, pitch, 0.95))
    assert np.square(hard).sum() > 4.0 * np.square(soft).sum()
    assert brightness(hard) > 1.5 * brightness(soft)


@pytest.mark.parametrize("instrument", ["saw_lead", "square_lead", "chip", "hoover", "pluck", "stab"])
def test_high_notes_do_not_alias(instrument: str) -> None:
    """Between the harmonics of a high note there is nothing but the slopes of those harmonics."""
    pitch = 84
    sound = played(instrument, Note(0.0, 2.0, pitch, 0.9)).mean(axis=1)[4410 : 4410 + 65536]
    power = np.abs(np.fft.rfft(sound * np.blackman(sound.size))) ** 2
    ratio = np.fft.rfftfreq(sound.size, 1 / RATE) / hz(pitch)
    between = (np.abs(ratio - np.round(ratio)) > 0.35) & (ratio > 1.0)
    assert power[between].sum() < 10 ** (-55 / 10) * power.sum()


def test_a_lead_slides_from_the_note_before() -> None:
    slid = played("sine_lead", Note(0.0, 1.5, 72, 0.7, glide_from=60)).mean(axis=1)
    crossings = np.flatnonzero((slid[:-1] <= 0) & (slid[1:] > 0))
    early, late = np.diff(crossings)[1], np.diff(crossings)[100]
    assert early > 1.25 * late
    assert abs(RATE / late / hz(72) - 1.0) < 0.03


def test_repeated_notes_are_not_one_sample() -> None:
    first = played("nylon_guitar", Note(0.0, 0.5, 60, 0.7), Note(1.0, 0.5, 60, 0.7))
    one, two = first[: RATE // 2], first[RATE : RATE + RATE // 2]
    assert np.abs(one - two).max() > 0.02 * np.abs(one).max()
