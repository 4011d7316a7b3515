"""Stretching: to the frame, stems together, and on the beat to the end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from rhythms import RATE, loop

from nur_studio.audio.analysis import analyse
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.audio.stretch import Delivered, deliver_tempo, fitted, stretched
from nur_studio.core.contract import TempoStep, plan_tempo

Sound = NDArray[np.float32]


def band(seconds: float, bpm: float = 119.4) -> dict[str, Sound]:
    """Stems that share bands: drums, a bass on the kick, two chords whose partials lie close together."""
    time = np.arange(round(seconds * RATE)) / RATE
    pulse = np.exp(-4.0 * ((time - 0.013) * bpm / 60.0 % 1.0))
    chords = [
        sum(np.sin(2 * np.pi * hz * part * time) / part for hz in notes for part in range(1, 6))
        for notes in ((220.0, 277.2, 329.6), (221.5, 330.5, 440.7))
    ]
    other, vocals = (0.04 * chord * swell for chord, swell in zip(chords, (pulse, 1.0 - 0.5 * pulse), strict=True))
    bass = 0.2 * pulse * np.sin(2 * np.pi * 55 * time)
    sides = {"bass": (bass, bass), "other": (other, 0.3 * other), "vocals": (0.5 * vocals, vocals)}
    stems = {name: np.stack(pair, axis=1).astype(np.float32) for name, pair in sides.items()}
    return {"drums": 0.4 * loop(bpm, seconds, "four on the floor"), **stems}


def total(stems: dict[str, Sound]) -> Sound:
    return np.sum(list(stems.values()), axis=0, dtype=np.float32)


def level_db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def kicks_off_s(sound: Sound, bpm: float, first_s: float) -> NDArray[np.float64]:
    """How late each beat's hit is, found without any onset detector: where 3 ms of it first have some power."""
    mono = sound.mean(axis=1, dtype=np.float64)
    off = []
    for beat in range(1, int((len(mono) / RATE - 0.1 - first_s) * bpm / 60.0)):
        at = round((first_s + beat * 60.0 / bpm) * RATE)
        power = np.convolve(np.square(mono[at - 1323 : at + 1323]), np.ones(132), "valid")
        off.append((int(np.argmax(power > 0.25 * power.max())) - 1323 + 132) / RATE)
    return np.array(off)


@pytest.mark.parametrize(("played", "asked"), [(119.4, 120.0), (124.7, 120.0), (91.3, 96.0)])
def test_a_take_is_in_its_tempo_to_the_end(played: float, asked: float) -> None:
    seconds = 30.0
    drums = loop(played, seconds, "four on the floor")
    heard = analyse(drums, RATE, near=asked)
    plan = plan_tempo(asked, heard.tempo, heard.steady, seconds)
    assert plan.step is TempoStep.STRETCH
    done = deliver_tempo(drums, {}, RATE, plan)
    assert len(done.mix) == round(len(drums) * plan.ratio)
    assert abs(played * len(drums) / len(done.mix) / asked - 1.0) <= 0.0001, "by the count of frames, 0.05 % is asked"
    assert analyse(done.mix, RATE, near=asked).tempo == pytest.approx(asked, rel=0.0001)
    before, after = kicks_off_s(drums, asked, 0.013), kicks_off_s(done.mix, asked, 0.013 * plan.ratio)
    assert np.abs(before).max() > 0.02, "untouched, it leaves the grid"
    assert abs(np.median(after[-8:]) - np.median(after[:8])) <= 0.005
    assert np.abs(after - np.median(after)).max() <= 0.005
    assert true_peak_dbtp(done.mix) <= -1.0


@pytest.mark.parametrize("ratio", [0.945, 1.0, 1.06])
def test_stems_stay_aligned_and_sum_to_the_mix(ratio: float) -> None:
    stems = band(6.0)
    frames = round(6.0 * RATE * ratio)
    mix, lanes = stretched(total(stems), stems, RATE, frames)
    assert len(mix) == frames
    assert list(lanes) == list(stems)
    assert level_db(mix - total(lanes)) < level_db(mix) - 120.0
    for name, stem in stems.items():
        assert level_db(lanes[name]) == pytest.approx(level_db(stem), abs=1.0), name
    alone, _ = stretched(stems["drums"], {}, RATE, frames)
    if ratio != 1.0:
        one_by_one = sum(stretched(stem, {}, RATE, frames)[0] for stem in stems.values())
        assert level_db(mix - one_by_one) > level_db(mix) - 30.0, "which stretching them one by one does not give"
    together, apart = (kicks_off_s(drums, 119.4 / ratio, 0.013 * ratio) for drums in (lanes["drums"], alone))
    assert abs(np.median(together - apart)) <= 0.001, "drums are where they are without the others"
    assert np.abs(together - apart).max() <= 0.005


def test_what_is_in_the_mix_and_in_no_stem_stays_in_the_mix() -> None:
    stems = band(4.0)
    bell = np.zeros_like(stems["bass"])
    bell[:] = (0.1 * np.sin(2 * np.pi * 1234.0 * np.arange(len(bell)) / RATE))[:, None]
    mix, lanes = stretched(total(stems) + bell, stems, RATE, round(4.1 * RATE))
    left = (mix - total(lanes))[RATE:-RATE]
    assert level_db(left) == pytest.approx(level_db(bell), abs=0.5)
    spectrum = np.abs(np.fft.rfft(left[:RATE, 0] * np.hanning(RATE)))
    assert int(np.argmax(spectrum)) == pytest.approx(1234, abs=1), "the pitch is kept"


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(22050, 1, 5.0), (48000, 2, 3.0), (192000, 2, 1.0)])
def test_any_shape_of_sound_becomes_as_long_as_wanted(rate: int, channels: int, seconds: float) -> None:
    sound = loop(120.0, seconds, "boom bap", rate)[:, :channels]
    for frames in (len(sound) - 1, round(len(sound) * 0.9431), round(len(sound) * 1.0577)):
        mix, _ = stretched(sound, {}, rate, frames)
        assert mix.shape == (frames, channels)
        assert mix.dtype == np.float32
        assert np.isfinite(mix).all()


def test_it_is_as_long_as_was_asked_and_ends_like_music() -> None:
    stems = band(8.0, 124.0)
    mix = total(stems)
    for asked in (120.0, 128.0):  # longer, then shorter than the take
        plan = plan_tempo(asked, 124.0, True, 8.0)
        done = deliver_tempo(mix, stems, RATE, plan, frames=len(mix))
        assert {len(lane) for lane in (done.mix, *done.stems.values())} == {len(mix)}
        assert level_db(done.mix - total(done.stems)) < level_db(done.mix) - 120.0
        assert np.abs(done.mix[-1]).max() < 1e-4
        assert true_peak_dbtp(done.mix) <= -1.0
        assert all(true_peak_dbtp(stem) <= 0.01 for stem in done.stems.values())
        assert analyse(done.mix, RATE, near=asked).tempo == pytest.approx(asked, rel=0.0005)


def test_loud_stems_that_cancel_each_other_do_not_clip_either() -> None:
    tone = np.full((2 * RATE, 2), 0.9, np.float32)
    tone *= np.sin(2 * np.pi * 330 * np.arange(2 * RATE) / RATE)[:, None].astype(np.float32)
    stems = {"other": 1.5 * tone, "vocals": -1.4 * tone}
    done: Delivered = deliver_tempo(total(stems), stems, RATE, plan_tempo(120.0, 122.0, True, 2.0))
    assert max(true_peak_dbtp(stem) for stem in done.stems.values()) <= 0.05
    assert level_db(done.mix - total(done.stems)) < -100.0


def test_nothing_to_stretch_is_left_as_it_is() -> None:
    quiet = 0.3 * loop(120.0, 3.0, "boom bap")
    done = deliver_tempo(quiet, {"drums": quiet}, RATE, plan_tempo(120.0, 120.0, True, 3.0))
    assert np.array_equal(done.mix, quiet)
    assert np.array_equal(done.stems["drums"], quiet)
    empty, _ = stretched(np.zeros((0, 2), np.float32), {}, RATE, 0)
    assert empty.shape == (0, 2)


def test_fitting_cuts_with_a_fade_and_lengthens_with_silence() -> None:
    sound = np.ones((4 * RATE, 2), np.float32)
    cut = fitted(sound, 3 * RATE, RATE)
    assert len(cut) == 3 * RATE
    assert np.all(cut[: round(2.5 * RATE)] == 1.0)
    assert np.all(np.diff(cut[round(2.5 * RATE) :, 0]) <= 0.0)
    assert abs(cut[-1, 0]) < 1e-6
    longer = fitted(sound, 5 * RATE, RATE)
    assert len(longer) == 5 * RATE
    assert np.all(longer[4 * RATE :] == 0.0)
    assert np.abs(np.diff(longer[:, 0])).max() < 0.01
    assert fitted(sound, len(sound), RATE) is sound
    assert len(fitted(sound, 2, RATE)) == 2
