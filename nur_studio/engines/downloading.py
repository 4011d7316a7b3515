"""Fetches weights from their publisher: resumed where it broke off, checked against the publisher's own checksums.

The hub names a large file's SHA-256 in the `X-Linked-ETag` header of its address, and a small file's git hash (SHA-1
over `blob`, its size and its content) in `ETag`. A file that does not match is not kept. Nothing here runs unless a
person has agreed to the download.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from nur_studio import __version__
from nur_studio.core.errors import FileProblem, StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.models import ModelInfo, Part, PartFile
from nur_studio.engines.weights import PARTIAL, READ_BYTES, WeightStore, sha256_of, write_manifest

HUB = "https://huggingface.co"
_TIMEOUT_S = 30.0
_MOST_REDIRECTS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_AGAIN = "Try again: it goes on where it stopped."


class DownloadFailed(StudioError):
    """The publisher cannot be reached, or what came is not what was published."""


@dataclass(frozen=True, slots=True)
class _Remote:
    """What the publisher says of a file. `commit` is the revision the name stands for."""

    bytes: int
    checksum: str
    commit: str


def download(
    store: WeightStore, model: ModelInfo, on_progress: OnProgress, cancel: Cancel, endpoint: str | None = None
) -> None:
    """Fetch every part of `model` that is missing; what came before a break or a cancel is kept and gone on from.

    Raises `DownloadFailed`, `FileProblem` (no room, no permission), `Cancelled`.
    """
    hub = (endpoint or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    missing = store.missing(model)
    cancel.check()
    on_progress(Progress("asking the publisher", 0.0))
    remotes = {(part.name, file.name): _ask(hub, part, file) for part in missing for file in part.files}
    total = sum(remote.bytes for remote in remotes.values()) or 1
    there = sum(
        min(_size(store.folder / (part + PARTIAL) / file), remote.bytes) for (part, file), remote in remotes.items()
    )
    store.room_for(total - there)
    done = 0
    for part in missing:
        entries = {}
        for file in part.files:
            remote = remotes[part.name, file.name]

            def tell(count: int, before: int = done) -> None:
                cancel.check()
                on_progress(Progress("downloading", (before + count) / total))

            entries[file.name] = _fetch(hub, store.folder / (part.name + PARTIAL), part, file, remote, tell)
            done += remote.bytes
        _finish(store.folder, part, entries, f"{hub}/{part.repository}")
    on_progress(Progress("downloading", 1.0))


def _finish(folder: Path, part: Part, entries: dict[str, dict[str, object]], source: str) -> None:
    staging, target = folder / (part.name + PARTIAL), folder / part.name
    try:
        write_manifest(staging, entries, source)
        if target.exists():  # incomplete, or it would not have been missing
            shutil.rmtree(target)
        staging.rename(target)
    except OSError as error:
        raise _cannot_keep(target, error) from error


# -- one file --------------------------------------------------------------------------------------------------------


def _ask(hub: str, part: Part, file: PartFile) -> _Remote:
    """Size and checksum of a file, from the headers of its address before any redirect to where it is stored.

    Redirects within the hub (a renamed repository, its cache of small files) are followed: they say nothing yet.
    """
    address = f"{hub}/{part.repository}/resolve/main/{file.name}"
    opener = urllib.request.build_opener(_NoRedirect)
    commit = ""
    for _ in range(_MOST_REDIRECTS):
        with (
            _network(hub, file.name),
            opener.open(_request(address, method="HEAD"), timeout=_TIMEOUT_S) as response,
        ):
            headers, redirected = response.headers, 300 <= response.status < 400
        commit = headers.get("X-Repo-Commit") or commit
        target = urllib.parse.urljoin(address, headers.get("Location") or "")
        same_hub = urllib.parse.urlsplit(target)[:2] == urllib.parse.urlsplit(address)[:2]
        if not redirected or "X-Linked-ETag" in headers or not same_hub:
            break
        address = target
    size = headers.get("X-Linked-Size") or headers.get("Content-Length") or ""
    checksum = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
    if not size.isdecimal() or not (_SHA256.fullmatch(checksum) or _SHA1.fullmatch(checksum)):
        raise DownloadFailed(
            f"{hub} does not say what {part.repository}/{file.name} must be, so it was not downloaded.",
            hint="Import the weights from a folder instead.",
        )
    return _Remote(int(size), checksum, commit if _SHA1.fullmatch(commit) else "main")


def _fetch(
    hub: str, staging: Path, part: Part, file: PartFile, remote: _Remote, tell: Callable[[int], None]
) -> dict[str, object]:
    """Bring a file to its full length and check it; its entry for the manifest."""
    path = staging / file.name
    try:
        staging.mkdir(parents=True, exist_ok=True)
        if _size(path) > remote.bytes:
            path.unlink()
        if _size(path) < remote.bytes:
            address = f"{hub}/{part.repository}/resolve/{remote.commit}/{file.name}"
            with _network(hub, file.name):
                _pour(address, path, remote, tell)
    except OSError as error:
        raise _cannot_keep(path, error) from error
    if _size(path) != remote.bytes:
        raise DownloadFailed(f"The connection broke off while {file.name} was coming.", hint=_AGAIN)
    sha256 = sha256_of(path, lambda _: tell(remote.bytes))
    found = sha256 if _SHA256.fullmatch(remote.checksum) else _git_hash(path)
    if found != remote.checksum:
        path.unlink()
        raise DownloadFailed(
            f"What came as {part.repository}/{file.name} is not what its publisher lists: the checksum differs.",
            hint="It was removed. Try again, or import the weights from a folder.",
        )
    return {"bytes": remote.bytes, "sha256": sha256, "revision": remote.commit}


def _pour(address: str, path: Path, remote: _Remote, tell: Callable[[int], None]) -> None:
    """The rest of a file, from where it stopped; from its beginning where the server sends only wholes."""
    begun = _size(path)
    request = _request(address)
    if begun:
        request.add_header("Range", f"bytes={begun}-")
    response: HTTPResponse
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        goes_on = response.status == 206 and (response.headers.get("Content-Range") or "").startswith(f"bytes {begun}-")
        count = begun if goes_on else 0
        with path.open("ab" if goes_on else "wb") as target:
            while block := response.read(READ_BYTES):
                count += len(block)
                if count > remote.bytes:
                    raise DownloadFailed(f"{address} sends more than it announced.", hint=_AGAIN)
                target.write(block)
                tell(count)


@contextlib.contextmanager
def _network(hub: str, name: str) -> Any:
    """Tells what the network does wrong in a sentence."""
    try:
        yield
    except urllib.error.HTTPError as error:
        raise DownloadFailed(f"{hub} does not give {name} (HTTP {error.code}).", hint="Try again later.") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadFailed(
            f"{hub} cannot be reached ({reason}).", hint=f"{_AGAIN} Or import the weights from a folder or USB disk."
        ) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The checksum is said by the address itself, not by the store it points at; and a redirect is no error here."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _request(address: str, method: str = "GET") -> urllib.request.Request:
    headers = {"User-Agent": f"nur-studio/{__version__}", "Accept-Encoding": "identity"}
    return urllib.request.Request(address, headers=headers, method=method)


def _git_hash(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _cannot_keep(path: Path, error: OSError) -> FileProblem:
    return FileProblem(f"{path} cannot be written: {error.strerror or error}.", hint="Free some space, or look at it.")
