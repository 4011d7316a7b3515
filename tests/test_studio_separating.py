"""Stems for finished tracks through the studio: by itself after making, on demand, anew; and never at a take's cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fake_engine
import numpy as np
import pytest

from nur_studio.audio.files import read_audio, read_tags
from nur_studio.audio.masters import lane_peaks, mix_path, stem_path
from nur_studio.core.errors import Cancelled, EngineUnavailable, StudioError, TrackNotFound, UnknownEngine
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.settings import Settings, load_settings
from nur_studio.core.track import Status, Track
from nur_studio.engines.base import EngineInfo
from nur_studio.studio import Studio

REQUEST = GenerationRequest("lo-fi", 5, engine="whole")
ENGINES = (fake_engine.info("sketch"), fake_engine.info("whole", stems=False))


class Apart:
    """The separators there are; a test changes them."""

    def __init__(self) -> None:
        self.known: list[EngineInfo] = [
            fake_engine.separator("htdemucs"),
            fake_engine.separator("htdemucs_ft", why_not="Its weights are not here."),
            fake_engine.separator("htdemucs_6s", lanes=SIX_LANES),
        ]

    def __call__(self) -> list[EngineInfo]:
        return self.known


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Apart]]:
    """One for all: its engine process stays warm."""
    apart = Apart()
    home = tmp_path_factory.mktemp("home")
    with Studio(Directories.below(home), engines=lambda: ENGINES, separators=lambda: apart()) as studio:
        yield studio, apart


@pytest.fixture
def apart(opened: tuple[Studio, Apart]) -> Apart:
    return opened[1]


@pytest.fixture
def studio(opened: tuple[Studio, Apart]) -> Studio:
    """As on the first day."""
    studio, apart = opened
    apart.known = Apart().known
    studio.settings = Settings()
    for track in studio.library.list():
        if track.status is Status.PENDING:
            studio.discard(track.id)
        else:
            studio.library.delete(track.id)
    studio.purge()
    return studio


def whole(studio: Studio) -> Track:
    """A track without stems."""
    (track,) = studio.generate(REQUEST, stems=False)
    assert track.lanes == ()
    return track


def test_what_is_made_is_separated_by_itself(studio: Studio) -> None:
    seen: list[Progress] = []
    tracks = studio.generate(replace(REQUEST, takes=2), seen.append)
    assert [track.lanes for track in tracks] == [STEMS, STEMS]
    assert [p.fraction for p in seen] == sorted(p.fraction for p in seen)
    assert [stage for stage in dict.fromkeys(p.stage for p in seen) if stage in ("pretending", "separating")] == [
        "pretending",
        "separating",
    ]
    assert seen[-1].fraction == 1.0
    track = studio.library.get(tracks[0].id)
    assert track == tracks[0]
    told = track.recipe["separation"]
    assert (told["separator"], told["licence"], told["stems"]) == ("htdemucs", "for tests too", list(STEMS))
    assert told["details"]["model"] == "fake 2"
    assert told["versions"]["numpy"] == np.__version__
    assert told["seconds"]["total"] > 0
    assert json.loads((track.folder / "recipe.json").read_text("utf-8"))["separation"]["id"] == told["id"]
    assert set(lane_peaks(track.folder)) == {"mix", *STEMS}
    total = sum(read_audio(stem_path(track.folder, stem))[0].astype(np.float64) for stem in STEMS)
    assert np.array_equal(total, read_audio(mix_path(track.folder))[0].astype(np.float64))
    assert not any((studio.directories.library / "staging").iterdir())


def test_it_is_left_where_the_person_says_so_or_nothing_can(studio: Studio, apart: Apart) -> None:
    assert studio.generate(REQUEST, stems=True)[0].lanes == STEMS
    studio.update_settings(separate=False)
    assert studio.generate(REQUEST)[0].lanes == ()
    assert studio.generate(REQUEST, stems=True)[0].lanes == STEMS
    studio.update_settings(separate=True)
    apart.known = apart.known[1:2]
    track = studio.generate(REQUEST)[0]
    assert track.lanes == ()
    assert not track.recipe["note"], "nobody asked"
    assert not studio.separates(track)


def test_an_engines_own_stems_are_not_touched(studio: Studio) -> None:
    (track,) = studio.generate(replace(REQUEST, engine="sketch"))
    assert track.lanes == STEMS
    assert "separation" not in track.recipe
    before = stem_path(track.folder, "drums").read_bytes()
    with pytest.raises(StudioError, match="are its own"):
        studio.separate(track.id)
    assert stem_path(track.folder, "drums").read_bytes() == before
    after = studio.separate(track.id, force=True)
    assert after.recipe["separation"]["separator"] == "htdemucs"
    assert stem_path(track.folder, "drums").read_bytes() != before


def test_another_separator_replaces_the_stems_and_their_files(studio: Studio) -> None:
    track = studio.separate(whole(studio).id)
    studio.library.set_mix(track.id, Mix({"drums": Channel(mute=True)}))
    first = studio.drag_files(track.id, ("drums", "mix"))
    studio.library.rename(track.id, "Renamed")
    studio.library.rename(track.id, track.title)
    again = studio.separate(track.id, "htdemucs_6s")
    assert again.lanes == SIX_LANES
    assert {path.stem for path in (track.folder / "stems").iterdir()} == {*SIX_LANES, "other"}
    assert again.mix == Mix(), "its strips were those of other stems"
    second = studio.drag_files(track.id, ("drums", "mix"))
    assert second[0] != first[0], "a DAW may still read the stems of before"
    assert second[1] == first[1]
    assert all(path.exists() for path in (*first, *second))
    assert studio.separate(track.id, "htdemucs").lanes == STEMS
    assert not (track.folder / "stems" / "rest.flac").exists()


def test_files_say_who_separated_them(studio: Studio, tmp_path: Path) -> None:
    track = studio.separate(whole(studio).id)
    out = studio.export(track.id, tmp_path / "drums.flac", part="drums")
    assert "Stems: Htdemucs, licence for tests too." in read_tags(out)["comment"]


def test_the_persons_choice_is_taken_where_it_can_run(studio: Studio, apart: Apart) -> None:
    assert [info.name for info in studio.separators()] == ["htdemucs", "htdemucs_ft", "htdemucs_6s"]
    assert studio.default_separator() == "htdemucs"
    studio.update_settings(separator="htdemucs_6s")
    assert studio.default_separator() == "htdemucs_6s"
    studio.update_settings(separator="htdemucs_ft")
    assert studio.default_separator() == "htdemucs", "the best that can run"
    apart.known = [replace(info, why_not="Not here.") for info in apart.known]
    assert studio.default_separator() == ""


def test_what_cannot_be_separated_is_a_sentence(studio: Studio, apart: Apart) -> None:
    track = whole(studio)
    with pytest.raises(UnknownEngine, match="no separator 'nope'; known here: htdemucs, htdemucs_ft, htdemucs_6s"):
        studio.separate(track.id, "nope")
    with pytest.raises(EngineUnavailable, match="weights are not here"):
        studio.separate(track.id, "htdemucs_ft")
    with pytest.raises(TrackNotFound):
        studio.separate("trk_nothinghere1")
    (pending,) = studio.submit(REQUEST)
    assert pending.status is Status.PENDING
    with pytest.raises(StudioError, match="is not finished"):
        studio.separate(pending.id)
    apart.known = apart.known[1:2]
    with pytest.raises(EngineUnavailable, match="weights are not here"):
        studio.separate(track.id)
    mix_path(track.folder).unlink()
    with pytest.raises(StudioError, match="no longer in the library"):
        studio.separate(track.id)


@pytest.mark.parametrize("fault", ["sentence", "bug", "kill", "short"])
def test_a_failure_leaves_the_take_as_it_was(studio: Studio, apart: Apart, fault: str) -> None:
    apart.known = [fake_engine.separator("htdemucs", fault=fault)]
    (track,) = studio.generate(REQUEST)
    assert (track.status, track.lanes) == (Status.COMPLETED, ())
    assert track.recipe["note"].startswith("It has no stems: ")
    kept = studio.library.get(track.id)
    assert (kept.lanes, kept.recipe["note"]) == ((), ""), "tomorrow it may work"
    assert not (track.folder / "stems").exists()
    assert set(lane_peaks(track.folder)) == {"mix"}
    with pytest.raises(StudioError):
        studio.separate(track.id)
    assert not any((studio.directories.library / "staging").iterdir())


def test_a_cancel_keeps_the_take(studio: Studio, apart: Apart) -> None:
    apart.known = [fake_engine.separator("htdemucs", step_s=0.5)]
    token = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "separating":
            token.cancel()

    with pytest.raises(Cancelled):
        studio.generate(REQUEST, stop, cancel=token)
    (track,) = studio.library.list()
    assert (track.status, track.lanes) == (Status.COMPLETED, ())
    assert not any((studio.directories.library / "staging").iterdir())


def test_what_changed_meanwhile_stays_changed(studio: Studio) -> None:
    track = whole(studio)

    def rename(progress: Progress) -> None:
        if progress.stage == "separating":
            studio.library.rename(track.id, "Renamed meanwhile")

    assert studio.separate(track.id, on_progress=rename).title == "Renamed meanwhile"


def test_the_settings_keep_the_choice(studio: Studio) -> None:
    assert (studio.settings.separate, studio.settings.separator) == (True, "htdemucs")
    studio.update_settings(separate=False, separator="htdemucs_6s")
    later = load_settings(studio.directories.settings_file)
    assert (later.separate, later.separator) == (False, "htdemucs_6s")
