"""Stretching: to the frame, stems together, and on the beat to the end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from rhythms import RATE, hits_off_s, loop

from nur_studio.audio.stretch import stretched

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
    together, apart = (hits_off_s(drums, 119.4 / ratio, 0.013 * ratio) for drums in (lanes["drums"], alone))
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


def test_nothing_to_stretch_is_left_as_it_is() -> None:
    quiet = 0.3 * loop(120.0, 3.0, "boom bap")
    mix, lanes = stretched(quiet, {"drums": quiet}, RATE, len(quiet))
    assert mix is quiet
    assert lanes["drums"] is quiet
    empty, _ = stretched(np.zeros((0, 2), np.float32), {}, RATE, 0)
    assert empty.shape == (0, 2)
