"""Downloads from a hub on this machine: resumed, checked, bounded, and a sentence for whatever goes wrong."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.downloading import DownloadFailed, download
from nur_studio.engines.models import CODEC, TEXT_ENCODER, model
from nur_studio.engines.weights import WeightStore

SMALL = model("small")
COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """Answers as the hub does: a large file is elsewhere, behind a redirect that names its checksum."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {
            f"{part.repository}/{file.name}": (f"{part.name} {file.name} ".encode() * 3000)
            for part in SMALL.parts
            for file in part.files
        }
        self.asked: list[tuple[str, str, str]] = []
        self.ranges = True
        self.lie: dict[str, str] = {}
        self.breaks_after: dict[str, int] = {}
        self.status: dict[str, int] = {}
        self.moved: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub = self.server
        hub.asked.append((self.command, self.path, self.headers.get("Range") or ""))
        elsewhere = self.path.startswith("/store/")
        name = self.path.removeprefix("/store/").lstrip("/")
        for revision in ("main", COMMIT):
            name = name.replace(f"/resolve/{revision}/", "/")
        if name in hub.moved:
            self.send_response(307)
            self.send_header("Location", hub.moved[name])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = hub.files.get(name)
        if data is None or name in hub.status:
            self.send_error(hub.status.get(name, 404))
            return
        large = name.endswith((".bin", ".safetensors"))
        if large and not elsewhere:
            self.send_response(302)
            self.send_header("Location", f"{hub.address}/store/{name}")
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("X-Linked-ETag", f'"{hub.lie.get(name) or hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        start = 0
        wanted = self.headers.get("Range") or ""
        if hub.ranges and wanted.startswith("bytes="):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{hub.lie.get(name) or git}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            end = start + hub.breaks_after.pop(name, len(data))
            self.wfile.write(data[start:end])
            if end < len(data):
                self.close_connection = True


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "models")


def fetch(store: WeightStore, hub: Hub, cancel: CancelToken | None = None) -> list[Progress]:
    told: list[Progress] = []
    download(store, SMALL, told.append, cancel or CancelToken(), hub.address)
    return told


def test_everything_a_model_needs_comes_once(store: WeightStore, hub: Hub) -> None:
    told = fetch(store, hub)
    assert store.state(SMALL) == "ready"
    store.verify(SMALL, ignore_progress, CancelToken())
    assert (told[0].fraction, told[-1].fraction) == (0.0, 1.0)
    assert [step.fraction for step in told] == sorted(step.fraction for step in told)
    for part in SMALL.parts:
        for file in part.files:
            assert (store.folder / part.name / file.name).read_bytes() == hub.files[f"{part.repository}/{file.name}"]
    gets = [path for command, path, _ in hub.asked if command == "GET" and not path.startswith("/store/")]
    assert all(f"/resolve/{COMMIT}/" in path for path in gets)
    hub.asked.clear()
    fetch(store, hub)
    assert hub.asked == []


def test_the_address_can_be_set_for_a_mirror(store: WeightStore, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    download(store, SMALL, ignore_progress, CancelToken())
    assert store.state(SMALL) == "ready"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(store: WeightStore, hub: Hub, ranges: bool) -> None:
    name = f"{TEXT_ENCODER.repository}/model.safetensors"
    hub.ranges = ranges
    hub.breaks_after[name] = 50_000
    with pytest.raises(DownloadFailed, match=r"broke off|cannot be reached"):
        fetch(store, hub)
    assert store.state(SMALL) == "partial"
    hub.asked.clear()
    fetch(store, hub)
    assert store.state(SMALL) == "ready"
    store.verify(SMALL, ignore_progress, CancelToken())
    assert "bytes=50000-" in {wanted for _, path, wanted in hub.asked if path.endswith(name)}


def test_a_cancelled_download_is_kept_for_the_next(store: WeightStore, hub: Hub) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.4:
            cancel.cancel()

    with pytest.raises(Cancelled):
        download(store, SMALL, stop, cancel, hub.address)
    left = store.missing_bytes(SMALL)
    assert left < SMALL.download_bytes
    fetch(store, hub)
    assert store.state(SMALL) == "ready"


@pytest.mark.parametrize("name", [f"{CODEC.repository}/model.safetensors", f"{TEXT_ENCODER.repository}/config.json"])
def test_what_is_not_what_was_published_is_not_kept(store: WeightStore, hub: Hub, name: str) -> None:
    hub.lie[name] = "0" * (64 if name.endswith("safetensors") else 40)
    with pytest.raises(DownloadFailed, match="checksum differs"):
        fetch(store, hub)
    part = name.split("/")[1]
    assert not list(store.folder.glob(f"{part}*/{name.split('/')[2]}"))
    hub.lie.clear()
    fetch(store, hub)
    assert store.state(SMALL) == "ready"


def test_a_file_without_a_checksum_is_not_taken(store: WeightStore, hub: Hub) -> None:
    hub.lie[f"{CODEC.repository}/config.json"] = "no checksum"
    with pytest.raises(DownloadFailed, match="does not say what"):
        fetch(store, hub)


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_a_refusal_is_a_sentence(store: WeightStore, hub: Hub, status: int) -> None:
    hub.status[f"{SMALL.own.repository}/state_dict.bin"] = status
    with pytest.raises(DownloadFailed, match=f"HTTP {status}"):
        fetch(store, hub)


def test_no_network_is_a_sentence_that_names_the_other_way(store: WeightStore) -> None:
    with pytest.raises(DownloadFailed, match="cannot be reached") as caught:
        download(store, SMALL, ignore_progress, CancelToken(), "http://127.0.0.1:9")
    assert "USB" in caught.value.hint


def test_room_is_looked_for_before_the_first_byte(
    store: WeightStore, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(FileProblem, match="not enough room"):
        fetch(store, hub)
    assert not [asked for asked in hub.asked if asked[0] == "GET"]


def test_a_file_that_moved_within_the_hub_is_found(store: WeightStore, hub: Hub) -> None:
    """Small files come from the hub's own cache, behind a redirect that says nothing of them."""
    name = f"{CODEC.repository}/config.json"
    hub.files["cache/config.json"] = hub.files.pop(name)
    hub.moved[name] = "/cache/config.json"
    fetch(store, hub)
    store.verify(SMALL, ignore_progress, CancelToken())
    hub.moved["cache/config.json"] = "/cache/config.json"
    store.remove(SMALL)
    with pytest.raises(DownloadFailed, match="does not say"):
        fetch(store, hub)
