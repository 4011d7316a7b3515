"""Asked, measured, delivered: takes of a planted engine through the real engine process, measured without the studio's
own ear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fake_engine
import numpy as np
import planted_engine
import pytest
from rhythms import hits_off_s

from nur_studio.audio.files import read_audio
from nur_studio.audio.finishing import levelled
from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.audio.masters import mix_path, original_path, stem_path
from nur_studio.core.contract import rolled_seed
from nur_studio.core.controls import Controls, Reference
from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.core.sound import Audio
from nur_studio.core.story import tempo_story
from nur_studio.core.track import Track
from nur_studio.engines import catalogue
from nur_studio.studio import Studio, steering

RATE = 44100
ENGINES = (
    planted_engine.info("near", 119.4, start_s=0.3),
    planted_engine.info("slow", 111.0),
    planted_engine.info("lucky", 111.0, 112.0, 120.3),
    planted_engine.info("stubborn", 111.0, 112.0, 109.0),
    planted_engine.info("rain", 0.0),
    planted_engine.info("drifting", 120.0, ramp=0.05),
    planted_engine.info("waltz", 118.0, beats=3, start_s=0.6),
    planted_engine.info("apart", 122.5, stems=True, start_s=0.2),
    planted_engine.info("early", 119.4, keeps_s=6.0, start_s=0.3),
    planted_engine.info("right", 120.0),
    replace(fake_engine.info("fake", stems=False)),
    catalogue.SKETCH,
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    directories = Directories.below(tmp_path_factory.mktemp("studio"))
    with Studio(directories, engines=lambda: ENGINES, separators=lambda: ()) as opened:
        yield opened


def made(studio: Studio, engine: str, prompt: str = "drums at 120 bpm", duration: int = 8, **asked: object) -> Track:
    controls = Controls(**asked.pop("controls", {}))  # type: ignore[arg-type]
    request = GenerationRequest(prompt, duration, seed=5, engine=engine, controls=controls, **asked)  # type: ignore[arg-type]
    (track,) = studio.generate(request)
    return track


def mix_of(track: Track) -> Audio:
    audio, rate = read_audio(mix_path(track.folder))
    assert (rate, len(audio)) == (track.sample_rate, track.frames)
    return audio


def assert_on_grid(audio: Audio, bpm: float, first_s: float = 0.0, ceiling_dbtp: float = -1.0) -> None:
    """Every beat within 5 ms of its place, the last as the first: less than 0.05 % off over the whole length."""
    off = hits_off_s(audio, bpm, first_s)
    assert len(off) > 8
    assert abs(np.median(off[-6:]) - np.median(off[:6])) <= 0.005
    assert np.abs(off - np.median(off)).max() <= 0.005
    slope = np.polyfit(np.arange(len(off)) * 60.0 / bpm, off, 1)[0]
    assert abs(slope) <= 0.0005
    assert true_peak_dbtp(audio) <= ceiling_dbtp


@pytest.fixture(scope="module")
def near(studio: Studio) -> Track:
    return made(studio, "near")


def test_a_take_a_little_off_is_brought_to_its_tempo_and_to_bar_one(studio: Studio, near: Track) -> None:
    audio = mix_of(near)
    assert (near.tempo, near.tempo_asked, near.duration_s, near.frames) == (120, 120, 8.0, 8 * RATE)
    assert near.tempo_measured == pytest.approx(120.0, rel=0.0005)
    assert (near.beat_offset_s, near.exact_tempo) == (0.0, 120.0)
    assert_on_grid(audio, 120.0)
    first = int(np.argmax(np.abs(audio[:, 0]) > 0.05)) / RATE
    assert first < 0.006, "the downbeat is where the file begins"
    usual = levelled(planted_engine.PlantedEngine((119.4,))._drums(119.4, 8.0), RATE, True)
    assert integrated_lufs(audio, RATE) == pytest.approx(integrated_lufs(usual, RATE), abs=0.7)
    assert np.abs(audio[-1]).max() < 1e-3, "and it ends with a fade"
    story = tempo_story(near)
    assert story is not None
    assert (story.asked, story.stretched, story.bar_one, story.open, story.as_made) == (120, True, True, False, False)
    assert story.measured == pytest.approx(119.4, abs=0.01)
    assert story.moved_s == pytest.approx(0.3 * 119.4 / 120.0, abs=0.003)
    assert near.recipe["note"] == ""
    assert near.recipe["details"]["made_s"] == pytest.approx(8.0 * 1.03 + 2.0)


def test_its_original_is_kept_and_can_be_used(studio: Studio, near: Track) -> None:
    delivered = mix_of(near)
    original, _ = read_audio(mix_path(original_path(near.folder)))
    assert_on_grid(original, 119.4, 0.3, ceiling_dbtp=0.0)  # this engine brings nothing to level
    assert len(original) > near.frames
    before = studio.delivery(near.id)
    back = studio.retime(near.id, as_made=True)
    assert back == studio.library.get(near.id)
    assert (back.frames, back.tempo, back.id) == (near.frames, 119, near.id)
    assert back.exact_tempo == pytest.approx(119.4, abs=0.01)
    assert_on_grid(mix_of(back), 119.4, 0.3)
    assert back.beat_offset_s == pytest.approx(0.3, abs=0.003)
    story = tempo_story(back)
    assert story is not None
    assert story.as_made
    assert story.original
    assert "119.4 BPM were heard instead of 120" in back.recipe["note"]
    assert studio.delivery(near.id) != before, "another file: a DAW may still read the old one"
    again = studio.retime(near.id)
    np.testing.assert_allclose(mix_of(again), delivered, atol=1e-3)  # from 24 bits
    assert (again.tempo, again.exact_tempo, again.recipe["note"]) == (120, 120.0, "")
    assert steering.reference_audio(Reference("continue", near.id), studio.library).codes is None  # type: ignore[union-attr]


def test_bar_one_can_be_left_out(studio: Studio) -> None:
    track = made(studio, "near", controls={"bar_one": False})
    assert_on_grid(mix_of(track), 120.0, 0.3 * 119.4 / 120.0)
    assert track.beat_offset_s == pytest.approx(0.3 * 119.4 / 120.0, abs=0.003)
    assert tempo_story(track).moved_s == 0.0  # type: ignore[union-attr]


def test_far_off_is_left_until_somebody_decides(studio: Studio) -> None:
    track = made(studio, "slow")
    story = tempo_story(track)
    assert story is not None
    assert (story.open, story.stretched, story.far) == (True, False, True)
    assert (track.tempo, track.tempo_asked) == (111, 120)
    assert "111.0 BPM were heard instead of 120: the take was left as it is." in track.recipe["note"]
    assert_on_grid(mix_of(track), 111.0)
    left = studio.leave_tempo(track.id)
    assert not tempo_story(left).open  # type: ignore[union-attr]
    stretched = studio.retime(track.id)
    assert_on_grid(mix_of(stretched), 120.0)
    assert (stretched.tempo, stretched.frames) == (120, 8 * RATE)
    assert "stretched by 7%" in stretched.recipe["note"]
    assert "were heard instead of 120: the take" not in stretched.recipe["note"]


@pytest.mark.parametrize(("engine", "tempo"), [("lucky", 120), ("stubborn", 112)])
def test_far_off_can_be_rolled_again(studio: Studio, engine: str, tempo: int) -> None:
    track = made(studio, engine, controls={"far_off": "reroll"})
    assert (track.tempo, track.seed) == (tempo, 5)
    rolls = track.recipe["contract"]["rolls"]
    assert [roll["seed"] for roll in rolls] == [5, rolled_seed(5, 1), rolled_seed(5, 2)]
    assert [round(roll["measured"]) for roll in rolls] == ([111, 112, 120] if tempo == 120 else [111, 112, 109])
    assert "Rolled 3 times" in track.recipe["note"]
    assert track.recipe["contract"]["seed"] == rolled_seed(5, 2 if tempo == 120 else 1)
    assert_on_grid(mix_of(track), float(track.exact_tempo))
    assert studio.request_of(track.id).controls.far_off == "reroll", "made again, it is rolled again"
    assert tempo_story(track).open is (tempo != 120)  # type: ignore[union-attr]


def test_settings_answer_for_good(studio: Studio) -> None:
    studio.update_settings(far_off="stretch")
    try:
        assert_on_grid(mix_of(made(studio, "slow")), 120.0)
        studio.update_settings(far_off="leave")
        assert not tempo_story(made(studio, "slow", duration=6)).open  # type: ignore[union-attr]
    finally:
        studio.update_settings(far_off="ask")


def test_no_tempo_is_claimed_where_none_is_held(studio: Studio) -> None:
    for engine, said in (("rain", "No steady beat was heard"), ("drifting", "Its beat wanders")):
        track = made(studio, engine)
        assert (track.has_tempo, track.frames) == (False, 8 * RATE)
        assert said in track.recipe["note"]
        assert "no tempo is claimed" in track.recipe["note"]
        assert not original_path(track.folder).exists()
        with pytest.raises(StudioError, match="is as it was made"):
            studio.retime(track.id)


def test_where_none_was_asked_nothing_is_touched(studio: Studio) -> None:
    track = made(studio, "near", "drums", 6)
    assert track.recipe["details"]["made_s"] == 6.0
    assert (track.tempo_asked, track.tempo) == (None, 119)
    assert track.exact_tempo == pytest.approx(119.4, abs=0.05)
    assert not original_path(track.folder).exists()
    planted = planted_engine.PlantedEngine((119.4,), start_s=0.3)._drums(119.4, 6.0)
    np.testing.assert_allclose(mix_of(track), planted, atol=2**-22)


def test_three_beats_a_bar(studio: Studio) -> None:
    track = made(studio, "waltz", "waltz at 120 bpm", 10)
    audio = mix_of(track)
    assert track.beats_per_bar == 3
    assert_on_grid(audio, 120.0)
    low = [float(np.square(audio[(at := round(beat * RATE / 2)) : at + 4000].sum(axis=1)).sum()) for beat in range(12)]
    bars = np.array(low).reshape(4, 3)
    assert (bars.argmax(axis=1) == bars.argmax(axis=1)[0]).all()


def test_stems_go_along(studio: Studio) -> None:
    track = made(studio, "apart", duration=6)
    stems = {stem: read_audio(stem_path(track.folder, stem))[0] for stem in STEMS}
    assert {len(stem) for stem in stems.values()} == {6 * RATE}
    total = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    np.testing.assert_allclose(total, mix_of(track), atol=2**-20)
    assert_on_grid(stems["drums"], 120.0, ceiling_dbtp=0.0)  # the mix has less
    assert stem_path(original_path(track.folder), "drums").exists()
    back = studio.retime(track.id, as_made=True)
    assert back.lanes == STEMS
    assert_on_grid(read_audio(stem_path(back.folder, "drums"))[0], 122.5, 0.2, ceiling_dbtp=0.0)


def test_what_was_ended_early_keeps_what_there_is(studio: Studio) -> None:
    track = made(studio, "early")
    assert_on_grid(mix_of(track), 120.0)
    assert track.duration_s == pytest.approx((6.0 - 0.3) * 119.4 / 120.0, abs=0.01)
    assert track.recipe["note"] == "It was ended early."


def test_a_right_take_is_left_alone(studio: Studio) -> None:
    track = made(studio, "right")
    assert_on_grid(mix_of(track), 120.0)
    assert not original_path(track.folder).exists()
    assert tempo_story(track).stretched is False  # type: ignore[union-attr]


# -- bars and loops ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["near", "sketch"])
def test_a_loop_has_so_many_samples(studio: Studio, engine: str) -> None:
    prompt = "house loop of drums and bass at 123 bpm"
    track = made(studio, engine, prompt, bars=4, controls={"loop": True})
    frames = round(4 * 4 * 60 / 123 * RATE)
    assert track.frames == frames
    assert track.duration_s == frames / RATE
    story = tempo_story(track)
    assert story is not None
    assert story.loop_bars == 4
    assert story.score is not None
    assert story.score >= 0.8
    audio = mix_of(track)
    assert true_peak_dbtp(audio) <= -1.0
    if engine == "near":
        assert_on_grid(np.concatenate((audio, audio, audio)), 123.0)
        assert story.seam == "into after"


def test_a_loop_in_seconds_has_whole_bars(studio: Studio) -> None:
    track = made(studio, "sketch", "techno at 130 bpm", 10, controls={"loop": True})
    assert track.frames == round(5 * 4 * 60 / 130 * RATE)
    with pytest.raises(InvalidRequest, match="at most 118 for a loop, of up to 64 bars"):
        made(studio, "sketch", "techno at 130 bpm", 200, controls={"loop": True})


def test_bars_without_a_tempo_take_the_one_that_is_chosen(studio: Studio) -> None:
    track = made(studio, "fake", "lo-fi piano", bars=8)
    assert track.frames == round(8 * 4 * 60 / track.tempo * RATE)
    assert (track.recipe["resolved"]["bars"], track.tempo_asked) == (8, None)
    request = studio.request_of(track.id)
    assert (request.bars, request.duration) == (8, 8)


def test_bars_must_fit_in_what_music_may_last(studio: Studio) -> None:
    with pytest.raises(InvalidRequest, match=r"bars must be 3 to 64 at 120 BPM, where a bar has 4 beats"):
        made(studio, "near", bars=2)
    with pytest.raises(InvalidRequest, match="off where other music is continued"):
        reference = Reference("continue", "x.wav")
        studio.submit(GenerationRequest("x", engine="near", controls=Controls(loop=True, reference=reference)))


def test_folders_without_an_original_still_work(studio: Studio, tmp_path: Path) -> None:
    track = made(studio, "slow", duration=6)
    (mix_path(original_path(track.folder))).unlink()
    with pytest.raises(StudioError, match="no longer in the library"):
        studio.retime(track.id)
    assert len(studio.drag_files(track.id, ("mix",))) == 1
