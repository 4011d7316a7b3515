"""What a take starts from: chosen parts of audio, kept codes, a count-in; and how it is handed over."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nur_studio.audio.finishing import fade_length_s, faded, levelled
from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import CancelToken
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import MusicTask, ReferenceAudio
from nur_studio.engines.musicgen.delivery import Resampler
from nur_studio.engines.musicgen.references import count_in, read_codes, read_reference, write_codes

RATE = 32000


def tone(path: Path, seconds: float = 3.0, hertz: float = 440.0, rate: int = 44100) -> Path:
    time_s = np.arange(round(seconds * rate)) / rate
    left = 0.4 * np.sin(2 * np.pi * hertz * time_s)
    soundfile.write(path, np.stack([left, np.zeros_like(left)], 1), rate, subtype="FLOAT")
    return path


# -- audio -----------------------------------------------------------------------------------------------------------


def test_the_chosen_part_comes_at_the_models_rate(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav")
    mono = read_reference(ReferenceAudio((path,), 1.0, 2.5), RATE, 1)
    assert mono.shape == (48000, 1)
    stereo = read_reference(ReferenceAudio((path,)), RATE, 2)
    assert stereo.shape == (96000, 2)
    assert abs(stereo[:, 1]).max() < 1e-4
    assert np.allclose(mono[1000:-1000, 0], stereo[33000:79000, 0] / 2, atol=1e-3)


def test_stems_are_summed(tmp_path: Path) -> None:
    one, two = tone(tmp_path / "a.wav"), tone(tmp_path / "b.wav", hertz=660)
    both = read_reference(ReferenceAudio((one, two)), RATE, 2)
    parts = [read_reference(ReferenceAudio((path,)), RATE, 2) for path in (one, two)]
    assert np.allclose(both, parts[0] + parts[1], atol=1e-5)


@pytest.mark.parametrize(("start", "sentence"), [(3.5, "ends before"), (None, "longer than 5 minutes")])
def test_a_part_that_is_not_there_or_endless_is_a_sentence(tmp_path: Path, start: float | None, sentence: str) -> None:
    path = tone(tmp_path / "a.wav", 3.0 if start else 301.0, rate=8000)
    with pytest.raises(FileProblem, match=sentence):
        read_reference(ReferenceAudio((path,), start or 0.0), RATE, 1)


def test_what_is_no_audio_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("words")
    with pytest.raises(FileProblem):
        read_reference(ReferenceAudio((tmp_path / "a.wav",)), RATE, 1)


# -- codes -----------------------------------------------------------------------------------------------------------


def test_codes_come_back_as_they_were(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 2048, (8, 700), dtype=np.int16)
    write_codes(tmp_path / "codes.npz", codes, "musicgen-stereo-small", 50.0)
    kept = read_codes(tmp_path / "codes.npz")
    assert np.array_equal(kept.codes, codes)
    assert (kept.model, kept.frame_rate) == ("musicgen-stereo-small", 50.0)


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


def _pickled(path: Path) -> None:
    np.savez(path, codes=np.array([_Bomb()], dtype=object), model=np.array("x"), frame_rate=np.array(50.0))


def _wrong_kind(path: Path) -> None:
    np.savez(path, codes=np.zeros((4, 10)), model=np.array("x"), frame_rate=np.array(50.0))


def _negative(path: Path) -> None:
    write_codes(path, np.full((4, 10), -1, np.int16), "x", 50.0)


def _cut(path: Path) -> None:
    write_codes(path, np.zeros((4, 1000), np.int16), "x", 50.0)
    path.write_bytes(path.read_bytes()[:-40])


def _zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("codes.npy", b"\0" * (64 << 20))


@pytest.mark.parametrize("hostile", [_pickled, _wrong_kind, _negative, _cut, _zip_bomb, lambda path: path.touch()])
def test_hostile_codes_are_a_sentence_and_run_nothing(
    tmp_path: Path, hostile: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert callable(hostile)
    hostile(tmp_path / "codes.npz")
    with pytest.raises(FileProblem, match="does not hold the codes"):
        read_codes(tmp_path / "codes.npz")
    assert not (tmp_path / "exploded").exists()


# -- count-in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prompt", "tempo"), [("house", 124), ("slow waltz", 90), ("drone", 40), ("gabber", 220)])
def test_a_count_in_is_whole_bars_of_drums_on_the_beat(prompt: str, tempo: int) -> None:
    reading = read_prompt(prompt, tempo=tempo)
    task = MusicTask(prompt, 30.0, tempo, 3, reading)
    sound = count_in(task, RATE, CancelToken())
    bar_s = reading.beats_per_bar * 60 / tempo
    seconds = len(sound) / RATE
    assert 4.0 <= seconds <= 8.1
    assert seconds / bar_s == pytest.approx(round(seconds / bar_s), abs=1e-3)
    assert sound.shape[1] == 1
    assert abs(sound).max() > 0.02
    again = count_in(task, RATE, CancelToken())
    assert np.array_equal(sound, again)


def test_a_count_in_has_drums_even_where_the_music_has_none() -> None:
    task = MusicTask("solo piano, no drums", 30.0, 100, 3, read_prompt("solo piano, no drums"))
    assert abs(count_in(task, RATE, CancelToken())).max() > 0.02


# -- delivery --------------------------------------------------------------------------------------------------------


def noise(seconds: float, channels: int, level: float = 0.2) -> Audio:
    sound = np.random.default_rng(5).normal(0, level, (round(seconds * RATE), channels))
    return sound.astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44100, 48000])
def test_any_division_resamples_to_the_same(channels: int, rate: int) -> None:
    sound = noise(3.0, channels)
    whole = Resampler(RATE, rate, channels).add(sound, last=True)
    assert whole.shape == (3 * rate, 2)
    resampler = Resampler(RATE, rate, channels)
    parts = [
        resampler.add(sound[start : start + 5000], last=start + 5000 >= len(sound))
        for start in range(0, len(sound), 5000)
    ]
    assert np.array_equal(np.concatenate(parts), whole)
    resampler = Resampler(RATE, rate, channels)
    resampler.add(noise(1.0, channels) * 2)
    past = resampler.restart(sound[:40000])
    assert np.array_equal(np.concatenate([past, resampler.add(sound[40000:], last=True)]), whole)


def test_mono_stands_in_the_middle() -> None:
    out = Resampler(RATE, 44100, 1).add(noise(1.0, 1), last=True)
    assert np.array_equal(out[:, 0], out[:, 1])


@pytest.mark.parametrize("bar_s", [0.5, 1.0, 2.0, 3.0, 8.0])
def test_an_ending_takes_a_bar_or_two(bar_s: float) -> None:
    assert 2.0 <= fade_length_s(bar_s, 60.0) <= 5.0
    assert fade_length_s(bar_s, 5.0) <= 1.25


def test_a_fade_starts_and_ends_without_a_step() -> None:
    sound = np.ones((1000, 2), np.float32)
    out = faded(sound, 400)
    assert np.array_equal(out[:600], sound[:600])
    assert abs(np.diff(out[:, 0])).max() < 0.01
    assert out[-1, 0] == pytest.approx(0.0, abs=1e-6)
    assert faded(sound, 0) is sound


def test_levels_are_the_target_or_ones_own_without_clipping() -> None:
    quiet, loud = noise(6.0, 2, 0.02), noise(6.0, 2, 0.6)
    assert integrated_lufs(levelled(quiet, RATE, True), RATE) == pytest.approx(-14.0, abs=0.3)
    assert levelled(quiet, RATE, False) is quiet
    for sound in (quiet, loud):
        for target in (True, False):
            assert true_peak_dbtp(levelled(sound, RATE, target)) <= -0.95


def test_a_task_keeps_its_own_words_for_the_count_in() -> None:
    task = MusicTask("house", 30.0, 124, 3, read_prompt("house"))
    assert np.array_equal(
        count_in(task, RATE, CancelToken()), count_in(replace(task, duration_s=9.0), RATE, CancelToken())
    )
