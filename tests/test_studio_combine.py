"""A stem of one track in another: bars, lanes, levels, licences, over a real library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted_tracks import clicks, plant, tone

from nur_studio.audio.files import read_audio
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.audio.masters import lane_peaks, mix_path, stem_path
from nur_studio.core.errors import Cancelled, FileProblem, InvalidRequest, StudioError
from nur_studio.core.licences import IMPORTED_LICENCE, joint_licence, sellable
from nur_studio.core.mix import SIX_LANES, STEMS, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.track import COMBINED, Status, Track
from nur_studio.studio import Studio

RATE = 44100
NONCOMMERCIAL = "weights CC BY-NC 4.0: what is made with them is not for sale"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=lambda: ()) as opened:
        yield opened


def four(seconds: float = 4.0, rate: int = RATE, drums: Audio | None = None) -> dict[str, Audio]:
    lanes = {stem: tone(110 * (n + 1), seconds, rate, 0.05) for n, stem in enumerate(STEMS)}
    return lanes if drums is None else {**lanes, "drums": drums}


@pytest.fixture(scope="module")
def base(studio: Studio) -> Track:
    return plant(studio.library, four(), title="A")


@pytest.fixture(scope="module")
def beat(studio: Studio) -> Track:
    """Its downbeat is 0.1 s in, and it has one bar less."""
    drums = clicks(120, 2.4, offset_s=0.1)
    return plant(studio.library, four(2.4, drums=drums), title="B", licence=NONCOMMERCIAL, beat_offset_s=0.1)


@pytest.fixture(scope="module")
def six(studio: Studio) -> Track:
    lanes = {lane: tone(110 * (n + 1), 4.0, level=0.05) for n, lane in enumerate(SIX_LANES)}
    return plant(studio.library, lanes, title="Six")


def lane(track: Track, name: str) -> Audio:
    return read_audio(stem_path(track.folder, name))[0]


def assert_sums(track: Track) -> None:
    total = sum(lane(track, name) for name in track.lanes)
    np.testing.assert_allclose(total, read_audio(mix_path(track.folder))[0], atol=2**-20)


def onsets(audio: Audio) -> list[int]:
    return [int(frame) for frame in np.flatnonzero(audio[:, 0] > 0.3)]


def test_drums_are_swapped_downbeat_on_downbeat(studio: Studio, base: Track, beat: Track) -> None:
    seen: list[float] = []
    made = studio.combine(base.id, beat.id, "drums", on_progress=lambda progress: seen.append(progress.fraction))
    assert made == studio.library.get(made.id)
    assert (made.status, made.engine, made.title, made.seed) == (Status.COMPLETED, COMBINED, "A + drums of B", 0)
    assert (made.frames, made.sample_rate, made.tempo, made.key) == (base.frames, RATE, 120, "A minor")
    assert (made.lanes, made.group_id, made.mix) == (STEMS, made.id, Mix())
    assert onsets(lane(made, "drums")) == [beat * RATE // 2 for beat in range(5)]
    assert not lane(made, "drums")[round(2.3 * RATE) + 1 :].any(), "shorter material is padded"
    for stem in STEMS[1:]:
        np.testing.assert_array_equal(lane(made, stem), lane(base, stem))
    assert_sums(made)
    assert set(lane_peaks(made.folder)) == {"mix", *STEMS}
    facts = made.recipe["combined"]
    assert (facts["aligned"], facts["stretched"], facts["limited"], facts["into"]) == ("downbeat", 1.0, False, "drums")
    assert (facts["track"]["id"], facts["other"]["id"]) == (base.id, beat.id)
    assert made.licence == f"{NONCOMMERCIAL} + for tests"
    assert not sellable(made.licence)
    assert not list(made.folder.glob("*.f32"))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(StudioError, match="was combined from two takes"):
        studio.request_of(made.id)


def test_layered_drums_keep_what_was_there(studio: Studio, base: Track, beat: Track) -> None:
    made = studio.combine(base.id, beat.id, "drums", layer=True, title=" Both \n kits ")
    assert made.title == "Both kits"
    added = lane(made, "drums") - lane(base, "drums")
    assert onsets(added) == [beat * RATE // 2 for beat in range(5)]
    assert_sums(made)


def test_whole_bars_are_repeated_without_drift(studio: Studio, base: Track, beat: Track) -> None:
    made = studio.combine(base.id, beat.id, "drums", repeat=True)
    assert onsets(lane(made, "drums")) == [beat * RATE // 2 for beat in range(8)]
    with pytest.raises(StudioError, match="no whole bar"):
        short = plant(studio.library, four(0.5), title="Short")
        studio.combine(base.id, short.id, "drums", repeat=True)


def test_another_rate_is_brought_to_this_one(studio: Studio, base: Track) -> None:
    other = plant(studio.library, four(4.0, 48000), sample_rate=48000, title="C")
    made = studio.combine(base.id, other.id, "bass")
    assert (made.sample_rate, made.frames) == (RATE, base.frames)
    np.testing.assert_allclose(lane(made, "bass")[500:-500], tone(220, 4.0, level=0.05)[500:-500], atol=1e-4)


def test_tempi_that_differ_need_somebody_who_stretches(studio: Studio, base: Track, tmp_path: Path) -> None:
    other = plant(studio.library, four(4.0, drums=clicks(100, 4.0)), tempo=100, title="Slow")
    with pytest.raises(StudioError, match=r"^'Slow' plays at 100 BPM and 'A' at 120: they would run apart\."):
        studio.combine(base.id, other.id, "drums")
    asked: list[tuple[int, int, float, float]] = []

    def stretch(audio: Audio, rate: int, tempo: float, wanted: float) -> Audio:
        asked.append((len(audio), rate, tempo, wanted))
        return clicks(wanted, len(audio) / rate * tempo / wanted)

    made = studio.combine(base.id, other.id, "drums", stretch=stretch)
    assert asked == [(4 * RATE, RATE, 100.0, 120.0)]
    assert made.recipe["combined"]["stretched"] == pytest.approx(100 / 120)
    assert onsets(lane(made, "drums"))[:4] == [beat * RATE // 2 for beat in range(4)]


def test_a_tempo_that_only_seems_the_same_is_another(studio: Studio, base: Track) -> None:
    near = plant(studio.library, four(), title="Near", recipe={"tempo_exact": 120.4})
    with pytest.raises(StudioError, match=r"120\.4 BPM"):
        studio.combine(base.id, near.id, "drums")
    same = plant(studio.library, four(), title="Same", recipe={"tempo_exact": 120.01})
    assert studio.combine(base.id, same.id, "drums").recipe["combined"]["aligned"] == "downbeat"


def test_without_a_tempo_they_begin_together(studio: Studio, base: Track) -> None:
    free = plant(studio.library, four(5.0), tempo=0, title="Free", beat_offset_s=0.3)
    made = studio.combine(base.id, free.id, "vocals")
    np.testing.assert_allclose(lane(made, "vocals")[:-500], lane(free, "vocals")[: base.frames - 500], atol=2**-22)
    assert abs(lane(made, "vocals")[-1]).max() < 2e-3, "what is cut off fades"
    assert "They begin together" in made.recipe["note"]
    with pytest.raises(StudioError, match="no steady beat"):
        studio.combine(base.id, free.id, "vocals", repeat=True)


def test_six_lanes(studio: Studio, base: Track, six: Track) -> None:
    made = studio.combine(six.id, base.id, "other")
    assert made.lanes == SIX_LANES
    np.testing.assert_allclose(lane(made, "rest"), lane(base, "other"), atol=2**-22)
    assert not lane(made, "guitar").any()
    assert not lane(made, "piano").any()
    np.testing.assert_allclose(lane(made, "other"), lane(base, "other"), atol=2**-22)
    assert_sums(made)
    assert set(lane_peaks(made.folder)) == {"mix", *SIX_LANES}
    piano = studio.combine(base.id, six.id, "piano", layer=True)
    np.testing.assert_allclose(lane(piano, "other"), lane(base, "other") + lane(six, "piano"), atol=2**-22)
    with pytest.raises(FileProblem, match="has no piano of its own"):
        studio.combine(base.id, six.id, "piano")
    moved = studio.combine(base.id, six.id, "piano", into="vocals")
    np.testing.assert_allclose(lane(moved, "vocals"), lane(six, "piano"), atol=2**-22)


def test_a_track_without_stems_can_be_laid_over_and_under(studio: Studio, base: Track) -> None:
    whole = plant(studio.library, {}, mix=tone(330, 4.0), title="Whole")
    with pytest.raises(StudioError, match="has no stems, so none of them can be replaced"):
        studio.combine(whole.id, base.id, "drums")
    with pytest.raises(FileProblem, match="has no stems"):
        studio.combine(base.id, whole.id, "drums")
    under = studio.combine(whole.id, base.id, "drums", layer=True)
    assert under.lanes == ()
    expected = read_audio(mix_path(whole.folder))[0] + lane(base, "drums")
    np.testing.assert_allclose(read_audio(mix_path(under.folder))[0], expected, atol=2**-22)
    over = studio.combine(base.id, whole.id, "mix", layer=True)
    assert over.title == "A + Whole"
    loop = studio.combine(base.id, whole.id, "mix", into="drums")
    np.testing.assert_allclose(lane(loop, "drums"), tone(330, 4.0), atol=2**-22)
    with pytest.raises(InvalidRequest, match="into must be a stem to replace"):
        studio.combine(base.id, whole.id, "mix")


def test_a_sum_over_the_ceiling_is_limited_with_all_its_lanes(studio: Studio) -> None:
    loud = {stem: tone(110, 2.0, level=0.2) for stem in STEMS}
    first, second = (
        plant(studio.library, loud, title="L"),
        plant(studio.library, loud | {"drums": tone(110, 2.0, level=0.9)}),
    )
    made = studio.combine(first.id, second.id, "drums", layer=True)
    assert -1.3 < true_peak_dbtp(read_audio(mix_path(made.folder))[0]) <= -0.99
    assert_sums(made)
    assert made.recipe["combined"]["limited"]
    assert "limited" in made.recipe["note"]


def test_a_lane_that_would_clip_alone_brings_all_down(studio: Studio) -> None:
    drums = tone(110, 2.0, level=0.8)
    first = plant(studio.library, {**four(2.0), "drums": drums, "bass": -drums, "other": -drums}, mix=-drums)
    second = plant(studio.library, {**four(2.0), "drums": drums})
    made = studio.combine(first.id, second.id, "drums", layer=True)
    assert true_peak_dbtp(lane(made, "drums")) <= 0.0
    assert_sums(made)


def test_where_only_what_may_be_sold_is_wanted(studio: Studio, base: Track, beat: Track) -> None:
    studio.settings = replace(studio.settings, sellable_only=True)
    try:
        with pytest.raises(StudioError, match="may not be sold"):
            studio.combine(base.id, beat.id, "drums")
    finally:
        studio.settings = replace(studio.settings, sellable_only=False)


def test_the_stricter_licence_comes_first_and_none_is_named_twice() -> None:
    free = "royalty-free, no weights involved"
    assert joint_licence(free, free) == free
    assert joint_licence(free, NONCOMMERCIAL) == joint_licence(NONCOMMERCIAL, free) == f"{NONCOMMERCIAL} + {free}"
    both = joint_licence(free, IMPORTED_LICENCE)
    assert both == f"{IMPORTED_LICENCE} + {free}"
    assert joint_licence(both, NONCOMMERCIAL) == f"{NONCOMMERCIAL} + {IMPORTED_LICENCE} + {free}"
    assert sellable(free)
    assert not sellable(joint_licence(both, NONCOMMERCIAL))


@pytest.mark.parametrize("stage", ["mixing", "writing"])
def test_a_cancelled_combination_leaves_nothing(studio: Studio, base: Track, beat: Track, stage: str) -> None:
    before, cancel = studio.library.list(), CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == stage:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.combine(base.id, beat.id, "drums", on_progress=stop, cancel=cancel)
    assert studio.library.list() == before
    assert list((studio.directories.library / "staging").iterdir()) == []
