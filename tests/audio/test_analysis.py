"""What is heard in a recording: exact beats where they are steady, bars, key, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from rhythms import BEATLESS, PATTERNS, RATE, beatless, loop, time_of

from nur_studio.audio.analysis import analyse
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask, Unheard
from nur_studio.engines.sketch.engine import sketch

CHORDS = {
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 10, 14), (0, 3, 7)),
}
NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def progression(tonic: int, mode: str, bpm: float = 100.0, bars: int = 8, start_s: float = 0.0) -> NDArray[np.float32]:
    """A chord each bar, struck on each beat, and its root in the bass on the first one; `tonic` counts from C."""
    beat = 60.0 / bpm
    out = np.zeros(round((start_s + bars * 4 * beat) * RATE))
    time = np.arange(round(beat * RATE)) / RATE
    for number in range(bars * 4):
        chord = CHORDS[mode][number // 4 % 4]
        pitches = [60 + tonic + step for step in chord] + ([36 + tonic + chord[0]] if number % 4 == 0 else [])
        tones = [np.exp(-time * 3) * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) for pitch in pitches]
        start = round((start_s + number * beat) * RATE)
        piece = out[start : start + len(time)]
        piece += 0.15 * np.sum(tones, axis=0)[: len(piece)]
    return np.stack((out, out), axis=1).astype(np.float32)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("bpm", [72.3, 120.0, 171.7])
def test_a_steady_beat_is_exact_over_its_whole_length(pattern: str, bpm: float) -> None:
    heard = analyse(loop(bpm, 30, pattern), RATE, near=round(bpm) + 2)
    assert heard.steady
    assert heard.tempo is not None
    assert abs(heard.tempo / bpm - 1.0) * 30.0 < 0.002, "by the end no beat may be off by 2 ms"
    near_grid = (np.array(heard.beats) - 0.013) * bpm / 60.0 * 2.0
    assert np.abs(near_grid - np.rint(near_grid)).max() * 30.0 / bpm < 0.004, "beats (or off-beats) lie within 4 ms"
    assert heard.drift == 0.0
    assert heard.wander_s < 0.004


def test_beats_and_bars_of_a_drum_loop() -> None:
    heard = analyse(loop(96.0, 20, "boom bap"), RATE, near=96)
    assert heard.downbeat_s == pytest.approx(0.013, abs=0.003)
    assert heard.beats == pytest.approx([0.013 + beat * 0.625 for beat in range(32)], abs=0.004)
    assert heard.downbeats == pytest.approx([0.013 + bar * 2.5 for bar in range(8)], abs=0.004)
    assert heard.grid is not None
    assert heard.grid.frame_of(4, RATE) == pytest.approx(2.513 * RATE, abs=0.004 * RATE)


@pytest.mark.parametrize("start_s", [0.0, 0.9, 1.7])
def test_the_bar_begins_where_the_harmony_changes(start_s: float) -> None:
    heard = analyse(progression(2, "major", start_s=start_s), RATE, near=100)
    assert heard.downbeat_sure
    assert heard.downbeat_s == pytest.approx(start_s, abs=0.012)


def test_three_beats_to_the_bar() -> None:
    whole = progression(0, "major", 100.0, 12)
    beat = round(0.6 * RATE)
    # Every fourth beat is cut out: bars of three.
    waltz = np.concatenate([whole[bar * 4 * beat : (bar * 4 + 3) * beat] for bar in range(12)])
    heard = analyse(waltz[beat:], RATE, near=100, beats_per_bar=3)
    assert heard.downbeat_s == pytest.approx(2 * 0.6, abs=0.012)


@pytest.mark.parametrize(("rate", "channels"), [(22050, 1), (32000, 2), (48000, 1), (96000, 2), (192000, 1)])
def test_at_any_rate_and_width(rate: int, channels: int) -> None:
    heard = analyse(loop(123.0, 12, "boom bap", rate)[:, :channels], rate, near=120)
    assert heard.tempo == pytest.approx(123.0, abs=0.02)
    assert heard.beats[0] == pytest.approx(0.013, abs=0.003)


@pytest.mark.parametrize("jitter_s", [0.005, 0.012])
def test_a_hand_that_is_not_exact_still_plays_in_a_steady_tempo(jitter_s: float) -> None:
    heard = analyse(loop(104.0, 30, "breakbeat", jitter_s=jitter_s), RATE, near=104)
    assert heard.steady
    assert heard.tempo == pytest.approx(104.0, abs=0.05)


@pytest.mark.parametrize("swing", [0.56, 2 / 3])
def test_swing_bends_nothing(swing: float) -> None:
    heard = analyse(loop(92.0, 30, "boom bap", swing=swing), RATE, near=92)
    assert heard.steady
    assert heard.tempo == pytest.approx(92.0, abs=0.01)


@pytest.mark.parametrize("ramp", [0.05, -0.05])
def test_a_tempo_that_drifts_is_followed_and_said_to(ramp: float) -> None:
    heard = analyse(loop(120.0, 30, "four on the floor", ramp=ramp), RATE, near=120)
    assert not heard.steady
    assert heard.grid is None
    assert heard.tempo == pytest.approx(120.0, rel=0.005)
    assert heard.drift == pytest.approx((1 + ramp) / (1 - ramp) - 1, abs=0.02)
    true = np.array([time_of(half / 2, 120.0, ramp) + 0.013 for half in range(125)])
    off = np.abs(np.array(heard.beats)[:, None] - true).min(axis=1)
    assert np.percentile(off, 95) < 0.01


def test_the_range_of_the_genre_decides_between_octaves() -> None:
    fast = loop(172.0, 20, "breakbeat")
    assert analyse(fast, RATE, tempo_range=(165, 180)).tempo == pytest.approx(172.0, abs=0.02)
    assert analyse(fast, RATE, tempo_range=(80, 95)).tempo == pytest.approx(86.0, abs=0.02)
    slightly_outside = analyse(fast, RATE, tempo_range=(145, 160)).tempo
    assert slightly_outside == pytest.approx(172.0, abs=0.02)


def test_asked_for_another_tempo_it_says_which_one_it_is() -> None:
    assert analyse(loop(128.0, 20, "four on the floor"), RATE, near=100).tempo == pytest.approx(128.0, abs=0.02)
    assert analyse(loop(75.0, 20, "boom bap"), RATE, near=151).tempo == pytest.approx(150.0, abs=0.04)


@pytest.mark.parametrize("name", BEATLESS)
def test_no_tempo_is_claimed_where_nothing_beats(name: str) -> None:
    for near, span in ((None, None), (120.0, None), (None, (60.0, 90.0))):
        heard = analyse(beatless(name, 12), RATE, near=near, tempo_range=span)
        assert heard.tempo is None
        assert (heard.confidence, heard.beats, heard.downbeat_s, heard.downbeats, heard.grid) == (
            0.0,
            (),
            None,
            (),
            None,
        )
        assert not heard.steady


@pytest.mark.parametrize(("tonic", "mode"), [(tonic, mode) for mode in CHORDS for tonic in (0, 1, 5, 8, 10)])
def test_the_key_of_a_progression(tonic: int, mode: str) -> None:
    spelled = {(1, "major"): "Db", (8, "minor"): "G#"}.get((tonic, mode), NOTES[tonic])
    heard = analyse(progression(tonic, mode, bars=4), RATE)
    assert heard.key == f"{spelled} {mode}"
    assert 0.45 <= heard.key_confidence <= 1.0


def test_a_recording_tuned_off_is_heard_in_its_own_tuning() -> None:
    sharp = progression(9, "minor", bars=4)
    # Played 2 % faster: 34 cents sharp.
    place = np.arange(0, len(sharp) - 1, 1.02)
    quick = np.stack([np.interp(place, np.arange(len(sharp)), side) for side in sharp.T], axis=1).astype(np.float32)
    assert analyse(quick, RATE).key == "A minor"


@pytest.mark.parametrize("name", ["silence", "noise", "rain"])
def test_no_key_where_there_are_no_notes(name: str) -> None:
    heard = analyse(beatless(name, 8), RATE)
    assert (heard.key, heard.key_confidence) == (None, 0.0)


@pytest.mark.parametrize(("genre", "tempo"), [("house", 123), ("jazz", 140)])
def test_sketch_plays_what_it_was_asked(genre: str, tempo: int) -> None:
    reading = read_prompt(f"{genre} in G major, {tempo} bpm")
    task = MusicTask("", 12.0, tempo, 5, reading)
    music = sketch().generate(task, ignore_progress, Unheard(), CancelToken())
    bare = music.mix - music.stems["drums"]
    for sound in (music.mix, bare):
        heard = analyse(sound, music.sample_rate, tempo_range=reading.tempo_range, beats_per_bar=4)
        assert heard.tempo == pytest.approx(tempo, rel=0.0005)
        assert heard.steady
        assert heard.key == "G major"


def test_too_little_sound_has_no_tempo_and_what_is_no_sound_is_refused() -> None:
    assert analyse(np.zeros((0, 2), np.float32), RATE).tempo is None
    assert analyse(loop(120.0, 2.5, "boom bap"), RATE, near=120).tempo is None
    short = analyse(loop(100.0, 5, "boom bap"), RATE, near=100)
    assert short.tempo == pytest.approx(100.0, abs=0.05)
    broken = loop(100.0, 5, "boom bap")
    broken[1000] = np.nan
    with pytest.raises(ValueError, match="not numbers"):
        analyse(broken, RATE)
