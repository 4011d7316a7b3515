"""What happens to a track, as server-sent events, until it has ended; and the waiting for that end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio.to_thread
from fastapi import Request

from nur_studio.core.errors import Cancelled, StudioError, TrackNotFound
from nur_studio.core.track import Status, Track
from nur_studio.studio.desk import Desk
from nur_studio.studio.jobs import WAITING, Job

HEARTBEAT_S = 5.0
_TELL_EVERY_S = 0.2
_LOOK_EVERY_S = 1.0
_SETTLE_EVERY = 5  # looks

Show = Callable[[Track], dict[str, Any]]


@asynccontextmanager
async def _changes(job: Job) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever the job has moved."""
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_change() -> None:  # in the worker's thread
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(changed.set)

    with job.listening(on_change):
        yield changed


async def _wait(changed: asyncio.Event, timeout_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await changed.wait()
            changed.clear()
            return True
    return False


async def until_ended(job: Job, request: Request) -> bool:
    """Wait for a job's end, or for its client to hang up; whether it ended."""
    async with _changes(job) as changed:
        while not job.ended:
            await _wait(changed, 1.0)
            if not job.ended and await request.is_disconnected():
                return False
    return True


async def stream(desk: Desk, track: Track, show: Show, say: Callable[[StudioError], Any]) -> AsyncIterator[bytes]:
    """The events of a track: "progress" while something is being done about it, then one that says how it ended:
    "completed" and "failed" with the track, "deleted", or "error" where a separation did not work out. A comment is
    sent where nothing happens, so that either side notices when the other is gone.
    """
    job = desk.job(track.id)
    if job is not None and not job.ended:
        async for piece in _progress_of(desk, job):
            yield piece
    else:
        async for piece in _progress_elsewhere(desk, track.id):
            yield piece
    if job is not None and job.kind == "separate" and isinstance(job.outcome, StudioError):
        yield _event("error", say(job.outcome))
        return
    gone = job is not None and job.kind == "generate" and isinstance(job.outcome, Cancelled)
    try:
        now = None if gone else await anyio.to_thread.run_sync(desk.studio.library.get, track.id)
    except TrackNotFound:
        now = None
    if now is None:
        yield _event("deleted", {"id": track.id})
    elif now.status is Status.FAILED:
        yield _event("failed", show(now))
    else:
        yield _event("completed" if now.status is Status.COMPLETED else "progress", show(now))


async def _progress_of(desk: Desk, job: Job) -> AsyncIterator[bytes]:
    async with _changes(job) as changed:
        while not job.ended:
            progress = job.progress
            told = {
                "id": job.track_id,
                "status": "pending" if progress is WAITING else "processing",
                "stage": progress.stage,
                "fraction": round(progress.fraction, 4),
                "eta_s": None if progress.eta_s is None else round(progress.eta_s, 1),
                "ahead": desk.ahead(job.track_id),
            }
            yield _event("progress", told)
            while not await _wait(changed, HEARTBEAT_S):
                yield b": still here\n\n"
            await asyncio.sleep(0 if job.ended else _TELL_EVERY_S)


async def _progress_elsewhere(desk: Desk, track_id: str) -> AsyncIterator[bytes]:
    """Of a take that another program makes, there is only its row to look at."""
    looks, told = 0, ""
    while not desk.closed:
        try:
            track = await anyio.to_thread.run_sync(desk.studio.library.get, track_id)
        except TrackNotFound:
            return
        if track.status not in (Status.PENDING, Status.PROCESSING):
            return
        if track.status.value != told:
            told = track.status.value
            facts = {"id": track_id, "status": told, "stage": told, "fraction": 0.0, "eta_s": None, "ahead": 0}
            yield _event("progress", facts)
        elif looks % HEARTBEAT_S == 0:
            yield b": still here\n\n"
        looks += 1
        if looks % _SETTLE_EVERY == 0:  # or a program that died would be waited for in vain
            await anyio.to_thread.run_sync(desk.studio.library.settle)
        await asyncio.sleep(_LOOK_EVERY_S)


def _event(name: str, data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode("utf-8", "backslashreplace")
