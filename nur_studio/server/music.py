"""The addresses of the reference: what each one takes, asks of the desk, and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

import nur_studio
from nur_studio.core.errors import Cancelled, FileProblem, InvalidRequest, StudioError, TrackNotFound
from nur_studio.core.fields import MAX_PAGE, request_from
from nur_studio.core.mix import LANES
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track, is_track_id
from nur_studio.reference import facts_of
from nur_studio.server import events
from nur_studio.server.answers import Words, answer
from nur_studio.server.document import AUDIO, DONE, ENGINES, EVENTS, GENERATE, LISTED, RECIPE, TRACK, TRACK_ID, WAVEFORM
from nur_studio.server.sound import AddressLinks, Sound
from nur_studio.studio.desk import Desk
from nur_studio.studio.jobs import Job

MAX_TEXT = 200
RECIPE_PARTS = ("details", "delivery", "contract", "versions", "timings", "separation")

Id = Annotated[str, Path(description="The id of a track.", json_schema_extra=TRACK_ID)]
Wait = Annotated[bool, Query(description="Answer when it is done, not at once.")]
Format = Annotated[
    str | None,
    Query(alias="format", description="The same take as mp3, wav, flac or ogg.",
          json_schema_extra={"enum": ["mp3", "wav", "flac", "ogg"]}),
]  # fmt: skip
Part = Annotated[
    str, Query(description="The mix, or a stem.", json_schema_extra={"enum": ["mix", *LANES]})
]  # fmt: skip
Words_ = Annotated[str, Query(max_length=MAX_TEXT)]


class Music:
    """Everything below /v1, over one desk."""

    def __init__(self, desk: Desk, words: Words) -> None:
        self._desk, self._words, self._sound = desk, words, Sound(desk)
        self.router = APIRouter(prefix="/v1", tags=["music"])
        one = "/music/{track_id}"
        self._add("POST", "/music/generate", self.generate, "Generate music", GENERATE)
        self._add("GET", "/music", self.find, "List the library", LISTED)
        self._add("GET", one, self.get, "Get a track", TRACK)
        self._add("DELETE", one, self.delete, "Delete a track", DONE)
        self._add("GET", f"{one}/recipe", self.recipe, "How a track was made", RECIPE)
        self._add("POST", f"{one}/separate", self.separate, "Separate a track into stems", GENERATE)
        self._add("GET", f"{one}/events", self.events, "Follow a track", EVENTS)
        self._add("GET", f"{one}/audio", self.audio, "Stream the audio", AUDIO)
        self._add("GET", f"{one}/download", self.download, "Download the audio", AUDIO)
        self._add("GET", f"{one}/stems/{{part}}", self.stem, "A stem", AUDIO)
        self._add("GET", f"{one}/waveform", self.waveform, "The waveform", WAVEFORM)
        self._add("GET", "/engines", self.engines, "What can make music here", ENGINES)

    def _add(
        self, method: str, path: str, call: Callable[..., Any], title: str, told: Mapping[str, Any]
    ) -> None:  # fmt: skip
        self.router.add_api_route(
            path, call, methods=[method], summary=title, response_model=None, operation_id=call.__name__, **told
        )
        if method == "GET" and told is not EVENTS:
            self.router.add_api_route(path, call, methods=["HEAD"], include_in_schema=False)

    # -- the reference's own -------------------------------------------------------------------------------------

    async def generate(self, request: Request, wait: Wait = False) -> Response:
        """Ask for music. Answers 202 at once, the track pending; with `wait` 200 once it is completed or failed. A
        client that hangs up stops waiting, not the music. `takes` above 1 are answered as a list of tracks.
        """
        wanted = request_from(await _json_of(request))
        tracks = await anyio.to_thread.run_sync(self._take_in, wanted)
        headers = {"Location": f"/v1/music/{tracks[0].id}"}
        if wait:
            for track in tracks:
                job = self._desk.job(track.id)
                if job is not None and not await events.until_ended(job, request):
                    return Response(status_code=204)  # to nobody
            tracks = [await anyio.to_thread.run_sync(self._now, track.id) for track in tracks]
        shown = [self._shown(track, request) for track in tracks]
        return answer(shown if wanted.takes > 1 else shown[0], 200 if wait else 202, headers)

    def get(self, request: Request, track_id: Id) -> Response:
        """Everything about a track, and where its audio, waveform and stems are once it is completed."""
        return answer(self._shown(self._now(track_id), request))

    def find(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")] = 50,
        after: Annotated[str, Query(description="Go on behind the track of this id: `next` of the page before.")] = "",
        text: Annotated[Words_, Query(description="Words of title, prompt, genre, key …; all must be found.")] = "",
        genre: Annotated[Words_, Query(description="Only this genre.")] = "",
        engine: Annotated[Words_, Query(description="Only what this engine made.")] = "",
        starred: Annotated[bool, Query(description="Only starred ones.")] = False,
    ) -> Response:
        """A page of tracks, newest first; `next` is what to give for `after` to get the next one, null at the end."""
        if after and not is_track_id(after):
            raise InvalidRequest("after", after, "the id of a track")
        found = self._desk.studio.library.list(
            text, starred=starred, genre=genre, engine=engine, limit=limit + 1, after=after
        )
        page = found[:limit]
        following = page[-1].id if len(found) > limit else None
        return answer({"tracks": [self._shown(self._desk.shown(track), request) for track in page], "next": following})

    def delete(self, track_id: Id) -> Response:
        """Delete a track; one on its way here is cancelled. 409 where another program is making it."""
        self._desk.delete(track_id)
        return Response(status_code=204)

    # -- the studio's own ----------------------------------------------------------------------------------------

    async def separate(
        self,
        request: Request,
        track_id: Id,
        model: Annotated[
            str | None, Query(max_length=MAX_TEXT, description="The separator; the settings' own.")
        ] = None,
        force: Annotated[bool, Query(description="Also where an engine made better stems itself.")] = False,
        wait: Wait = False,
    ) -> Response:
        """Take a finished track apart into stems. Answers 202 at once: its events tell how it goes; with `wait` 200
        and the track with its stems, or why there are none.
        """

        def begin() -> Job | None:
            self._desk.separate(track_id, model or None, force=force)
            return self._desk.job(track_id)

        job = await anyio.to_thread.run_sync(begin)
        if wait and job is not None:
            if not await events.until_ended(job, request):
                return Response(status_code=204)  # to nobody
            if isinstance(job.outcome, StudioError):
                raise job.outcome
        return answer(self._shown(await anyio.to_thread.run_sync(self._now, track_id), request), 200 if wait else 202)

    async def events(self, request: Request, track_id: Id) -> Response:
        """Server-sent events: `progress` (`stage`, `fraction` from 0 to 1, `eta_s`, `ahead` in the queue), then how it
        ended: `completed` or `failed` with the track, `deleted`, or `error` where a separation did not work out.
        """
        track = await anyio.to_thread.run_sync(self._desk.studio.library.get, track_id)

        def say(error: StudioError) -> Any:
            return json.loads(bytes(self._words.error(error).body))

        told = events.stream(self._desk, track, lambda now: self._shown(self._desk.shown(now), request), say)
        return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def audio(self, request: Request, track_id: Id, kind: Format = None) -> Response:
        """The mix, in the format it was asked for or in `format`, to be streamed; takes ranges."""
        return await self._sound.send(request, track_id, "mix", kind, attach=False)

    async def download(self, request: Request, track_id: Id, part: Part = "mix", kind: Format = None) -> Response:
        """A file named for people, with tempo and key in its name."""
        return await self._sound.send(request, track_id, part, kind, attach=True)

    async def stem(
        self,
        request: Request,
        track_id: Id,
        part: Annotated[str, Path(description="The stem.", json_schema_extra={"enum": list(LANES)})],
        kind: Format = None,
    ) -> Response:
        """One stem: the lossless master (flac), or in `format`."""
        if part not in LANES:
            raise HTTPException(404, "There is no such stem")
        return await self._sound.send(request, track_id, part, kind, attach=False)

    async def waveform(self, request: Request, track_id: Id) -> Response:
        """Peaks of the mix, for drawing."""
        return await self._sound.send_waveform(request, track_id)

    def recipe(self, track_id: Id) -> Response:
        """How a track was made (what its engine tells of itself, versions, seconds), and where its bars and sections
        are: the first bar is 1, and its first beat at `beat_offset_s`.
        """
        track = self._now(track_id)
        told = {
            "id": track.id,
            "tempo_exact": track.exact_tempo if track.has_tempo else None,
            "beats_per_bar": track.beats_per_bar,
            "beat_offset_s": track.beat_offset_s,
            "sections": [{"name": each.name, "bar": each.start_bar + 1, "bars": each.bars} for each in track.sections],
            "note": str(track.recipe.get("note") or ""),
        }
        parts = {part: track.recipe.get(part) for part in RECIPE_PARTS}
        return answer(told | {part: self._words.all(value or {}) for part, value in parts.items()})

    def engines(self) -> Response:
        """The engines here, also those that cannot run (`why_not`), and the studio's version. `library` tells whether
        two servers are one studio.
        """
        told = [
            {
                "name": info.name,
                "title": info.title,
                "summary": info.summary,
                "licence": info.licence,
                "sellable": info.sellable,
                "stems": info.stems,
                "can": sorted(info.can),
                "why_not": self._words(info.why_not),
            }
            for info in self._desk.studio.engines()
        ]
        return answer({"version": nur_studio.__version__, "library": self._desk.studio.mark, "engines": told})

    # -- within --------------------------------------------------------------------------------------------------

    def _take_in(self, wanted: GenerationRequest) -> list[Track]:
        try:
            return self._desk.generate(wanted)
        except FileProblem as error:
            if wanted.controls.reference is None:
                raise
            raise StudioError(error.sentence, hint=error.hint) from error  # asking again will not help
        except TrackNotFound as error:  # of the reference: the address itself is right
            raise InvalidRequest("reference", error.track_id, "about a track of the library") from error

    def _now(self, track_id: str) -> Track:
        job = self._desk.job(track_id)
        if job is not None and job.kind == "generate" and isinstance(job.outcome, Cancelled):
            raise TrackNotFound(track_id)
        return self._desk.shown(self._desk.studio.library.get(track_id))

    def _shown(self, track: Track, request: Request) -> dict[str, Any]:
        facts = facts_of(track, AddressLinks(str(request.base_url)))
        facts["error"] = self._words(track.error)
        return facts


async def _json_of(request: Request) -> Mapping[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        raise HTTPException(415, "Send JSON, and say so: Content-Type: application/json")
    try:
        values = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("body", "what was sent", "JSON") from error
    if not isinstance(values, dict):
        raise InvalidRequest("body", values, "a JSON object")
    return values
