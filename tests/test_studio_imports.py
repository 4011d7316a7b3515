"""Audio from elsewhere, imported over a real library by the real decoder process."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from planted_tracks import clicks, tone

from nur_studio.audio.files import audio_frames, read_audio
from nur_studio.audio.masters import lane_peaks, mix_path
from nur_studio.core.errors import Cancelled, FileProblem, StudioError
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.track import IMPORTED, Status, Track
from nur_studio.reference import music_track
from nur_studio.studio import Studio, importing

RATE = 44100


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=lambda: ()) as opened:
        yield opened


def written(path: Path, audio: Audio, rate: int = RATE, subtype: str = "FLOAT", kind: str = "WAV") -> Path:
    soundfile.write(path, audio, rate, format=kind, subtype=subtype)
    return path


def master(track: Track) -> Audio:
    return read_audio(mix_path(track.folder))[0]


def test_a_file_becomes_a_finished_track_with_its_own_recipe(studio: Studio, tmp_path: Path) -> None:
    beat = clicks(100, 12) + tone(220, 12, level=0.05)
    path = tmp_path / "my loop.flac"
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_24", format="FLAC") as file:
        file.title, file.artist, file.genre = "Night train", "Nobody", "dub"
        file.write(beat)
    seen: list[Progress] = []
    track = studio.import_audio(path, seen.append)
    assert track == studio.library.get(track.id)
    assert (track.status, track.engine, track.title, track.genre) == (Status.COMPLETED, IMPORTED, "Night train", "dub")
    assert (track.prompt, track.output_format, track.seed, track.key) == ("my loop.flac", "flac", 0, "")
    assert (track.tempo, track.duration_s, track.sample_rate, track.frames) == (100, 12.0, RATE, 12 * RATE)
    assert track.recipe["tempo_exact"] == pytest.approx(100, abs=0.1)
    assert track.licence == "imported audio, its rights are yours to clear"
    assert track.loudness_lufs is not None
    np.testing.assert_allclose(master(track), beat, atol=2**-22)
    facts = track.recipe["imported"]
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts["name"], facts["bytes"], facts["channels"]) == ("my loop.flac", path.stat().st_size, 2)
    assert json.loads((track.folder / "recipe.json").read_text("utf-8"))["imported"] == facts
    assert track.recipe["note"] == ""
    assert set(lane_peaks(track.folder)) == {"mix"}
    assert sorted(p.name for p in track.folder.iterdir()) == ["mix.flac", "peaks.npz", "recipe.json", "waveform.json"]
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_it_cannot_be_made_again_and_says_why(studio: Studio, tmp_path: Path) -> None:
    track = studio.import_audio(written(tmp_path / "a.wav", tone(220, 1)))
    with pytest.raises(StudioError, match=r"^'a' was imported: no engine made it, so none can make it again\.$"):
        studio.request_of(track.id)
    shown = music_track(track, studio)
    assert (shown["tempo"], shown["stems"], shown["duration"]) == (None, None, 1)
    assert shown["download_url"].endswith("a.wav"), "no tempo, no key: neither is in the name"


def test_no_tempo_is_claimed_where_none_is_heard(studio: Studio, tmp_path: Path) -> None:
    track = studio.import_audio(written(tmp_path / "drone.wav", tone(220, 4)))
    assert (track.tempo, track.tempo_measured, track.has_tempo) == (0, None, False)
    assert track.grid.bar_s > 0
    assert track.grid.position(1.0) == "1.3.1"
    assert studio.library.list("drone.wav") == [track]
    assert studio.library.list("drone.wav bpm") == []


@pytest.mark.parametrize(
    ("kind", "subtype", "ending", "rate", "output"),
    [("MP3", "MPEG_LAYER_III", "mp3", 44100, "mp3"), ("OGG", "OPUS", "opus", 48000, "ogg"),
     ("AIFF", "PCM_16", "aif", 96000, "wav"), ("WAV", "PCM_U8", "mp3", 22050, "wav")],
)  # fmt: skip
def test_formats_keep_rate_and_are_delivered_in_kind(
    studio: Studio, tmp_path: Path, kind: str, subtype: str, ending: str, rate: int, output: str
) -> None:
    sound = tone(440, 1.0, rate, 0.4)
    track = studio.import_audio(written(tmp_path / f"x.{ending}", sound, rate, subtype, kind))
    assert (track.sample_rate, track.output_format) == (rate, output)
    assert abs(track.frames - len(sound)) < 0.05 * rate
    assert studio.delivery(track.id).suffix == f".{output}"


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 48000), (11025, 44100), (384_000, 48000)])
def test_rates_nobody_works_at_are_brought_to_one(studio: Studio, tmp_path: Path, rate: int, wanted: int) -> None:
    track = studio.import_audio(written(tmp_path / "x.wav", tone(440, 1.0, rate, 0.4), rate))
    assert (track.sample_rate, track.frames) == (wanted, wanted)
    assert track.recipe["note"] == f"It was brought from {rate:,} Hz to {wanted:,} Hz."
    expected = tone(440, 1.0, wanted, 0.4)
    np.testing.assert_allclose(master(track)[2000:-2000], expected[2000:-2000], atol=2e-3)


def test_mono_and_surround_become_stereo(studio: Studio, tmp_path: Path) -> None:
    mono = tone(440, 1.0)[:, :1]
    track = studio.import_audio(written(tmp_path / "mono.wav", mono))
    np.testing.assert_allclose(master(track), np.repeat(mono, 2, axis=1), atol=2**-22)
    assert track.recipe["note"] == ""
    six = np.zeros((RATE, 6), np.float32)
    six[:, 2], six[:, 5], six[:, 3] = tone(300, 1)[:, 0], tone(500, 1)[:, 0], 0.9
    track = studio.import_audio(written(tmp_path / "film.wav", six))
    left = six[:, 2] * np.sqrt(0.5)
    np.testing.assert_allclose(master(track)[:, 0], left, atol=1e-6)
    np.testing.assert_allclose(master(track)[:, 1], left + six[:, 5] * np.sqrt(0.5), atol=1e-6)
    assert track.recipe["note"] == "Its 6 channels, taken for 5.1, were brought to stereo."


def test_numbers_no_file_should_hold(studio: Studio, tmp_path: Path) -> None:
    wild = tone(440, 1.5, level=0.5).astype(np.float64)
    wild[100:110] = np.nan
    wild[200, 0], wild[201, 1] = np.inf, -1e300
    wild[5000:6000] *= 8.0
    track = studio.import_audio(written(tmp_path / "wild.wav", wild, subtype="DOUBLE"))
    audio = master(track)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(audio[7000:], wild[7000:] / np.nanmax(np.abs(wild[5000:6000])), atol=1e-5)
    assert not audio[100:110].any()
    assert track.recipe["note"] == (
        "22 samples that were no numbers are silent now. It was 12.0 dB over full scale, and turned down by so much."
    )


def test_silence_and_a_constant_are_imported_and_told(studio: Studio, tmp_path: Path) -> None:
    silent = studio.import_audio(written(tmp_path / "s.wav", np.zeros((RATE, 2), np.float32)))
    assert silent.recipe["note"] == "There is nothing but silence in it."
    assert (silent.loudness_lufs, silent.tempo) == (None, 0)
    constant = studio.import_audio(written(tmp_path / "dc.wav", np.full((4 * RATE, 1), 0.25, np.float32)))
    np.testing.assert_allclose(master(constant), 0.25, atol=2**-22)
    assert not constant.has_tempo


def test_a_damaged_end_is_cut_and_told(studio: Studio, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (4 * RATE, 2)).astype(np.float32)
    whole = written(tmp_path / "w.flac", noise, subtype="PCM_16", kind="FLAC").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    track = studio.import_audio(tmp_path / "half.flac")
    assert 1.7 < track.duration_s < 2.1
    assert track.recipe["note"] == f"The file is damaged: what could be read of it, {track.duration_s:.1f} s, was kept."
    np.testing.assert_allclose(master(track), noise[: track.frames], atol=2**-14)
    (tmp_path / "tail.flac").write_bytes(whole[: len(whole) // 8])
    before = studio.library.count()
    with pytest.raises(FileProblem, match=r"is damaged: only 0\.\d s of it can be read"):
        studio.import_audio(tmp_path / "tail.flac")
    assert studio.library.count() == before


def test_the_same_file_again_is_told_not_refused(studio: Studio, tmp_path: Path) -> None:
    path = written(tmp_path / "twice.wav", tone(333, 1))
    first, second = studio.import_audio(path), studio.import_audio(path)
    assert first.id != second.id
    assert second.recipe["note"] == "The same file is in the library already, as “twice”."


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no sound at all"), "damaged or not audio"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: written(path, tone(440, 0.05)), r"holds 0\.05 s of sound; it takes 0\.1 s"),
        (lambda path: written(path, np.zeros((RATE, 65), np.float32)), r"has 65 channels; up to 64"),
        (lambda path: written(path, tone(440, 0.5), 1_000_000), r"claims 1,000,000 samples a second"),
    ],
)
def test_what_is_no_sound_is_a_sentence_and_leaves_nothing(
    studio: Studio, tmp_path: Path, make: object, words: str
) -> None:
    assert callable(make)
    make(tmp_path / "x.wav")
    before = studio.library.list()
    with pytest.raises(FileProblem, match=words):
        studio.import_audio(tmp_path / "x.wav")
    assert studio.library.list() == before
    assert list((studio.directories.library / "staging").iterdir()) == []


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_what_is_too_long_is_refused(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(importing, "MAX_IMPORT_S", 2.0)
    path = written(tmp_path / "x", tone(440, 2.5), subtype="PCM_16", kind=kind)
    with pytest.raises(FileProblem, match="is longer than"):
        studio.import_audio(path)
    assert list((studio.directories.library / "staging").iterdir()) == []


@pytest.mark.parametrize("stage", ["reading", "decoding", "writing"])
def test_a_cancelled_import_leaves_nothing(studio: Studio, tmp_path: Path, stage: str) -> None:
    path = written(tmp_path / "x.wav", tone(440, 3.0))
    before, cancel = studio.library.list(), CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == stage:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.import_audio(path, stop, cancel)
    assert studio.library.list() == before
    assert list((studio.directories.library / "staging").iterdir()) == []


def test_it_stands_in_the_library_while_it_comes(studio: Studio, tmp_path: Path) -> None:
    states: set[Status] = set()

    def look(progress: Progress) -> None:
        if progress.stage == "decoding":
            states.update(track.status for track in studio.library.list("while it comes"))

    studio.import_audio(written(tmp_path / "while it comes.wav", tone(440, 1.0)), look)
    assert states == {Status.PROCESSING}


def test_names_that_would_harm_are_only_names(studio: Studio, tmp_path: Path) -> None:
    path = written(tmp_path / "evil\u202e\n name.wav", tone(440, 0.5))
    track = studio.import_audio(path)
    assert (track.title, track.prompt) == ("evil name", "evil name.wav")
    assert audio_frames(studio.export(track.id, tmp_path))[0] == track.frames


def test_bars_and_key_come_from_what_is_heard(studio: Studio, tmp_path: Path) -> None:
    beat = clicks(92.5, 24, offset_s=0.25)
    accents = clicks(92.5 / 4, 24, offset_s=0.25)
    triad = sum(tone(frequency, 24, level=0.04) for frequency in (220.0, 261.63, 329.63))
    track = studio.import_audio(written(tmp_path / "loop.wav", beat * 0.4 + accents + triad))
    assert track.exact_tempo == pytest.approx(92.5, abs=0.02)
    assert track.tempo == round(track.exact_tempo)
    assert track.grid.tempo == track.exact_tempo, "a whole number would drift away from it"
    beats_off = (track.grid.offset_s - 0.25) / track.grid.beat_s
    assert beats_off == pytest.approx(round(beats_off), abs=0.03)
    assert track.key == "A minor"


def test_a_beat_that_wanders_is_no_tempo(studio: Studio, tmp_path: Path) -> None:
    audio = np.zeros((30 * RATE, 2), np.float32)
    time_s = 0.0
    while time_s < 29.9:
        audio[round(time_s * RATE)] = 0.8
        time_s += 60.0 / (100.0 * (1.0 + 0.05 * time_s / 30.0))
    track = studio.import_audio(written(tmp_path / "human.wav", audio))
    assert not track.has_tempo
    assert track.tempo_measured == pytest.approx(102, abs=4)
    assert track.recipe["note"].startswith("Its beat wanders, around 10")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_what_ffmpeg_decodes_comes_in_and_a_cancel_ends_it(studio: Studio, tmp_path: Path) -> None:
    wav, path = written(tmp_path / "a.wav", tone(440, 30, 48000, 0.4), 48000), tmp_path / "song.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, "-metadata", "title=Night train", path], check=True)
    track = studio.import_audio(path)
    assert (track.title, track.sample_rate, track.output_format) == ("Night train", 48000, "mp3")
    assert track.recipe["imported"]["container"] == "through ffmpeg"
    assert track.duration_s == pytest.approx(30, abs=0.1)
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "decoding":
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.import_audio(path, stop, cancel)
    assert not [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]
