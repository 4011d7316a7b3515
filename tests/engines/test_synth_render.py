"""Whole renders: length, sum law, loudness, determinism, cancel, loops, mono lows."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.core.errors import Cancelled
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.core.sound import Audio
from nur_studio.engines.sketch.score import Finish, Hit, Note, Part, Score, Texture
from nur_studio.engines.sketch.synth import perform, render
from nur_studio.engines.sketch.synth.tone import RATE


def band_score(duration_s: float = 9.3, *, loop: bool = False, textures: tuple[Texture, ...] = ()) -> Score:
    """A small band in which every road through the desk is used."""
    bars = range(int(duration_s * 100 / 60 / 4))
    hits = tuple(
        hit
        for bar in bars
        for beat in range(4)
        for hit in (
            Hit(bar * 4 + beat, "kick" if beat % 2 == 0 else "snare", 0.9),
            Hit(bar * 4 + beat, "hat", 0.6),
            Hit(bar * 4 + beat + 0.5, "hat_open", 0.5, 0.004),
        )
    )
    bass = tuple(Note(bar * 4 + step, 0.8, 36 + bar % 3, 0.8) for bar in bars for step in range(4))
    chords = tuple(Note(bar * 4, 3.6, pitch + bar % 3, 0.6) for bar in bars for pitch in (60, 64, 67, 71))
    lead = tuple(Note(bar * 4 + 1.5, 1.5, 76 + bar % 4, 0.7, glide_from=72) for bar in bars)
    choir = tuple(Note(bar * 4, 3.5, pitch, 0.6) for bar in bars for pitch in (64, 67))
    parts = (
        Part("drums", "drums", "pop", hits=hits, room=0.2),
        Part("bass", "bass", "saw_bass", bass, duck=0.5, drive=0.2),
        Part("keys", "other", "rhodes", chords, room=0.2, wobble=0.5, pan=-0.2),
        Part("pad", "other", "saw_pad", chords, hall=0.4, duck=0.6, brightness=((0.0, 0.2), (8.0, 0.8)), width=0.9),
        Part("lead", "other", "saw_lead", lead, delay=0.4, hall=0.2),
        Part("choir", "vocals", "choir", choir, hall=0.4),
    )
    finish = Finish(loop=loop, low_pass_hz=12000.0)
    return Score("t", "t", 100, 4, "C", duration_s, 99, (), parts, textures, finish)


def rendered(score: Score) -> dict[str, Audio]:
    return render(score, ignore_progress, lambda audio, rate: None, CancelToken())


def total(stems: dict[str, Audio]) -> Audio:
    mix = np.zeros_like(stems["drums"])
    for stem in STEMS:
        mix += stems[stem]
    return mix


def test_a_render_is_whole_and_mastered() -> None:
    score = band_score(textures=(Texture("vinyl_crackle"),))
    heard: list[Audio] = []
    steps: list[Progress] = []
    stems = render(score, steps.append, lambda audio, rate: heard.append(audio), CancelToken())
    mix = total(stems)
    assert list(stems) == list(STEMS)
    for stem in stems.values():
        assert stem.dtype == np.float32
        assert stem.shape == (round(9.3 * RATE), 2)
        assert np.isfinite(stem).all()
        assert np.abs(stem).max() <= 1.0
        assert np.abs(stem).max() > 0.01
        assert np.abs(stem.mean(axis=0)).max() < 10 ** (-50 / 20)
    assert np.array_equal(np.concatenate(heard), mix)
    assert abs(integrated_lufs(mix, RATE) + 14.0) < 1.0
    assert true_peak_dbtp(mix) <= -1.0
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"playing drums", "mixing", "mastering"} <= {step.stage for step in steps}
    assert np.abs(mix[-20:]).max() < 1e-3, "the end is cut"


def test_the_same_score_gives_the_same_samples() -> None:
    score = band_score(5.0, textures=(Texture("rain"),))
    warm = rendered(score)
    again = rendered(score)
    perform.CACHE.clear()
    cold = rendered(score)
    for stem in STEMS:
        assert np.array_equal(warm[stem], again[stem])
        assert np.array_equal(warm[stem], cold[stem])


def test_another_seed_plays_otherwise() -> None:
    one, other = rendered(band_score(5.0)), rendered(replace(band_score(5.0), seed=100))
    assert not np.array_equal(one["drums"], other["drums"])


def test_nothing_low_is_in_the_sides() -> None:
    for stem in rendered(band_score()).values():
        side, middle = stem[:, 0] - stem[:, 1], stem[:, 0] + stem[:, 1]
        lows = signal.butter(4, 80.0, "lowpass", fs=RATE, output="sos")
        side_low = np.square(signal.sosfilt(lows, side)).mean()
        assert side_low < 1e-4 * np.square(middle).mean() + 1e-9


def test_a_cancelled_render_stops_at_once() -> None:
    perform.CACHE.clear()
    token = CancelToken()
    asked: list[float] = []

    def cancel() -> None:
        asked.append(time.monotonic())
        token.cancel()

    timer = threading.Timer(0.4, cancel)
    timer.start()
    with pytest.raises(Cancelled):
        render(band_score(200.0), ignore_progress, lambda audio, rate: None, token)
    assert time.monotonic() - asked[0] < 1.5
    timer.join()


def test_a_loop_runs_into_itself() -> None:
    score = Score(
        "t", "t", 120, 4, "C", 8.0, 4, (),
        (
            Part("bell", "other", "bell", (Note(15.0, 0.9, 72, 0.8),), hall=0.5),
            Part("pulse", "bass", "sine_bass", tuple(Note(float(beat), 0.7, 36, 0.8) for beat in range(16))),
        ),
        finish=Finish(loop=True),
    )  # fmt: skip
    stems = rendered(score)
    bell = stems["other"]
    assert bell.shape == (8 * RATE, 2)
    # The bell is struck half a second before the end: its ring and hall are at the start.
    assert np.abs(bell[: RATE // 2]).max() > 0.02 * np.abs(bell).max()
    seam = np.concatenate([total(stems)[-2000:], total(stems)[:2000]])
    steps = np.abs(np.diff(seam, axis=0)).max(axis=1)
    assert steps[1999] < 2.0 * np.percentile(steps, 99)


def test_sparse_and_empty_scores() -> None:
    note = Part("piano", "other", "piano", tuple(Note(beat * 2.0, 1.8, 60 + beat, 0.4) for beat in range(5)), hall=0.2)
    stems = rendered(Score("t", "t", 60, 4, "C", 12.0, 1, (), (note,)))
    assert abs(integrated_lufs(total(stems), RATE) + 14.0) < 1.0
    assert true_peak_dbtp(total(stems)) <= -1.0
    assert not stems["drums"].any()
    silent = rendered(Score("t", "t", 60, 4, "C", 5.0, 1, (), ()))
    assert all(stem.shape == (5 * RATE, 2) and not stem.any() for stem in silent.values())


@pytest.mark.parametrize("kind", ["vinyl_crackle", "tape_hiss", "rain", "wind", "waves", "fire", "night"])
def test_textures_sound_and_fade(kind: str) -> None:
    from nur_studio.engines.sketch.synth.textures import texture

    wave = texture(kind, 8 * RATE, 3, False)
    assert np.isfinite(wave).all()
    level = np.sqrt(np.square(wave[:, RATE * 2 : RATE * 6]).mean())
    assert 1e-4 < level < 0.3
    assert np.abs(wave[:, :50]).max() < 0.1 * np.abs(wave).max()
    assert np.abs(wave[:, -50:]).max() < 0.1 * np.abs(wave).max()
    looped = texture(kind, 4 * RATE, 3, True)
    assert looped.shape == (2, 4 * RATE)


def test_the_tone_control_is_causal_and_opens() -> None:
    from nur_studio.engines.sketch.synth.strip import brightened

    def through(level: float) -> np.ndarray:
        wave = np.zeros((2, RATE), dtype=np.float32)
        wave[:, 10000] = 1.0
        brightened(wave, lambda frame: np.full(len(frame), level), CancelToken())
        return wave[0]

    dark, open_ = through(0.2), through(0.8)
    assert np.abs(dark[:9999]).max() < 1e-4
    spectrum_dark, spectrum_open = np.abs(np.fft.rfft(dark)), np.abs(np.fft.rfft(open_))
    assert spectrum_dark[8000] < 0.1 < 0.9 < spectrum_dark[100]
    assert spectrum_open[10000] > 1.5


def test_threads_do_not_change_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    score = band_score(4.0, textures=(Texture("vinyl_crackle"),))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = rendered(score)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    perform.CACHE.clear()
    together = rendered(score)
    for stem in STEMS:
        assert np.array_equal(alone[stem], together[stem])


def test_wide_pads_survive_one_loudspeaker() -> None:
    chord = tuple(Note(beat, 3.9, pitch, 0.6) for beat in (0.0, 4.0) for pitch in (52, 59, 64, 68))
    for instrument in ("warm_pad", "air_pad", "strings", "choir"):
        pad = Part("pad", "other", instrument, chord, width=1.0, hall=0.7)
        stems = rendered(Score("t", "t", 60, 4, "E", 9.0, 1, (), (pad,), finish=Finish(hall_s=6.0)))
        band = signal.butter(4, (300.0, 2000.0), "bandpass", fs=RATE, output="sos")
        left, right = signal.sosfilt(band, total(stems), axis=0).T
        assert (left * right).sum() > 0.1 * np.sqrt((left**2).sum() * (right**2).sum()), instrument


def test_glue_makes_dense_what_quartets_keep() -> None:
    def crest(glue: float) -> float:
        mix = total(rendered(replace(band_score(8.0), finish=Finish(glue=glue))))
        return float(20 * np.log10(np.abs(mix).max() / np.sqrt(np.square(mix).mean())))

    assert crest(0.1) - crest(0.6) > 2.0


def test_the_tone_control_is_the_same_at_any_moment() -> None:
    from nur_studio.engines.sketch.synth.strip import CABINET, brightened

    def through(at: int, count: int, extra: np.ndarray | None) -> np.ndarray:
        wave = np.zeros((2, count), dtype=np.float32)
        wave[:, at] = 1.0
        wave[1] *= 0.5
        brightened(wave, lambda frame: np.full(len(frame), 0.3), CancelToken(), extra)
        assert np.allclose(wave[0] * 0.5, wave[1], atol=1e-6)
        return wave[0, at : at + 600]

    for extra in (None, CABINET):
        wanted = through(100, 200_000, extra)
        assert np.abs(wanted).max() > 0.01
        for at in (0, 2047, 3072, 73_728, 74_000, 150_000, 199_300):
            assert np.allclose(through(at, 200_000, extra), wanted, atol=2e-4), at


def test_overdrive_folds_nothing_back() -> None:
    from nur_studio.engines.sketch.synth.strip import oversampled

    clock = np.arange(1 << 16) / RATE
    kept = np.sin(2 * np.pi * 3000.0 * clock).astype(np.float32)
    same = kept.copy()
    oversampled(same, lambda x: x.copy(), CancelToken())
    assert np.abs(same - kept)[100:-100].max() < 0.02
    driven = np.sin(2 * np.pi * 9100.0 * clock).astype(np.float32)
    bare = np.tanh(2.0 * driven)
    oversampled(driven, lambda x: np.tanh(2.0 * x), CancelToken())

    def folded(wave: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(wave * np.hanning(wave.size))) ** 2
        hertz = np.fft.rfftfreq(wave.size, 1 / RATE)
        mirror = 27_300.0 - RATE  # the third harmonic's image
        return float(power[abs(hertz - abs(mirror)) < 100].sum() / power[abs(hertz - 9100) < 100].sum())

    assert folded(driven) < 0.05 * folded(bare)


def test_progress_is_told_all_the_way() -> None:
    steps: list[Progress] = []
    render(band_score(12.0), steps.append, lambda audio, rate: None, CancelToken())
    fractions = [0.0, *(step.fraction for step in steps)]
    assert max(after - before for before, after in itertools.pairwise(fractions)) < 0.35
