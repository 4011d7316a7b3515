"""Custom mixes over a real library: as heard, minus one, lanes, zips; four lanes, six, and none."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from planted_tracks import plant, tone

from nur_studio.audio.files import Encoding, audio_frames, read_audio
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.audio.masters import mix_path, stem_path
from nur_studio.core.errors import Cancelled, FileProblem, InvalidRequest, StudioError
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.track import Track
from nur_studio.reference import music_track
from nur_studio.studio import Studio

FLOAT = Encoding("wav", "FLOAT")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=lambda: ()) as opened:
        yield opened


@pytest.fixture(scope="module")
def four(studio: Studio) -> Track:
    return plant(studio.library, {stem: tone(110 * (n + 1), 1.5) for n, stem in enumerate(STEMS)}, title="Four")


@pytest.fixture(scope="module")
def six(studio: Studio) -> Track:
    return plant(studio.library, {lane: tone(110 * (n + 1), 1.5) for n, lane in enumerate(SIX_LANES)}, title="Six")


@pytest.fixture(scope="module")
def mono(studio: Studio) -> Track:
    return plant(studio.library, {}, mix=tone(220, 1.5), title="Whole")


def lane(track: Track, name: str) -> Audio:
    return read_audio(stem_path(track.folder, name))[0]


def test_a_mix_that_changes_nothing_is_the_master_bit_for_bit(studio: Studio, six: Track, tmp_path: Path) -> None:
    default, _ = read_audio(mix_path(six.folder))
    touched = Mix({name: Channel() for name in SIX_LANES} | {"other": Channel(solo=True)})
    all_soloed = Mix({name: Channel(solo=True) for name in SIX_LANES})
    for number, mix in enumerate((Mix(), touched, all_soloed)):
        path = studio.export(six.id, tmp_path / f"{number}.wav", encoding=FLOAT, mix=mix)
        np.testing.assert_array_equal(read_audio(path)[0], default)


def test_six_lanes_as_heard(studio: Studio, six: Track, tmp_path: Path) -> None:
    mix = Mix({"guitar": Channel(solo=True, pan=-1.0), "piano": Channel(-6.0, solo=True)}, master_db=-3.0)
    path = studio.export(six.id, tmp_path / "x.wav", encoding=FLOAT, mix=mix)
    gain = 10 ** (-3 / 20)
    expected = lane(six, "guitar") * gain * [1.0, 0.0] + lane(six, "piano") * gain * 10 ** (-6 / 20)
    np.testing.assert_allclose(read_audio(path)[0], expected, atol=1e-6)
    (named,) = (studio.export(six.id, tmp_path, encoding=FLOAT, mix=mix),)
    assert named.name == "Six_120bpm_Am_as heard.wav"


def test_the_mix_of_a_track_is_kept_and_can_be_exported(studio: Studio, four: Track, tmp_path: Path) -> None:
    kept = studio.set_mix(four.id, Mix({"drums": Channel(mute=True)}))
    assert studio.library.get(four.id).mix == kept.mix
    path = studio.export(four.id, tmp_path / "x.wav", encoding=FLOAT, mix=studio.library.get(four.id).mix)
    expected = sum(lane(four, stem) for stem in STEMS[1:])
    np.testing.assert_allclose(read_audio(path)[0], expected, atol=1e-6)


def test_a_strip_left_over_from_other_stems_silences_nothing(studio: Studio, four: Track, tmp_path: Path) -> None:
    path = studio.export(four.id, tmp_path / "x.wav", encoding=FLOAT, mix=Mix({"guitar": Channel(solo=True)}))
    np.testing.assert_array_equal(read_audio(path)[0], read_audio(mix_path(four.folder))[0])


def test_minus_ones_go_out_together_under_names_for_people(studio: Studio, six: Track, tmp_path: Path) -> None:
    paths = studio.export_minus(six.id, tmp_path, [("vocals",), ("drums", "bass"), ("other",), ("vocals",)], FLOAT)
    assert [path.name for path in paths] == [
        "Six_120bpm_Am_minus vocals.wav",
        "Six_120bpm_Am_minus drums, bass.wav",
        "Six_120bpm_Am_minus other.wav",
    ]
    left = ({"vocals"}, {"drums", "bass"}, {"guitar", "piano", "rest"})
    for path, missing in zip(paths, left, strict=True):
        expected = sum(lane(six, name) for name in SIX_LANES if name not in missing)
        np.testing.assert_allclose(read_audio(path)[0], expected, atol=1e-6)


def test_a_minus_one_keeps_the_rest_as_it_is_set(studio: Studio, four: Track, tmp_path: Path) -> None:
    mix = Mix({"drums": Channel(solo=True), "bass": Channel(-6.0, solo=True)})
    (path,) = studio.export_minus(four.id, tmp_path, [("drums",)], FLOAT, mix=mix)
    np.testing.assert_allclose(read_audio(path)[0], lane(four, "bass") * 10 ** (-6 / 20), atol=1e-6)


def test_what_a_take_does_not_have_is_a_sentence(studio: Studio, four: Track, mono: Track, tmp_path: Path) -> None:
    only = r"^'Four' has no piano of its own: its parts are drums, bass, vocals, other\.$"
    with pytest.raises(FileProblem, match=only):
        studio.export(four.id, tmp_path, part="piano")
    with pytest.raises(FileProblem, match=only):
        studio.export_minus(four.id, tmp_path, [("drums",), ("piano",)])
    for work in (
        lambda: studio.export_stems(mono.id, tmp_path),
        lambda: studio.export_minus(mono.id, tmp_path, [("drums",)]),
        lambda: studio.export_zip(mono.id, tmp_path),
        lambda: studio.export(mono.id, tmp_path, mix=Mix().without("vocals")),
    ):
        with pytest.raises(FileProblem, match=r"^'Whole' has no stems: there is only the mix\. .*separate trk_"):
            work()
    with pytest.raises(StudioError, match="nothing is left"):
        studio.export_minus(four.id, tmp_path, [STEMS])
    with pytest.raises(InvalidRequest, match="one or more of"):
        studio.export_minus(four.id, tmp_path, [()])
    with pytest.raises(InvalidRequest, match="stem must be one of"):
        studio.export_without(four.id, tmp_path, ["tuba"])
    assert list(tmp_path.iterdir()) == []


def test_a_loud_mix_is_limited_and_a_float_file_is_not(studio: Studio, four: Track, tmp_path: Path) -> None:
    loud = Mix({stem: Channel(6.0) for stem in STEMS}, master_db=6.0)
    audio, _ = read_audio(studio.export(four.id, tmp_path / "l.wav", encoding=Encoding("wav"), mix=loud))
    assert -1.2 < true_peak_dbtp(audio) <= -0.99
    free, _ = read_audio(studio.export(four.id, tmp_path / "f.wav", encoding=FLOAT, mix=loud))
    assert true_peak_dbtp(free) > 1.0


def test_lanes_go_out_as_files_and_other_always_can(studio: Studio, six: Track, tmp_path: Path) -> None:
    paths = studio.export_stems(six.id, tmp_path, FLOAT)
    assert [path.stem.rpartition("_")[2] for path in paths] == list(SIX_LANES)
    total = sum(read_audio(path)[0] for path in paths)
    np.testing.assert_allclose(total, read_audio(mix_path(six.folder))[0], atol=1e-6)
    other = studio.export(six.id, tmp_path / "o.wav", part="other", encoding=FLOAT)
    expected = lane(six, "guitar") + lane(six, "piano") + lane(six, "rest")
    np.testing.assert_allclose(read_audio(other)[0], expected, atol=1e-6)
    assert studio.parts(six.id) == ("mix", *SIX_LANES, "other")
    some = studio.export_stems(six.id, tmp_path / "some", FLOAT, parts=("piano", "drums", "piano"))
    assert [path.stem.rpartition("_")[2] for path in some] == ["piano", "drums"]


def test_the_reference_lists_six_besides_the_four(studio: Studio, six: Track, four: Track) -> None:
    shown = music_track(six, studio, deliver=False)["stems"]
    assert list(shown) == [*STEMS, "guitar", "piano", "rest"]
    assert all(url.endswith(f"/{name}.flac") for name, url in shown.items())
    assert list(music_track(four, studio, deliver=False)["stems"]) == list(STEMS)


# -- zip ---------------------------------------------------------------------------------------------------------


def test_a_zip_holds_the_lanes_under_exact_names(studio: Studio, six: Track, tmp_path: Path) -> None:
    path = studio.export_zip(six.id, tmp_path)
    assert path.name == "Six_120bpm_Am_stems.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"Six_120bpm_Am_{name}.wav" for name in SIX_LANES]
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
    for name in SIX_LANES:
        audio, rate = read_audio(tmp_path / "out" / f"Six_120bpm_Am_{name}.wav")
        assert rate == 44100
        np.testing.assert_array_equal(audio, lane(six, name))
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, "out"]
    assert studio.export_zip(six.id, tmp_path).name == "Six_120bpm_Am_stems (2).zip"


def test_a_zip_of_anything(studio: Studio, four: Track, tmp_path: Path) -> None:
    target = tmp_path / "all.zip"
    target.write_bytes(b"old")
    studio.export_zip(
        four.id, target, Encoding("flac", "PCM_16"), parts=("mix", "drums", "drums"), without=[("vocals",)],
        mix=Mix({"bass": Channel(mute=True)}),
    )  # fmt: skip
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [
            f"Four_120bpm_Am{label}.flac" for label in ("", "_drums", "_as heard", "_minus vocals")
        ]
        archive.extractall(tmp_path)
    assert audio_frames(tmp_path / "Four_120bpm_Am_minus vocals.flac") == (four.frames, 44100)


@pytest.mark.parametrize("at", [0.05, 0.5, 0.98])
def test_a_cancelled_zip_leaves_what_was_there(studio: Studio, four: Track, tmp_path: Path, at: float) -> None:
    target = tmp_path / "all.zip"
    target.write_bytes(b"old")
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction >= at:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.export_zip(four.id, target, on_progress=stop, cancel=cancel)
    assert [p.name for p in tmp_path.iterdir()] == ["all.zip"]
    assert target.read_bytes() == b"old"


def test_a_zip_into_nowhere_is_a_sentence(studio: Studio, four: Track, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="There is no folder"):
        studio.export_zip(four.id, tmp_path / "no" / "all.zip")


def test_progress_of_a_zip_never_falls_and_ends(studio: Studio, four: Track, tmp_path: Path) -> None:
    seen: list[float] = []
    studio.export_zip(four.id, tmp_path, on_progress=lambda progress: seen.append(progress.fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
