"""The server of the reference as programs meet it: answers, files, events, and who is kept out."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, Server, make_studio, serving

from nur_studio.core.errors import InvalidRequest, ServerUnavailable
from nur_studio.core.fields import FIELDS
from nur_studio.core.progress import Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status, is_track_id
from nur_studio.remote.api import StudioApi
from nur_studio.server import guard, protocol
from nur_studio.server.answers import Words
from nur_studio.server.guard import Access
from nur_studio.studio import Studio

TOKEN = "a token nobody guesses"
GENERATE, LIST = "/v1/music/generate", "/v1/music"
WISH = {"prompt": "Rainy night tape", "duration": 5, "tempo": 120, "seed": 7}


@pytest.fixture(scope="module")
def take(server: Server) -> dict[str, Any]:
    """A finished take, by the server's own answer."""
    answered = server.ask("POST", f"{GENERATE}?wait=true", {**WISH, "prompt": "Rainy night tape, Nordmeer ä"})
    assert answered.status == 200
    track: dict[str, Any] = answered.json
    return track


def path_of(url: str) -> str:
    return re.sub(r"^http://127\.0\.0\.1:\d+", "", url)


def refusal(answered: Answer) -> tuple[int, str, str | None]:
    """Status, code and field; the form of every error."""
    error = answered.json["error"]
    assert answered.headers["content-type"] == "application/json"
    assert {"code", "message", "field"} <= set(error) <= {"code", "message", "field", "hint", "allowed"}
    assert error["message"].endswith(".")
    return answered.status, error["code"], error["field"]


# -- music -------------------------------------------------------------------------------------------------------


def test_music_is_taken_in_at_once_and_followed_to_its_end(server: Server) -> None:
    taken = server.ask("POST", GENERATE, WISH)
    track = taken.json
    assert (taken.status, track["status"], track["audio_url"]) == (202, "pending", None)
    assert is_track_id(track["id"])
    assert taken.headers["location"] == f"{LIST}/{track['id']}"
    events = server.ask("GET", f"{LIST}/{track['id']}/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    told = [block.split("\n") for block in events.body.decode().strip().split("\n\n") if not block.startswith(":")]
    names = [name.removeprefix("event: ") for name, _ in told]
    facts = [json.loads(data.removeprefix("data: ")) for _, data in told]
    assert names[-1] == "completed"
    assert set(names[:-1]) == {"progress"}
    fractions = [each["fraction"] for each in facts[:-1]]
    assert fractions == sorted(fractions)
    assert facts[-1] == server.ask("GET", f"{LIST}/{track['id']}").json
    assert facts[-1]["status"] == "completed"
    again = server.ask("GET", f"{LIST}/{track['id']}/events").body
    assert again.startswith(b"event: completed\n")


def test_no_path_of_the_machine_is_in_any_answer(server: Server, take: dict[str, Any]) -> None:
    home = str(server.studio.directories.data.parent)
    library = server.studio.library
    (failed,) = server.studio.submit(GenerationRequest("x", 5))
    library.fail(failed.id, f"The engine stopped; details: {home}/log/engine.log. Or C:\\Users\\a b\\x.txt.")
    one = f"{LIST}/{take['id']}"
    told = [
        server.ask(method, path, body)
        for method, path, body in (
            ("GET", one, None), ("GET", LIST, None), ("GET", f"{LIST}/{failed.id}", None), ("GET", "/v1/engines", None),
            ("GET", f"{LIST}/{failed.id}/audio", None), ("GET", f"{LIST}/{failed.id}/events", None),
            ("GET", f"{one}/waveform", None), ("GET", "/docs", None), ("GET", "/openapi.json", None),
            ("POST", GENERATE, {"prompt": "x", "engine": "/etc/passwd"}),
            ("POST", GENERATE, {"prompt": "x", "reference": {"use": "melody", "track": "/etc/passwd"}}),
        )
    ]  # fmt: skip
    for answered in told:
        assert home.encode() not in answered.body
        assert b"Users" not in answered.body
    assert told[2].json["error"].startswith("The engine stopped; details: …")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The folder {home}/data/library cannot be made: denied.", "The folder …/library cannot be made: denied."),
        ("There is no folder /srv/other place/x.", "There is no folder … place/x."),
        (r"Free some space at C:\Music\Takes.", "Free some space at …"),
        ("It goes at 90 km/h and/or 3/4.", "It goes at 90 km/h and/or 3/4."),
        ("See http://127.0.0.1:8765/docs.", "See http://127.0.0.1:8765/docs."),
    ],
)
def test_sentences_lose_their_paths(server: Server, text: str, shown: str) -> None:
    directories = server.studio.directories
    assert Words(directories)(text.format(home=directories.data.parent)) == shown


def test_a_disk_that_fails_is_told_without_saying_where(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from nur_studio.core.errors import FileProblem

    home = server.studio.directories.data

    def full(*_: object, **__: object) -> None:
        raise FileProblem(f"The disk is full: {home}/library could not be written.", hint=f"Free some at {home}.")

    monkeypatch.setattr(server.studio.library, "list", full)
    answered = server.ask("GET", LIST)
    assert refusal(answered) == (503, "file_problem", None)
    assert str(home).encode() not in answered.body

    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"in {home}")

    monkeypatch.setattr(server.studio.library, "list", bug)
    answered = server.ask("GET", LIST)
    assert refusal(answered) == (500, "internal", None)
    assert str(home).encode() not in answered.body


@pytest.mark.parametrize(
    ("raw", "headers", "expected"),
    [
        (b"{", {}, (422, "invalid_request", "body")),
        (b"[1]", {}, (422, "invalid_request", "body")),
        (b"\xff\xfe", {}, (422, "invalid_request", "body")),
        (b"[" * 60_000, {}, (422, "invalid_request", "body")),
        (b'{"duration": ' + b"9" * 5000 + b"}", {}, (422, "invalid_request", "body")),
        (b'{"prompt": "x", "duration": 1e999}', {}, (422, "invalid_request", "duration")),
        (b'{"prompt": "\\ud800"}', {}, (422, "invalid_request", "prompt")),
        (b'{"prompt": "x", "\\ud800": 1}', {}, (422, "invalid_request", "\ud800")),
        (b'{"prompt": "x", "engine": "\\ud800"}', {}, (422, "unknown_engine", "engine")),
        (b'{"prompt": "x"}', {"Content-Type": "text/plain"}, (415, "unsupported_media_type", None)),
        (b'{"prompt": "x", "reference": {"use": "melody", "track": "trk_000000000000"}}', {},
         (409, "not_possible", None)),
    ],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused(
    server: Server, raw: bytes, headers: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    answered = server.ask("POST", GENERATE, raw=raw, headers={"Content-Type": "application/json", **headers})
    assert refusal(answered) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "not_found", None)),
        ("GET", GENERATE, (404, "track_not_found", None)),
        ("PUT", LIST, (405, "method_not_allowed", None)),
        ("GET", f"{LIST}/trk_000000000000", (404, "track_not_found", None)),
        ("GET", f"{LIST}/..%2f..%2fetc%2fpasswd", (404, "not_found", None)),
        ("GET", f"{LIST}/%00", (404, "track_not_found", None)),
        ("GET", f"{LIST}?limit=0", (422, "invalid_request", "limit")),
        ("GET", f"{LIST}?limit=many", (422, "invalid_request", "limit")),
        ("GET", f"{LIST}?after=x", (422, "invalid_request", "after")),
        ("GET", f"{LIST}?starred=perhaps", (422, "invalid_request", "starred")),
        ("DELETE", f"{LIST}/trk_000000000000", (404, "track_not_found", None)),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(
    server: Server, method: str, path: str, expected: tuple[int, str, str | None]
) -> None:
    assert refusal(server.ask(method, path)) == expected


def test_takes_are_answered_as_a_list(server: Server) -> None:
    answered = server.ask("POST", GENERATE, {**WISH, "takes": 2, "engine": "slow"})
    first, second = answered.json
    assert (answered.status, first["take"], second["take"], second["seed"]) == (202, 1, 2, 8)
    assert server.ask("DELETE", f"{LIST}/{first['id']}").status == 204
    assert server.ask("GET", f"{LIST}/{first['id']}").status == 404
    assert server.ask("GET", f"{LIST}/{second['id']}").json["status"] in ("pending", "processing"), "one was enough"
    assert server.ask("DELETE", f"{LIST}/{second['id']}").status == 204
    ended = server.ask("GET", f"{LIST}/{second['id']}/events")
    assert ended.status == 404


def test_pages_hold_while_music_comes(server: Server, take: dict[str, Any]) -> None:
    first = server.ask("GET", f"{LIST}?limit=1").json
    assert first["next"] == first["tracks"][0]["id"]
    library = server.studio.library
    (newer,) = server.studio.submit(GenerationRequest("comes between", 5))
    rest, after = [], first["next"]
    while after is not None:
        page = server.ask("GET", f"{LIST}?limit=2&after={after}").json
        rest += [track["id"] for track in page["tracks"]]
        after = page["next"]
    assert [*rest] == [track.id for track in library.list() if track.id not in (newer.id, first["next"])]
    server.studio.discard(newer.id)


def test_who_hangs_up_stops_waiting_and_the_music_goes_on(server: Server) -> None:
    with socket.create_connection(server.place) as link:
        body = json.dumps({**WISH, "prompt": "left alone"}).encode()
        link.sendall(
            b"POST /v1/music/generate?wait=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        while not (found := server.studio.library.list("left alone")):
            pass
    assert server.ask("GET", f"{LIST}/{found[0].id}/events").body.count(b"event: completed") == 1


# -- files -------------------------------------------------------------------------------------------------------


def test_audio_comes_whole_in_ranges_and_in_any_format(server: Server, take: dict[str, Any]) -> None:
    audio = path_of(take["audio_url"])
    whole = server.ask("GET", audio)
    size = len(whole.body)
    assert (whole.status, whole.headers["content-type"], whole.headers["accept-ranges"]) == (200, "audio/mpeg", "bytes")
    head = server.ask("HEAD", audio)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))
    assert head.headers["etag"] == whole.headers["etag"]
    part = server.ask("GET", audio, headers={"Range": "bytes=100-199"})
    assert (part.status, part.body, part.headers["content-range"]) == (
        206,
        whole.body[100:200],
        f"bytes 100-199/{size}",
    )
    assert server.ask("GET", audio, headers={"Range": "bytes=-10"}).body == whole.body[-10:]
    assert server.ask("GET", audio, headers={"Range": f"bytes={size - 5}-"}).body == whole.body[-5:]
    several = server.ask("GET", audio, headers={"Range": "bytes=0-9,20-29"})
    assert several.status == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert whole.body[20:30] in several.body
    beyond = server.ask("GET", audio, headers={"Range": f"bytes={size}-"})
    assert refusal(beyond) == (416, "range_not_satisfiable", None)
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert refusal(server.ask("GET", audio, headers={"Range": "apples=1-2"})) == (400, "malformed", None)
    unchanged = server.ask("GET", audio, headers={"If-None-Match": whole.headers["etag"]})
    assert (unchanged.status, unchanged.body) == (304, b"")
    stale = server.ask("GET", audio, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (stale.status, len(stale.body)) == (200, size)
    assert server.ask("GET", f"{audio}?format=wav").body[:4] == b"RIFF"
    assert server.ask("GET", f"{audio}?format=ogg").headers["content-type"] == "audio/ogg"
    assert refusal(server.ask("GET", f"{audio}?format=aiff")) == (422, "invalid_request", "format")


def test_a_download_is_named_with_tempo_and_key_and_stems_are_lossless(server: Server, take: dict[str, Any]) -> None:
    down = server.ask("HEAD", path_of(take["download_url"]) + "?format=flac")
    assert down.headers["content-disposition"] == "attachment; filename*=utf-8''Rainy%20night%20tape_120bpm_Am.flac"
    stem = server.ask("GET", path_of(take["stems"]["drums"]))
    assert (stem.headers["content-type"], stem.body[:4]) == ("audio/flac", b"fLaC")
    wav = server.ask("GET", f"{LIST}/{take['id']}/stems/bass?format=wav")
    assert wav.headers["content-disposition"] == "inline; filename*=utf-8''Rainy%20night%20tape_120bpm_Am_bass.wav"
    assert refusal(server.ask("GET", f"{LIST}/{take['id']}/stems/guitar")) == (404, "not_found", None)
    assert refusal(server.ask("GET", f"{LIST}/{take['id']}/stems/mix")) == (404, "not_found", None)
    assert refusal(server.ask("GET", f"{LIST}/{take['id']}/download?part=x")) == (422, "invalid_request", "part")
    waveform = server.ask("GET", path_of(take["waveform_url"]))
    assert waveform.headers["content-type"] == "application/json"
    assert waveform.json["length"] > 0


def test_many_who_want_a_format_that_is_not_there_get_the_same_file(server: Server, take: dict[str, Any]) -> None:
    folder = server.studio.directories.drags / take["id"]
    for made in folder.rglob("*.ogg"):
        made.unlink()
    bodies: list[bytes] = []
    address = f"{LIST}/{take['id']}/audio?format=ogg"
    threads = [threading.Thread(target=lambda: bodies.append(server.ask("GET", address).body)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 8
    assert len(set(bodies)) == 1
    assert [path.name for path in folder.rglob("*.part")] == []


def test_a_file_that_is_gone_is_not_found(server: Server) -> None:
    made = server.ask("POST", f"{GENERATE}?wait=true", {**WISH, "prompt": "soon gone"}).json
    track = server.studio.library.get(made["id"])
    for path in track.folder.rglob("*.*"):
        if path.is_file():
            path.unlink()
    assert refusal(server.ask("GET", path_of(made["stems"]["drums"]))) == (404, "not_found", None)
    assert refusal(server.ask("GET", path_of(made["waveform_url"]))) == (404, "not_found", None)


# -- who may ask -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:8765"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "127.0.0.1@evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
    ],
)
def test_only_who_names_this_machine_and_comes_from_it_is_answered(
    server: Server, headers: dict[str, str], status: int
) -> None:
    answered = server.ask("GET", LIST, headers=headers)
    assert answered.status == status
    assert "access-control-allow-origin" not in answered.headers
    if status != 200:
        assert refusal(answered) == (403, "forbidden", None)


def test_pages_of_other_sites_may_look_at_links_and_ask_for_nothing(server: Server) -> None:
    for site in ("cross-site", "same-site"):
        assert server.ask("GET", "/docs", headers={"Sec-Fetch-Site": site}).status == 200
        asked = server.ask("POST", GENERATE, WISH, headers={"Sec-Fetch-Site": site})
        assert refusal(asked) == (403, "forbidden", None)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One that makes nothing."""
    with make_studio(tmp_path_factory.mktemp("quiet")) as opened:
        yield opened


def test_a_token_is_asked_for_everywhere_but_in_the_docs(studio: Studio) -> None:
    with serving(studio, token=TOKEN) as server:
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = server.ask("GET", LIST, headers=headers)
            assert refusal(refused) == (401, "unauthorized", None)
            assert refused.headers["www-authenticate"] == "Bearer"
        assert server.ask("GET", LIST, headers={"Authorization": f"bearer {TOKEN}"}).status == 200
        api = StudioApi(server.address, TOKEN)
        assert [engine["name"] for engine in api.about().engines][:2] == ["fake", "slow"]
        with pytest.raises(ServerUnavailable, match="wants the token"):
            StudioApi(server.address).about()
        assert server.ask("GET", "/docs").status == 200
        assert server.ask("GET", "/openapi.json").json["security"] == [{"token": []}]


def test_a_page_that_is_let_in_may_ask(studio: Studio) -> None:
    page = {"Origin": "http://localhost:3000"}
    with serving(studio, origins=("http://localhost:3000/",)) as server:
        answered = server.ask("GET", LIST, headers={**page, "Sec-Fetch-Site": "same-site"})
        assert (answered.status, answered.headers["access-control-allow-origin"]) == (200, "http://localhost:3000")
        asked = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
        preflight = server.ask("OPTIONS", GENERATE, headers=asked)
        assert (preflight.status, preflight.headers["access-control-allow-private-network"]) == (200, "true")
        assert server.ask("GET", LIST, headers={"Origin": "https://evil.example"}).status == 403


@pytest.mark.parametrize(
    ("host", "token", "origins", "field"),
    [
        ("0.0.0.0", None, (), "host"),
        ("studio.local", None, (), "host"),
        ("0.0.0.0", "short", (), "token"),
        ("127.0.0.1", "line\nbreak in a token", (), "token"),
        ("127.0.0.1", None, ("*",), "allow_origin"),
    ],
)
def test_what_would_leave_the_door_open_is_refused(
    host: str, token: str | None, origins: tuple[str, ...], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Access.given(host, token, origins)
    assert refused.value.field == field
    assert "short" not in str(refused.value)


# -- how much ----------------------------------------------------------------------------------------------------


def raw(server: Server, *pieces: bytes) -> bytes:
    """Send these, then read until the server closes."""
    with socket.create_connection(server.place, timeout=20) as link:
        for piece in pieces:
            link.sendall(piece)
        answered = b""
        while data := link.recv(65536):
            answered += data
        return answered


POST = b"POST /v1/music/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_bodies_that_are_too_large_or_never_end_are_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_S", 0.1)
    assert b" 413 " in raw(server, POST + b"Content-Length: 99999999\r\n\r\n")
    chunks = [b"8000\r\n" + b" " * 0x8000 + b"\r\n"] * 3
    assert b" 413 " in raw(server, POST + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    answered = raw(server, POST + b"Content-Length: 100\r\n\r\n{")
    assert b" 408 " in answered
    assert json.loads(answered.split(b"\r\n\r\n")[1])["error"]["code"] == "too_slow"
    assert b" 403 " in raw(server, POST.replace(b"127.0.0.1", b"evil") + b"Content-Length: 100\r\n\r\n{")


def test_heads_that_never_end_are_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.1)
    for begun in (b"", b"GET /v1/music HT", POST):
        with suppress(ConnectionResetError):
            assert raw(server, begun) == b""
    with socket.create_connection(server.place, timeout=10) as link:
        link.sendall(b"HEAD /docs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")
        link.sendall(b"HEAD /do")  # the next request, on a connection that was kept
        with suppress(ConnectionResetError):
            assert link.recv(65536) == b""


def test_what_is_no_http_is_refused_as_everything_else_is(server: Server) -> None:
    nonsense = raw(server, b"\x16\x03\x01 what\r\n\r\n")
    assert json.loads(nonsense.split(b"\r\n\r\n")[1])["error"]["code"] == "malformed"


def test_no_more_wait_than_there_is_room_for_and_stopping_fails_them(studio: Studio) -> None:
    with serving(studio, limit=2) as server:
        taken = [server.ask("POST", GENERATE, {**WISH, "engine": "slow"}) for _ in range(2)]
        full = server.ask("POST", GENERATE, WISH)
        assert refusal(full) == (503, "queue_full", None)
        assert full.headers["retry-after"] == "10"
        assert refusal(server.ask("POST", GENERATE, {**WISH, "takes": 3})) == (503, "queue_full", None)
        assert server.ask("DELETE", f"{LIST}/{taken[1].json['id']}").status == 204
        again = server.ask("POST", GENERATE, {**WISH, "engine": "slow"})
        assert again.status == 202
        ended: list[bytes] = []
        follower = threading.Thread(
            target=lambda: ended.append(server.ask("GET", f"{LIST}/{again.json['id']}/events").body)
        )
        follower.start()
        while not server.serving.desk.job(again.json["id"])._listeners:
            pass
    follower.join()
    assert b"event: failed" in ended[0]
    for answered in (taken[0], again):
        track = studio.library.get(answered.json["id"])
        assert (track.status, track.error) == (Status.FAILED, "The server was stopped before this take was finished.")
    assert list((studio.directories.library / "staging").iterdir()) == []


def test_more_requests_at_once_than_there_are_places_are_told_so(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MAX_REQUESTS", 0)
    busy = server.ask("GET", LIST)
    assert refusal(busy) == (503, "busy", None)
    assert busy.headers["retry-after"] == "1"


# -- the document ------------------------------------------------------------------------------------------------


def test_the_document_has_the_references_names_ranges_and_defaults(server: Server) -> None:
    told = server.ask("GET", "/openapi.json").json
    wish = told["components"]["schemas"]["GenerateRequest"]
    fields = wish["properties"]
    assert wish["required"] == ["prompt"]
    assert (fields["duration"]["minimum"], fields["duration"]["maximum"], fields["duration"]["default"]) == (5, 300, 30)
    assert (fields["tempo"]["minimum"], fields["tempo"]["maximum"]) == (40, 220)
    assert (fields["output_format"]["enum"], fields["output_format"]["default"]) == (
        ["mp3", "wav", "flac", "ogg"],
        "mp3",
    )
    assert {field.name for field in FIELDS} == set(fields)
    assert {"/v1/music/generate", "/v1/music/{track_id}", "/v1/music"} <= set(told["paths"])
    track = told["components"]["schemas"]["MusicTrack"]
    assert set(track["examples"][0]) == set(track["properties"]) == set(track["required"])
    for name in ("id", "status", "audio_url", "duration", "genre", "tempo", "prompt", "created_at", "download_url",
                 "waveform_url", "stems"):  # fmt: skip
        assert track["properties"][name]["description"]


def test_every_field_of_a_request_but_its_controls_object_is_in_the_table() -> None:
    from dataclasses import fields

    from nur_studio.core.controls import Controls

    names = {field.name for field in FIELDS}
    assert {field.name for field in fields(GenerationRequest)} - {"controls"} <= names
    assert {field.name for field in fields(Controls)} <= names


def test_the_docs_need_nothing_from_elsewhere(server: Server) -> None:
    docs = server.ask("GET", "/docs")
    assert docs.headers["content-type"].startswith("text/html")
    assert b"<script" not in docs.body
    assert b"http" not in docs.body.replace(b"http://127.0.0.1:8765", b"")
    assert server.ask("GET", "/").status == 307


def test_progress_of_a_job_is_told_to_listeners_until_they_leave() -> None:
    from nur_studio.studio.jobs import Job

    job, heard = Job("trk_000000000000", "generate"), []
    with job.listening(lambda: heard.append(job.progress.fraction)):
        job.advance(Progress("x", 0.5))
    job.advance(Progress("x", 0.7))
    assert heard == [0.5]


def test_the_waveform_and_library_are_untouched_by_reading(server: Server, take: dict[str, Any]) -> None:
    before = server.studio.library.change_count()
    for path in ("audio", "waveform", "stems/drums", "download", "events"):
        assert server.ask("GET", f"{LIST}/{take['id']}/{path}").status == 200
    assert server.studio.library.change_count() == before
    assert Path(server.studio.library.get(take["id"]).folder).is_dir()


def test_how_a_track_was_made_is_told_without_paths(server: Server) -> None:
    studio = server.studio
    (track,) = studio.generate(GenerationRequest("recipe", 5, tempo=90, engine="fake"))
    told = server.ask("GET", f"{LIST}/{track.id}/recipe").json
    assert (told["id"], told["beats_per_bar"], told["beat_offset_s"], told["note"]) == (track.id, 4, 0.0, "")
    assert told["sections"] == [{"name": "A", "bar": 1, "bars": 2.0}]
    assert (told["details"]["model"], told["delivery"]["sample_rate"], told["separation"]) == ("fake 1", 44100, {})
    assert told["timings"]["total"] > 0
    home = str(studio.directories.data)
    damaged = {**track.recipe, "details": {"heard": [f"{home}/x.wav", {"deep": home}], "level": float("-inf")}}
    with studio.library._database.transaction() as connection:
        connection.execute("UPDATE tracks SET recipe = ? WHERE id = ?", (json.dumps(damaged), track.id))
    answered = server.ask("GET", f"{LIST}/{track.id}/recipe")
    assert home.encode() not in answered.body
    assert answered.json["details"]["level"] is None
    studio.library.delete(track.id)
    assert refusal(server.ask("GET", f"{LIST}/{track.id}/recipe")) == (404, "track_not_found", None)
