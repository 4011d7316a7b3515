"""Another studio as an engine: a real server on a thread, and a studio that has its music made there."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_engine
import fake_server
import numpy as np
import pytest
from fake_server import Server, make_studio, serving

from nur_studio.audio.files import audio_frames, read_audio
from nur_studio.audio.masters import mix_path, stem_path
from nur_studio.core.controls import Controls, Reference
from nur_studio.core.errors import (
    Cancelled,
    EngineUnavailable,
    GenerationFailed,
    QueueFull,
    ServerUnavailable,
    StudioError,
    UnknownEngine,
)
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.request import GenerationRequest
from nur_studio.core.timing import Section
from nur_studio.core.track import Status, Track
from nur_studio.engines.base import MusicTask
from nur_studio.engines.remote import errand
from nur_studio.engines.remote.engine import Remote
from nur_studio.engines.remote.errand import Brought, Errand
from nur_studio.engines.remote.listing import MEMORY_NAME, Listing
from nur_studio.remote.api import StudioApi
from nur_studio.remote.server import Server as Place
from nur_studio.studio import Studio

TOKEN = "a-token-of-the-tests"
ABLE = ("controls", "sections", "continue", "melody", "keep", "together", "count-in")
THERE = (
    *fake_server.ENGINES,
    fake_engine.info("able", ABLE),
    replace(fake_engine.info("barred"), sellable=False),
    replace(fake_engine.info("remote:fake"), host="elsewhere"),
)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The studio in the cupboard."""
    home = Directories.below(tmp_path_factory.mktemp("far"))
    with (
        Studio(home, engines=lambda: THERE, separators=lambda: fake_server.SEPARATORS) as studio,
        serving(studio, token=TOKEN) as server,
    ):
        studio.settings = replace(studio.settings, separate=False)
        yield server


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory, far: Server) -> Iterator[Studio]:
    """The studio that has its music made there."""
    with near_studio(tmp_path_factory.mktemp("near"), far.address, TOKEN) as studio:
        studio.ask_server()
        yield studio


def near_studio(home: Path, address: str, token: str = "") -> Studio:
    studio = Studio(Directories.below(home), engines=lambda: (fake_engine.info("here"),), separators=lambda: ())
    studio.update_settings(server=address, server_token=token)
    return studio


def wanted(engine: str, **more: object) -> GenerationRequest:
    return GenerationRequest("Rainy night tape, jazzy Rhodes", 5, engine=f"remote:{engine}", seed=7, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(near: Studio) -> Track:
    (track,) = near.generate(wanted("fake", tempo=120))
    return track


def sound(path: Path) -> np.ndarray:
    return read_audio(path)[0]


# -- what there is -----------------------------------------------------------------------------------------------


def test_its_engines_are_listed_behind_those_of_this_machine(near: Studio, far: Server) -> None:
    infos = near.engines()
    assert [info.name for info in infos] == [
        "here", "remote:fake", "remote:slow", "remote:refusing", "remote:whole", "remote:tired", "remote:absent",
        "remote:able", "remote:barred",
    ]  # fmt: skip
    fake, absent = infos[1], infos[6]
    assert (fake.title, fake.host, fake.licence, fake.stems) == ("Fake on 127.0.0.1", "127.0.0.1", "for tests", True)
    assert (fake.why_not, absent.why_not) == ("", "Its weights are missing.")
    assert near.default_engine() == "here", "nothing goes over the network unless somebody chose that"
    assert near.ask_server() == (
        f"NUR Studio {far.ask('GET', '/openapi.json').json['info']['version']} answers at {far.address}: "
        "it makes music with Fake, Slow, Refusing, Whole, Tired, Able, Barred."
    )


def test_a_new_process_lists_them_without_asking(near: Studio, tmp_path: Path) -> None:
    memory = near.directories.cache / MEMORY_NAME
    assert TOKEN not in memory.read_text("utf-8")
    with near_studio(tmp_path, near.settings.server) as studio:
        assert [info.name for info in studio.engines()] == ["here"]
        studio.directories.cache.mkdir(parents=True, exist_ok=True)
        (studio.directories.cache / MEMORY_NAME).write_bytes(memory.read_bytes())
        assert [info.name for info in studio.engines()] == ["here"], "read once"
    with Studio(studio.directories, engines=lambda: ()) as again:
        assert "remote:fake" in [info.name for info in again.engines()]
        again.update_settings(server="http://127.0.0.1:1")
        assert again.engines() == (), "what another server has is not this one's"


@pytest.mark.parametrize("text", ["", "[]", '{"address": 1}', '{"address": "x", "engines": 3}', "\x00"])
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    with near_studio(tmp_path, "127.0.0.1:1") as studio:
        studio.directories.cache.mkdir(parents=True, exist_ok=True)
        (studio.directories.cache / MEMORY_NAME).write_text(text)
        assert [info.name for info in studio.engines()] == ["here"]


def test_engines_whose_music_may_not_be_sold_are_left_out_as_those_here(near: Studio) -> None:
    assert not near.engines()[-1].sellable
    near.update_settings(sellable_only=True)
    try:
        assert [info.name for info in near.engines()][-1] == "remote:able"
        with pytest.raises(EngineUnavailable, match=r"What Barred on 127\.0\.0\.1 makes may not be sold"):
            near.submit(wanted("barred"))
    finally:
        near.update_settings(sellable_only=False)


def test_a_studio_is_no_engine_of_its_own(far: Server) -> None:
    """A server that asked itself would wait behind itself."""
    far.studio.update_settings(server=far.address, server_token=TOKEN)
    try:
        with pytest.raises(ServerUnavailable, match="this very studio"):
            far.studio.ask_server()
        assert not any(info.host == "127.0.0.1" for info in far.studio.engines())
        with pytest.raises(ServerUnavailable, match="this very studio"):
            far.studio.submit(wanted("whole"))
    finally:
        far.studio.update_settings(server="", server_token="")


def test_controls_go_there_but_the_audio_to_start_from_lies_here(near: Studio, far: Server) -> None:
    assert near.engines()[-2].can == {"controls", "sections", "count-in"}
    with pytest.raises(StudioError, match="cannot continue other music"):
        near.submit(wanted("able", controls=Controls(reference=Reference("continue", "x.wav"))))
    (track,) = near.generate(wanted("able", controls=Controls(description="slow tape, bpm: 90", guidance=4.0)))
    assert track.tempo == 90
    there = far.studio.library.restore(track.recipe["details"]["server"]["track"])
    asked = there.recipe["request"]["controls"]
    assert (asked["guidance"], asked["description"]) == (4.0, "slow tape, bpm: 90")
    assert there.tempo_asked is None, "nobody named one in the request, so none is held"
    far.studio.library.delete(there.id)


# -- a take ------------------------------------------------------------------------------------------------------


def test_a_take_is_made_there_and_kept_here(near: Studio, far: Server, made: Track) -> None:
    assert (made.status, made.engine, made.model, made.licence) == (
        Status.COMPLETED, "remote:fake", "fake 1", "for tests",
    )  # fmt: skip
    assert (made.tempo, made.key, made.beats_per_bar, made.sections) == (120, "A minor", 4, (Section("A", 0, 2.0),))
    assert audio_frames(mix_path(made.folder)) == (5 * 44100, 44100)
    assert made.lanes == STEMS
    stems = sum(sound(stem_path(made.folder, stem)) for stem in STEMS)
    np.testing.assert_allclose(stems, sound(mix_path(made.folder)), atol=5 / 2**23)
    details = made.recipe["details"]
    assert (details["server"]["host"], details["server"]["engine"]) == ("127.0.0.1", "fake")
    assert details["server"]["timings"]["total"] > 0
    assert "separation" not in made.recipe, "the stems are its engine's own"
    assert far.studio.library.list() == [], "it was deleted there"
    assert near.request_of(made.id).engine == "remote:fake"


def test_it_is_the_take_that_is_made_there_to_the_sample(near: Studio, far: Server, made: Track) -> None:
    there = far.studio.library.restore(made.recipe["details"]["server"]["track"])
    assert (there.seed, there.output_format, there.duration_s) == (made.seed, "flac", 5.0)
    for here, its in [
        (mix_path(made.folder), mix_path(there.folder)),
        *((stem_path(made.folder, stem), stem_path(there.folder, stem)) for stem in STEMS),
    ]:
        assert np.array_equal(sound(here), sound(its))
    far.studio.library.delete(there.id)


def test_it_comes_in_the_sample_rate_of_this_studio(near: Studio) -> None:
    near.update_settings(sample_rate=48000)
    try:
        (track,) = near.generate(wanted("whole"))
    finally:
        near.update_settings(sample_rate=44100)
    assert audio_frames(mix_path(track.folder)) == (5 * 48000, 48000)
    assert track.lanes == ()


def test_bars_and_loops_go_there_as_such(near: Studio, far: Server) -> None:
    loop = Controls(loop=True, bar_one=False, far_off="stretch")
    request = replace(wanted("fake", controls=loop), tempo=97, bars=4)
    (track,) = near.generate(request)
    assert track.frames == round(4 * 4 * 60 / 97 * 44100)
    there = far.studio.library.restore(track.recipe["details"]["server"]["track"])
    asked = there.recipe["request"]
    assert (asked["bars"], asked["tempo"], there.frames) == (4, 97, track.frames)
    assert [asked["controls"][name] for name in ("loop", "bar_one", "far_off")] == [True, False, "stretch"]
    far.studio.library.delete(there.id)


def test_a_tempo_that_is_no_whole_number_and_one_that_is_none(near: Studio, far: Server, tmp_path: Path) -> None:
    task = MusicTask("x", 5.0, 97, 7, read_prompt("x"))
    track = far.studio.generate(GenerationRequest("x", 5, engine="fake"))[0]
    files = {"mix": mix_path(track.folder)}
    engine = Remote(Place(far.address, TOKEN), "fake", steered=True)
    facts = {"id": track.id, "tempo": 97, "key": "A minor", "model": "m"}
    music = engine._music(Brought(files, facts, {"tempo_exact": 97.4}), task)
    assert (music.tempo, music.details["tempo_exact"]) == (97, 97.4)
    music = engine._music(Brought(files, {**facts, "tempo": None}, {"tempo_exact": None, "note": "No beat."}), task)
    assert (music.tempo, music.note, "tempo_exact" in music.details) == (0, "No beat.", False)
    with pytest.raises(ServerUnavailable, match="not as a studio would"):
        engine._music(Brought(files, {**facts, "tempo": "quick"}, {}), task)
    far.studio.library.delete(track.id)


def test_stems_that_were_separated_there_say_so_here(near: Studio, far: Server) -> None:
    far.studio.settings = replace(far.studio.settings, separate=True, separator="apart")
    try:
        (track,) = near.generate(wanted("whole"))
    finally:
        far.studio.settings = replace(far.studio.settings, separate=False)
    told = track.recipe["separation"]
    assert (told["separator"], told["stems"], track.lanes) == ("apart", list(STEMS), STEMS)
    assert len(told["id"]) == 8, "made here: it names a folder"
    stems = sum(sound(stem_path(track.folder, stem)) for stem in STEMS)
    np.testing.assert_allclose(stems, sound(mix_path(track.folder)), atol=5 / 2**23)


# -- what goes wrong ---------------------------------------------------------------------------------------------


def test_a_take_that_fails_there_says_why(near: Studio) -> None:
    with pytest.raises(GenerationFailed, match=r"^127\.0\.0\.1: Not today\.$"):
        near.generate(wanted("refusing"))
    with pytest.raises(EngineUnavailable, match="weights are missing"):
        near.generate(wanted("absent"))
    with pytest.raises(UnknownEngine, match="remote:nothing"):
        near.generate(wanted("nothing"))


def errand_to(address: str, folder: Path, engine: str) -> Errand:
    return Errand(Place(address, TOKEN), {"prompt": "x", "duration": 5, "engine": engine}, folder)


def until_there(act: Callable[[], None]) -> Callable[[Progress], None]:
    """An `on_progress` that acts once, when a take is being made there."""
    done: list[bool] = []

    def tell(progress: Progress) -> None:
        if progress.stage == "pretending" and not done:
            done.append(True)
            act()

    return tell


def test_a_cancel_ends_it_there_too(near: Studio, far: Server) -> None:
    cancel, before = CancelToken(), near.library.count()
    with pytest.raises(Cancelled):
        near.generate(wanted("slow"), until_there(cancel.cancel), cancel=cancel)
    assert near.library.count() == before
    far.serving.desk.finish()  # it does: "slow" would be at it for ever
    assert far.studio.library.list() == []


def test_a_server_without_room_is_asked_again(near: Studio, far: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueueFull, "retry_after_s", 0)
    desk = far.serving.desk
    monkeypatch.setattr(desk, "limit", 1)
    (first,) = desk.generate(GenerationRequest("in the way", 5, engine="slow"))
    stages: list[str] = []

    def tell(progress: Progress) -> None:
        stages.append(progress.stage)
        if progress.stage.startswith("waiting for room"):
            desk.cancel(first.id)

    (track,) = near.generate(wanted("fake"), tell)
    assert track.status is Status.COMPLETED
    assert "waiting for room on 127.0.0.1" in stages


def test_a_server_that_goes_away_is_a_sentence_and_what_was_begun_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off without a word, as by a pulled plug."""
    monkeypatch.setattr(errand, "TRIES", 2)
    monkeypatch.setattr(errand, "_AGAIN_S", 0.01)
    with make_studio(tmp_path / "far") as there, serving(there) as server:
        work = errand_to(server.address, tmp_path, "slow")
        work.start()
        while not (isinstance(news := work.news.get(timeout=20), Progress) and news.stage == "pretending"):
            assert isinstance(news, Progress)
        server.serving._server.force_exit = server.serving._server.should_exit = True
        while isinstance(news := work.news.get(timeout=20), Progress):
            pass
        assert isinstance(news, ServerUnavailable)
        assert news.sentence == f"The studio's server at {server.address} cannot be reached: nothing listens there."
        assert news.hint == "What was begun on 127.0.0.1 goes on there, and stays in its library."
        assert [track.status for track in there.library.list()] == [Status.PROCESSING]


def test_the_line_may_break_for_a_moment(tmp_path: Path, far: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut at its first events, and at its first file."""
    monkeypatch.setattr(errand, "_AGAIN_S", 0.01)
    cuts: list[str] = []
    events, download = StudioApi.events, StudioApi.download

    def cut_events(self: StudioApi, *arguments: Any) -> Any:
        if len(cuts) < 2:
            cuts.append("events")
            raise ServerUnavailable("cut")
        return events(self, *arguments)

    def cut_download(self: StudioApi, *arguments: Any) -> Any:
        if len(cuts) < 3:
            cuts.append("download")
            raise ServerUnavailable("cut")
        return download(self, *arguments)

    monkeypatch.setattr(StudioApi, "events", cut_events)
    monkeypatch.setattr(StudioApi, "download", cut_download)
    work = errand_to(far.address, tmp_path, "fake")
    work.start()
    while isinstance(news := work.news.get(timeout=20), Progress):
        pass
    assert isinstance(news, Brought)
    assert cuts == ["events", "events", "download"]
    assert set(news.files) == {"mix", *STEMS}


def test_a_take_given_up_while_it_is_asked_for_is_not_left_there(tmp_path: Path, far: Server) -> None:
    work = errand_to(far.address, tmp_path, "slow")
    submit, asked, go = work._api.submit, threading.Event(), threading.Event()

    def late(body: object) -> object:
        facts = submit(body)  # type: ignore[arg-type]
        asked.set()
        assert go.wait(20)
        return facts

    work._api.submit = late  # type: ignore[method-assign,assignment]
    work.start()
    assert asked.wait(20)
    work._given_up.cancel()
    go.set()
    work._thread.join(20)
    assert far.studio.library.list() == []
    far.serving.desk.finish()


@pytest.mark.parametrize(
    ("address", "token", "words"),
    [
        ("http://127.0.0.1:1", "", r"at http://127\.0\.0\.1:1 cannot be reached: nothing listens there\."),
        ("far", "", r"wants the token it was started with, and was given none\."),
        ("far", "not-this-one-at-all", r"wants the token it was started with, and was given another\."),
        ("http://", "", "address must be one such as studio.local"),
        ("ftp://studio.local", "", "address must be one such as studio.local"),
        ("", "", "No address is given"),
    ],
)
def test_what_is_wrong_with_a_server_is_a_sentence(
    tmp_path: Path, far: Server, address: str, token: str, words: str
) -> None:
    address = far.address if address == "far" else address
    with near_studio(tmp_path, address, token) as studio:
        with pytest.raises(StudioError, match=words):
            studio.ask_server()
        assert [info.name for info in studio.engines()] == ["here"]
        studio.update_settings(engine="remote:fake")
        if not address:
            assert studio.default_engine() == "here", "with its server an engine is gone"


def test_a_server_that_stopped_answering_is_known_by_what_it_had(tmp_path: Path) -> None:
    with near_studio(tmp_path / "near", "") as studio:
        with make_studio(tmp_path / "far") as there, serving(there) as server:
            studio.update_settings(server=server.address)
            studio.ask_server()
        with pytest.raises(ServerUnavailable):
            studio.ask_server()
        assert {info.name for info in studio.engines()} > {"remote:fake"}
        (why_not,) = {info.why_not for info in studio.engines() if info.host}
        assert why_not.startswith(f"The studio's server at {server.address} cannot be reached")
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            studio.submit(wanted("fake"))


def test_an_address_that_swallows_everything_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Place(f"http://127.0.0.1:{silent.getsockname()[1]}")
        listing = Listing(tmp_path, "")
        monkeypatch.setattr("nur_studio.engines.remote.listing.PATIENCE_S", 0.2)
        with pytest.raises(ServerUnavailable, match="it does not answer"):
            listing.ask(place)
        assert "it does not answer" in listing.fault(place)
        cancel = CancelToken()
        cancel.cancel()
        with pytest.raises(Cancelled):
            listing.ask(place, cancel)


def test_the_token_is_in_nothing_that_is_kept_or_told(
    near: Studio, made: Track, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert TOKEN not in repr(near.engines())
        assert TOKEN not in repr(near.settings)
    near.close()
    settings = near.directories.settings_file
    for path in near.directories.data.parent.rglob("*"):
        if path.is_file() and path != settings:
            assert TOKEN.encode() not in path.read_bytes(), path
    assert TOKEN in settings.read_text("utf-8")
    assert TOKEN not in caplog.text
