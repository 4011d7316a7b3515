"""Files over HTTP: audio, stems, waveforms, in any format, in ranges, whole before a byte of them is sent."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from stat import S_ISREG

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from nur_studio.audio.files import Encoding
from nur_studio.audio.masters import waveform_path
from nur_studio.core.errors import FileProblem, InvalidRequest, TrackUnfinished
from nur_studio.core.request import FORMATS
from nur_studio.core.track import Status, Track
from nur_studio.reference import Links
from nur_studio.studio.desk import Desk
from nur_studio.studio.exporting import person_name
from nur_studio.studio.parts import MIX_PART, PARTS, master, parts_of

MEDIA_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg"}
_MASTERS = "flac"


class AddressLinks(Links):
    """Addresses on this server, as whoever asked reached it."""

    def __init__(self, base: str) -> None:
        self._music = f"{base.rstrip('/')}/v1/music"

    def audio(self, track: Track) -> str:
        return f"{self._music}/{track.id}/audio"

    def download(self, track: Track) -> str:
        return f"{self._music}/{track.id}/download"

    def waveform(self, track: Track) -> str:
        return f"{self._music}/{track.id}/waveform"

    def stem(self, track: Track, part: str) -> str | None:
        return f"{self._music}/{track.id}/stems/{part}" if part in parts_of(track) else None


class Sound:
    """Finds, makes and sends the files of finished tracks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # One at a time: whoever wants the same format meanwhile gets the same file, byte for byte.
        self._encoder = anyio.CapacityLimiter(1)

    async def send(self, request: Request, track_id: str, part: str, kind: str | None, *, attach: bool) -> Response:
        """A part of a track in the format `kind`: its own where None, and of stems the lossless masters."""
        there = await anyio.to_thread.run_sync(self._find, track_id, part, kind)
        if there is None:
            make = partial(self._find, track_id, part, kind, make=True)
            there = await anyio.to_thread.run_sync(make, limiter=self._encoder)
            assert there is not None
        path, name, found = there
        return await _file(request, path, MEDIA_TYPES[found], name, "attachment" if attach else "inline")

    async def send_waveform(self, request: Request, track_id: str) -> Response:
        """The waveform, as JSON for drawing."""
        track = await anyio.to_thread.run_sync(self._finished, track_id)
        return await _file(request, waveform_path(track.folder), "application/json")

    def _find(
        self, track_id: str, part: str, kind: str | None, *, make: bool = False
    ) -> tuple[Path, str, str] | None:  # fmt: skip
        """The file, its name for people, and its format; None where it is not there and not to be made."""
        if kind is not None and kind not in FORMATS:
            raise InvalidRequest("format", kind, f"one of {', '.join(FORMATS)}")
        if part not in PARTS:
            raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
        track = self._finished(track_id)
        try:
            source = master(track, part)
        except FileProblem as error:
            raise HTTPException(404, error.sentence) from error
        if kind is None and part != MIX_PART:
            return source, person_name(track, part, Encoding(_MASTERS)), _MASTERS
        encoding = Encoding(kind or track.output_format)
        find = self._desk.studio.drag_files if make else self._desk.studio.ready_drag_files
        files = find(track_id, (part,), encoding)
        return (files[0], person_name(track, part, encoding), encoding.format) if files else None

    def _finished(self, track_id: str) -> Track:
        track = self._desk.shown(self._desk.studio.library.get(track_id))
        if track.status is Status.FAILED:
            raise TrackUnfinished(f"{track.title!r} was never finished.")
        if track.status is not Status.COMPLETED:
            raise TrackUnfinished(f"{track.title!r} is not finished yet.")
        return track


async def _file(
    request: Request, path: Path, media_type: str, name: str | None = None, disposition: str = "inline"
) -> Response:
    try:
        found = await anyio.to_thread.run_sync(os.stat, path)
    except OSError as error:
        raise HTTPException(404, "The file is no longer in the library") from error
    if not S_ISREG(found.st_mode):
        raise HTTPException(404, "The file is no longer in the library")
    # Stems may be separated anew and titles change: what is kept is to be asked about.
    response = FileResponse(
        path, headers={"Cache-Control": "private, no-cache"}, media_type=media_type, filename=name, stat_result=found,
        content_disposition_type=disposition,
    )  # fmt: skip
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    if response.headers["etag"] in known or "*" in known:
        return Response(
            status_code=304, headers={"ETag": response.headers["etag"], "Cache-Control": "private, no-cache"}
        )
    return response
