"""What is of the local client alone: its end, its desk, its threads."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_server import Server

from nur_studio import InvalidRequest, MusicTrack, NurClient, TrackNotFound
from nur_studio.core.errors import FileProblem, GenerationFailed, StudioError
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status
from nur_studio.studio.desk import Desk


def ask(client: NurClient, prompt: str = "slow waltz", **more: Any) -> MusicTrack:
    track = client.music.generate(prompt, 5, wait=False, **more)
    assert isinstance(track, MusicTrack)
    return track


def test_leaving_in_peace_waits_for_what_was_asked_and_leaving_in_haste_fails_it(server: Server) -> None:
    with NurClient(studio=server.studio) as client:
        track = ask(client)
    assert server.studio.library.get(track.id).status is Status.COMPLETED
    with pytest.raises(ZeroDivisionError), NurClient(studio=server.studio) as client:
        tracks = [ask(client, engine="slow"), ask(client)]
        raise ZeroDivisionError
    for track in tracks:
        kept = server.studio.library.get(track.id)
        assert kept.status is Status.FAILED
        assert kept.error == "The program that asked for this take ended before it was finished."
        with pytest.raises(GenerationFailed, match="ended before"):
            track.wait()
    with pytest.raises(StudioError, match="ended before"):
        ask(client)


def test_ctrl_c_while_it_waits_cancels_the_take(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = NurClient(studio=server.studio)
    seen: list[str] = []

    def interrupted(track_id: str, *_: object) -> None:
        seen.append(track_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(client.music._backend, "follow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.music.generate("for ever", 5, engine="slow")
    with pytest.raises(TrackNotFound):
        client.music.get(seen[0])
    client.close()


def test_threads_share_a_client(server: Server) -> None:
    client = NurClient(studio=server.studio)
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(client.music.generate("together", 5))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert {track.status for track in made} == {"completed"}
    assert len({track.id for track in made}) == 2


def test_a_client_nobody_holds_lets_go_of_its_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUR_STUDIO_HOME", str(tmp_path))
    client: NurClient | None = NurClient()
    assert client is not None
    assert client.music.list() == []
    studio = client.music._backend._studio  # type: ignore[attr-defined]
    client = None
    gc.collect()
    with pytest.raises(FileProblem, match="closed"):
        studio.library.list()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"token": "x"}, "token"),
        ({"base_url": "127.0.0.1:8765"}, "base_url"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "http://"}, "base_url"),
        ({"base_url": "http://me:secret@x"}, "base_url"),
        ({"base_url": "http://x:port"}, "base_url"),
        ({"base_url": 5}, "base_url"),
        ({"base_url": "http://x", "token": "line\nbreak"}, "token"),
        ({"base_url": "http://x", "token": ""}, "token"),
    ],
)
def test_clients_that_make_no_sense_are_refused(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        NurClient(**arguments)
    assert refused.value.field == field


# -- the desk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["apart", "weary"])
def test_a_take_counts_as_made_once_it_has_its_stems_or_cannot_have_them(
    server: Server, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    studio = server.studio
    monkeypatch.setattr(studio, "settings", replace(studio.settings, separate=True, separator=separator))
    desk = Desk(studio)
    states: set[tuple[Status, Status]] = set()
    (track,) = desk.generate(GenerationRequest("in parts", 5, engine="whole"))
    job = desk.job(track.id)
    assert job is not None

    def look() -> None:
        if not job.ended and job.progress.stage == "separating":
            kept = studio.library.get(track.id)
            states.add((kept.status, desk.shown(kept).status))

    with job.listening(look):
        desk.finish()
    assert states == {(Status.COMPLETED, Status.PROCESSING)}
    kept = studio.library.get(track.id)
    assert desk.shown(kept).status is Status.COMPLETED
    assert bool(kept.lanes) is (separator == "apart")
    assert studio.ready_delivery(track.id) is not None
    desk.close()


def test_separation_is_cancelled_without_harm_and_deleting_cancels_it(server: Server) -> None:
    desk = Desk(server.studio)
    (track,) = desk.generate(GenerationRequest("whole again", 5, engine="whole"))
    (slow,) = desk.generate(GenerationRequest("in the way", 5, engine="slow"))
    job = desk.job(track.id)
    assert job is not None
    job.wait()
    desk.separate(track.id, "apart")
    assert desk.ahead(track.id) == 1
    assert desk.cancel(track.id)
    desk.cancel(slow.id)
    desk.finish()
    assert not desk.cancel(track.id)
    kept = server.studio.library.get(track.id)
    assert (kept.status, kept.lanes) == (Status.COMPLETED, ())
    desk.close()


def test_what_is_deleted_elsewhere_while_it_waits_is_not_made(server: Server) -> None:
    desk = Desk(server.studio)
    (slow,) = desk.generate(GenerationRequest("in the way", 5, engine="slow"))
    (track,) = desk.generate(GenerationRequest("unwanted", 5))
    server.studio.library.delete(track.id)  # the window does
    desk.cancel(slow.id)
    desk.finish()
    job = desk.job(track.id)
    assert job is not None
    assert isinstance(job.outcome, TrackNotFound)
    desk.close()
