"""Controls, references and an early end over a real library and engine process; only the music is fake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_engine
import numpy as np
import pytest
from tag_readers import by_libsndfile

from nur_studio.audio.files import Encoding, write_audio
from nur_studio.audio.masters import mix_path, stem_path
from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.errors import EngineUnavailable, FileProblem, InvalidRequest, StudioError, TrackNotFound
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status, Track
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.messages import CODES_NAME
from nur_studio.studio import Studio
from nur_studio.studio.steering import reference_audio

ALL = ("keep", "controls", "sections", "continue", "melody", "count-in")
PLAIN = fake_engine.info("plain")
ABLE = fake_engine.info("able", can=ALL, codes=True)
KEEPING = fake_engine.info("keeping", can=("keep",), keeps=True, step_s=0.2)
NOT_FOR_SALE = replace(fake_engine.info("shared"), sellable=False, licence="not for sale")
ABSENT = replace(fake_engine.info("absent"), why_not="Its weights are missing.")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    engines = (PLAIN, ABLE, KEEPING, NOT_FOR_SALE, ABSENT)
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=lambda: engines) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(studio: Studio) -> Track:
    return studio.generate(ask(engine="able"))[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hummed.wav"
    write_audio(path, np.full((20 * 8000, 1), 0.1, np.float32), 8000, Encoding("wav", "PCM_16"))
    return path


def ask(prompt: str = "lo-fi beat", duration: int = 5, **fields: Any) -> GenerationRequest:
    return replace(GenerationRequest(prompt, duration), **fields)


def steered(**controls: Any) -> GenerationRequest:
    return ask(engine="able", controls=Controls(**controls))


# -- which engine ------------------------------------------------------------------------------------------------


def names(*engines: EngineInfo) -> tuple[str, ...]:
    return tuple(engine.name for engine in engines)


def test_the_best_engine_is_the_first_that_can_run_sketch_the_last_resort(tmp_path: Path) -> None:
    sketch = replace(PLAIN, name="sketch")
    there = [sketch, ABSENT]
    with Studio(Directories.below(tmp_path), engines=lambda: there) as studio:
        assert studio.settings.engine == ""
        assert studio.default_engine() == "sketch"
        there += [NOT_FOR_SALE, ABLE]
        assert studio.default_engine() == "shared"
        studio.update_settings(engine="sketch")
        assert studio.default_engine() == "sketch"
        studio.update_settings(engine="absent")
        assert studio.default_engine() == "absent", "what was chosen is said to be missing, not replaced in silence"
        with pytest.raises(EngineUnavailable, match="weights are missing"):
            studio.submit(ask())


def test_only_what_may_be_sold(tmp_path: Path) -> None:
    with Studio(Directories.below(tmp_path), engines=lambda: (NOT_FOR_SALE, PLAIN)) as studio:
        studio.update_settings(engine="shared")
        (waiting,) = studio.submit(ask())
        studio.update_settings(sellable_only=True)
        assert names(*studio.engines()) == ("plain",)
        assert studio.default_engine() == "plain"
        with pytest.raises(EngineUnavailable, match=r"^What Shared makes may not be sold, and the settings ask for"):
            studio.submit(ask(engine="shared"))
        assert studio.make(waiting.id).status is Status.COMPLETED, "it was asked for before"
        (sold,) = studio.generate(ask())
        assert sold.engine == "plain"


def test_an_engine_that_went_away_while_a_take_waited(tmp_path: Path) -> None:
    there = [PLAIN]
    with Studio(Directories.below(tmp_path), engines=lambda: there) as studio:
        (waiting,) = studio.submit(ask(engine="plain"))
        there[:] = [replace(PLAIN, why_not="It was removed.")]
        with pytest.raises(EngineUnavailable, match="It was removed"):
            studio.make(waiting.id)
        failed = studio.library.get(waiting.id)
        assert (failed.status, failed.error.startswith("It was removed.")) == (Status.FAILED, True)


# -- what an engine can ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        (Controls(guidance=4.0), "Plain cannot be steered by description, guidance or temperature."),
        (Controls(description="a b"), "Plain cannot be steered by description, guidance or temperature."),
        (Controls(sections=(SectionPrompt(0, "calm"),)), "Plain cannot follow a description per section."),
        (Controls(reference=Reference("melody", "/x.wav")), "Plain cannot follow a melody."),
        (Controls(reference=Reference("continue", "/x.wav")), "Plain cannot continue other music."),
        (Controls(count_in=True), "Plain cannot be counted in by drums."),
    ],
)
def test_what_an_engine_cannot_is_refused_with_one_that_can(studio: Studio, controls: Controls, words: str) -> None:
    before = studio.library.count()
    with pytest.raises(StudioError) as caught:
        studio.submit(ask(engine="plain", controls=controls))
    assert (caught.value.sentence, caught.value.hint) == (words, "Choose Able, or leave that out.")
    with pytest.raises(StudioError):
        studio.check_controls(ask(engine="plain", controls=controls))
    assert studio.library.count() == before


def test_music_that_continues_is_not_counted_in(studio: Studio, file: Path) -> None:
    with pytest.raises(InvalidRequest, match="count_in"):
        studio.submit(steered(count_in=True, reference=Reference("continue", str(file))))


def test_controls_come_back_with_the_request(studio: Studio, source: Track) -> None:
    request = ask(
        engine="able",
        seed=5,
        controls=Controls(
            description="tape hiss. bpm: 87",
            negative="vocals",
            guidance=4.5,
            top_k=100,
            sections=(SectionPrompt(0, "calm"), SectionPrompt(4, "loud")),
            reference=Reference("melody", source.id, "bass", 1.0, 4.0),
            loop=True,
        ),
    )
    (track,) = studio.generate(request)
    assert studio.request_of(track.id) == request
    assert track.tempo == 87, "a tempo in a description of one's own is the take's"
    stored = json.loads((track.folder / "recipe.json").read_text("utf-8"))
    assert stored["request"]["controls"]["guidance"] == 4.5


def test_the_tune_of_a_track_comes_without_its_drums_and_bass(studio: Studio, source: Track) -> None:
    for part, files in (("mix", ["vocals.flac", "other.flac"]), ("bass", ["bass.flac"])):
        audio = reference_audio(Reference("melody", source.id, part), studio.library)
        assert audio is not None
        assert [path.name for path in audio.audio] == files
    mix = reference_audio(Reference("continue", source.id), studio.library)
    assert mix is not None
    assert [path.name for path in mix.audio] == ["mix.flac"]


def test_a_take_of_an_older_studio_has_no_controls(studio: Studio, source: Track) -> None:
    from nur_studio.studio import recipe

    asked = {name: value for name, value in source.recipe["request"].items() if name != "controls"}
    old = replace(source, recipe={**source.recipe, "request": asked})
    assert recipe.request_of(old).controls == Controls()


def test_the_description_people_see_is_the_one_a_model_gets(studio: Studio) -> None:
    from nur_studio.studio import recipe

    request = ask("Rainy night, jazzy Rhodes", engine="able", genre="Zeuhl", tempo=85, seed=3)
    (track,) = studio.submit(request)
    told = recipe.task_of(track, None).controls.description
    studio.discard(track.id)
    assert told == studio.description_for(request)
    assert "Zeuhl" in told
    assert "bpm: 85" in told
    assert studio.description_for(GenerationRequest("", 0)) is not None


def test_delivery_follows_the_settings(studio: Studio) -> None:
    studio.update_settings(sample_rate=48000, master=False)
    try:
        (track,) = studio.generate(ask(engine="plain"))
    finally:
        studio.update_settings(sample_rate=44100, master=True)
    assert track.recipe["delivery"] == {"sample_rate": 48000, "master": False, "far_off": "ask"}
    assert track.recipe["details"]["delivery"] == [48000, False]


# -- references --------------------------------------------------------------------------------------------------


def test_a_take_that_continues_another_begins_with_it(studio: Studio, source: Track) -> None:
    request = steered(reference=Reference("continue", source.id, start_s=1.0))
    (pending,) = studio.submit(request)
    assert pending.duration_s == 4.0 + 5.0
    made = studio.make(pending.id)
    assert made.duration_s == 9.0
    assert made.recipe["details"]["heard"] == [str(mix_path(source.folder)), 1.0, 5.0]
    assert made.recipe["details"]["heard_codes"] == str(source.folder / CODES_NAME)
    assert studio.request_of(made.id).duration == 5, "asked again, it is as much new music again"


def test_a_tune_from_a_stem_or_a_file_adds_nothing(
    studio: Studio, source: Track, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = studio.generate(steered(reference=Reference("melody", source.id, "bass", 0.0, 99.0)))
    assert made.duration_s == 5.0
    assert made.recipe["details"]["heard"] == [str(stem_path(source.folder, "bass")), 0.0, 5.0]
    assert made.recipe["details"]["heard_codes"] == "", "codes are the whole mix's"
    monkeypatch.chdir(file.parent)
    (made,) = studio.generate(steered(reference=Reference("melody", file.name, start_s=2.0, end_s=8.0)))
    assert made.recipe["details"]["heard"] == [str(file), 2.0, 8.0]
    again = studio.request_of(made.id).controls.reference
    assert again is not None
    assert again.source == str(file), "from any folder"


def test_references_that_cannot_be_used(studio: Studio, source: Track, file: Path, tmp_path: Path) -> None:
    def refusal(reference: Reference) -> StudioError:
        before = studio.library.count()
        with pytest.raises(StudioError) as caught:
            studio.submit(steered(reference=reference))
        assert studio.library.count() == before
        return caught.value

    assert isinstance(refusal(Reference("melody", "trk_000000000000")), TrackNotFound)
    assert "There is no file" in str(refusal(Reference("melody", str(tmp_path / "no.wav"))))
    (tmp_path / "text.wav").write_text("no sound")
    assert "not audio" in str(refusal(Reference("melody", str(tmp_path / "text.wav"))))
    assert "less than 1 s" in str(refusal(Reference("continue", str(file), start_s=19.5)))
    assert isinstance(refusal(Reference("continue", source.id, part="tuba")), InvalidRequest)
    assert "has no guitar of its own" in str(refusal(Reference("continue", source.id, part="guitar")))
    (pending,) = studio.submit(ask(engine="plain"))
    with pytest.raises(StudioError, match="is not finished yet"):
        studio.submit(steered(reference=Reference("continue", pending.id)))
    studio.discard(pending.id)


def test_a_long_file_is_continued_in_part_and_followed_from_its_start(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "hour.flac"
    write_audio(path, np.zeros((8000 * 301, 1), np.float32), 8000, Encoding("flac"))
    with pytest.raises(FileProblem, match=r"longer than 5 minutes\. Choose the part"):
        studio.submit(steered(reference=Reference("continue", str(path))))
    (made,) = studio.generate(steered(reference=Reference("melody", str(path))))
    assert made.recipe["details"]["heard"] == [str(path), 0.0, 300.0]


def test_a_reference_that_went_away_while_the_take_waited(studio: Studio, file: Path) -> None:
    (pending,) = studio.submit(steered(reference=Reference("melody", str(file))))
    file.unlink()
    with pytest.raises(FileProblem, match="There is no file"):
        studio.make(pending.id)
    assert studio.library.get(pending.id).status is Status.FAILED


# -- an early end ------------------------------------------------------------------------------------------------


def test_what_is_made_so_far_is_kept_and_nothing_else_begun(studio: Studio) -> None:
    cancel = CancelToken()
    before = studio.library.count()
    tracks = studio.generate(ask(engine="keeping", takes=3), on_chunk=lambda _: cancel.keep(), cancel=cancel)
    (kept,) = tracks
    assert studio.library.count() == before + 1
    assert kept.status is Status.COMPLETED
    assert 0 < kept.duration_s < 5
    assert kept.frames == round(kept.duration_s * kept.sample_rate)
    assert kept.recipe["note"] == "It was ended early."


# -- the licence in files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_every_file_for_people_says_its_licence(studio: Studio, tmp_path: Path, kind: str) -> None:
    (track,) = studio.generate(ask(engine="shared"))
    path = studio.export(track.id, tmp_path / f"x.{kind}", encoding=Encoding(kind))
    (dragged,) = studio.drag_files(track.id, ("drums",), Encoding(kind))
    for file in (path, dragged, studio.export_stems(track.id, tmp_path / "stems", Encoding(kind))[0]):
        tags = by_libsndfile(file)
        assert "not for sale" in tags["comment"]
        assert "shared" in tags["comment"]
        assert tags["copyright"] == "not for sale"
