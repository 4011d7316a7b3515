"""Servers that are no studio, or break off: a sentence each, and no half file."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nur_studio.core.errors import Cancelled, ServerUnavailable, TrackNotFound
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.remote.api import StudioApi

ID = "trk_000000000000"


@contextmanager
def answering(*answers: bytes) -> Iterator[StudioApi]:
    """A server that says these, one to a connection, and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            for answer in answers:
                link, _ = listener.accept()
                with link:
                    link.recv(65536)
                    link.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield StudioApi(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def said(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers])
    return head + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(b"<html>"), "not as a studio would"),
        (said(b"[1, 2]"), "not as a studio would"),
        (said(b'{"id": "../../etc"}'), "not as a studio would"),
        (said(b"nope", b"502 Bad Gateway"), "answered 502, and not as a studio would"),
        (said(b'{"error": "x"}', b"404 Not Found"), "answered 404"),
        (said(b"", b"302 Found", b"Location: http://evil.example/"), "sends its callers elsewhere"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "not as a studio would"),
    ],
)
def test_what_is_no_studio_is_said(answer: bytes, words: str) -> None:
    with answering(answer) as api, pytest.raises(ServerUnavailable, match=words):
        api.get(ID)


def test_ids_never_become_part_of_an_address_unless_they_are_ids() -> None:
    api = StudioApi("http://127.0.0.1:1")
    for call in (api.get, api.delete, api.separate, lambda track_id: list(api.events(track_id))):
        with pytest.raises(TrackNotFound):
            call("../engines")


def test_a_download_that_breaks_off_or_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "x.wav"
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nRIFF"
    with answering(broken) as api, pytest.raises(ServerUnavailable, match="in the middle of a file"):
        api.download(ID, target)
    cancel = CancelToken()

    def stop(_: Progress) -> None:
        cancel.cancel()

    with answering(said(b"x" * 1_000_000)) as api, pytest.raises(Cancelled):
        api.download(ID, target, on_progress=stop, cancel=cancel)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"attachment; filename*=utf-8''R%C3%A4in.wav", "Räin.wav"),
        (b'attachment; filename="a b.wav"', "a b.wav"),
        (b"attachment; filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        (b"attachment; filename*=utf-8''%2Ebashrc", "bashrc"),
        (b"inline", f"{ID}.wav"),
    ],
)
def test_a_servers_name_for_a_file_is_never_a_path(tmp_path: Path, given: bytes, name: str) -> None:
    with answering(said(b"RIFF", b"200 OK", b"Content-Disposition: " + given)) as api:
        assert api.download(ID, lambda told: tmp_path / told, kind="wav") == tmp_path / name


def test_events_end_with_the_last_and_say_so_when_the_line_breaks() -> None:
    events = b'event: progress\r\ndata: {"stage": "x", "fraction": 0.5}\r\n\r\n: hm\n\nevent: deleted\ndata: {}\n\n'
    with answering(b"HTTP/1.1 200 OK\r\n\r\n" + events) as api:
        progress, end = api.events(ID)
    assert progress.progress == Progress("x", 0.5)
    assert (end.name, end.data) == ("deleted", {})
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent"
    with answering(cut) as api, pytest.raises(ServerUnavailable):
        list(api.events(ID))
