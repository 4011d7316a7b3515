"""The OpenAPI document: the reference's names, ranges, defaults, examples, from the studio's own tables."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import nur_studio
from nur_studio.core.error_json import CODES
from nur_studio.core.fields import EXAMPLE, request_schema
from nur_studio.core.mix import LANES, STEMS
from nur_studio.core.request import FORMATS, MAX_SEED
from nur_studio.core.track import Status

TRACK_ID = {"pattern": "^trk_[a-z0-9]{12}$", "examples": ["trk_4f9a0c7d2b1e"]}
Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _says(meaning: str, schema: Schema | None = None, media_type: str = "application/json") -> Schema:
    return {"description": meaning, **({"content": {media_type: {"schema": schema}}} if schema is not None else {})}


_ERRORS = {
    400: "Malformed.", 401: "The token is missing or wrong.", 403: "From a host or a web page that may not ask.",
    404: "There is no such track, or no such part of it.", 405: "This address takes no such method.",
    408: "The request did not come to an end.", 409: "Not in the state the track is in.",
    413: "The request is too large.", 415: "The request is no JSON.", 416: "The file has no such range.",
    422: "A field is out of its range.", 500: "A fault of the studio's own.",
    503: "Nothing can make this now, or too much is waiting (see Retry-After).",
}  # fmt: skip


def _answers(good: Mapping[int, Schema], *bad: int) -> Schema:
    """What a route is told of its answers."""
    codes = (400, 401, 403, 405, 408, 413, 500, *bad)
    answers: dict[int, Schema] = dict(good)
    answers.update((code, _says(_ERRORS[code], _ref("Error"))) for code in sorted(codes))
    return {"responses": answers}


_ONE_OR_MORE = {"oneOf": [_ref("MusicTrack"), {"type": "array", "items": _ref("MusicTrack")}]}
_BINARY = {"type": "string", "format": "binary"}
_AUDIO_TYPES = {kind: {"schema": _BINARY} for kind in ("audio/mpeg", "audio/wav", "audio/flac", "audio/ogg")}
_RANGES = {**_AUDIO_TYPES, "multipart/byteranges": {"schema": _BINARY}}

GENERATE: Schema = {
    "status_code": 202,
    **_answers(
        {200: _says("With `wait`: done.", _ONE_OR_MORE), 202: _says("Taken in.", _ONE_OR_MORE),
         204: _says("The client hung up.")}, 404, 409, 415, 422, 503,
    ),
}  # fmt: skip
TRACK: Schema = _answers({200: _says("The track.", _ref("MusicTrack"))}, 404, 503)
LISTED: Schema = _answers({200: _says("A page of them.", _ref("TrackList"))}, 404, 422, 503)
DONE: Schema = {"status_code": 204, **_answers({204: _says("Deleted.")}, 404, 409, 503)}
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["progress", "completed", "failed", "deleted", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
EVENTS: Schema = _answers({200: _says("The events.", _EVENT, "text/event-stream")}, 404, 503)
AUDIO: Schema = _answers(
    {200: {"description": "The file.", "content": _AUDIO_TYPES},
     206: {"description": "The ranges that were asked for.", "content": _RANGES},
     304: _says("Unchanged since.")}, 404, 409, 416, 422, 503,
)  # fmt: skip
WAVEFORM: Schema = _answers(
    {200: _says("Peaks.", {"type": "object"}), 206: _says("A range.", _BINARY), 304: _says("Unchanged since.")},
    404, 409, 416, 503,
)  # fmt: skip
RECIPE: Schema = _answers({200: _says("How it was made.", _ref("Recipe"))}, 404, 503)
ENGINES: Schema = _answers({200: _says("The engines.", _ref("EngineList"))}, 503)


def _text(meaning: str, **more: Any) -> Schema:
    return {"type": "string", "description": meaning, **more}


def _maybe(kind: str, meaning: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], "description": meaning, **more}


def _object(properties: Mapping[str, Schema], *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def _music_track() -> Schema:
    url = _maybe("string", "a URL; null until there is something behind it", format="uri")
    stems = dict.fromkeys(LANES, url)
    properties = {
        "id": _text("`trk_` and twelve characters of a-z, 0-9", **TRACK_ID),
        "status": _text("where it is on its way", enum=[status.value for status in Status]),
        "audio_url": {**url, "description": "where to stream the audio"},
        "duration": {"type": "number", "minimum": 0, "description": "length in seconds"},
        "genre": _text("detected or given"),
        "tempo": _maybe("integer", "BPM of the track; null where no steady beat is claimed", minimum=1),
        "prompt": _text("the text as it was given"),
        "created_at": _text("ISO 8601, UTC", examples=["2025-01-15T14:20:00Z"]),
        "download_url": {**url, "description": "direct download of the audio file"},
        "waveform_url": {**url, "description": "waveform data as JSON, for drawing"},
        "stems": {
            "oneOf": [_object(stems, *(set(LANES) - set(STEMS))), {"type": "null"}],
            "description": "a URL each; null where a finished track has none",
        },
        "title": _text("what people see"),
        "output_format": _text("of the audio", enum=list(FORMATS)),
        "engine": _text("what made it"),
        "model": _text("which of the engine's models"),
        "licence": _text("under which it may be used"),
        "seed": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
        "take": {"type": "integer", "minimum": 1, "description": "which of those asked for together"},
        "key": _text("such as A minor; empty where unknown"),
        "loudness_lufs": _maybe("number", "of the mix"),
        "true_peak_dbtp": _maybe("number", "of the mix"),
        "starred": {"type": "boolean"},
        "error": _text("why it failed"),
    }
    return {**_object(properties), "examples": [_example_track()]}


def _example_track() -> Schema:
    track_id = TRACK_ID["examples"][0]
    base = f"http://127.0.0.1:8765/v1/music/{track_id}"
    return {
        "id": track_id, "status": "completed", "audio_url": f"{base}/audio", "duration": 30, "genre": "lo-fi",
        "tempo": 85, "prompt": EXAMPLE["prompt"], "created_at": "2025-01-15T14:20:00Z",
        "download_url": f"{base}/download", "waveform_url": f"{base}/waveform",
        "stems": {stem: f"{base}/stems/{stem}" for stem in ("vocals", "drums", "bass", "other")},
        "title": "Upbeat lo-fi hip hop beat", "output_format": "mp3", "engine": "sketch", "model": "", "licence": "…",
        "seed": 7, "take": 1, "key": "C major", "loudness_lufs": -14.0, "true_peak_dbtp": -1.0, "starred": False,
        "error": "",
    }  # fmt: skip


def _recipe() -> Schema:
    section = {"name": _text(""), "bar": {"type": "integer", "minimum": 1}, "bars": {"type": "number", "minimum": 0}}
    parts = {
        "details": "what the engine tells of itself: model, device …", "delivery": "sample rate, and whether mastered",
        "contract": "what was asked of the tempo, and done about it",
        "versions": "of what computed", "timings": "seconds, by stage", "separation": "where the stems are separated",
    }  # fmt: skip
    return _object(
        {
            "id": _text("", **TRACK_ID),
            "tempo_exact": _maybe("number", "BPM; null where no steady beat is claimed"),
            "beats_per_bar": {"type": "integer", "minimum": 1},
            "beat_offset_s": {"type": "number", "description": "where beat 1 of bar 1 is, in seconds"},
            "sections": {"type": "array", "items": _object(section)},
            "note": _text("where it is not all that was asked for"),
            **{name: {"type": "object", "description": meaning} for name, meaning in parts.items()},
        }
    )


def _schemas() -> Schema:
    error = {
        "code": _text("for programs", enum=list(CODES)),
        "message": _text("for people: one sentence"),
        "field": _maybe("string", "which field it is about"),
        "hint": _text("what to do"),
        "allowed": _text("what the field may be"),
    }
    engine = {name: _text("") for name in ("name", "title", "summary", "licence", "why_not")} | {
        "sellable": {"type": "boolean"}, "stems": {"type": "boolean"},
        "can": {"type": "array", "items": {"type": "string"}},
    }  # fmt: skip
    return {
        "GenerateRequest": request_schema(),
        "MusicTrack": _music_track(),
        "TrackList": _object(
            {
                "tracks": {"type": "array", "items": _ref("MusicTrack")},
                "next": _maybe("string", "`after` of the next page"),
            }
        ),
        "Recipe": _recipe(),
        "EngineList": _object(
            {
                "version": _text("of the studio"),
                "library": _text("the same where two servers are one studio"),
                "engines": {"type": "array", "items": _object(engine)},
            }
        ),
        "Error": _object({"error": _object(error, "hint", "allowed")}),
    }


def document(app: FastAPI, *, token: bool) -> Schema:
    """The whole document of `app`."""
    told: Schema = get_openapi(
        title="NUR Studio",
        version=nur_studio.__version__,
        summary="Original music from words, made on the machine that answers.",
        routes=app.routes,
    )
    told["components"] = {"schemas": _schemas()}
    told["paths"]["/v1/music/generate"]["post"]["requestBody"] = {
        "required": True, "content": {"application/json": {"schema": _ref("GenerateRequest")}},
    }  # fmt: skip
    if token:
        told["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{"token": []}]
    return told


def page(told: Mapping[str, Any]) -> str:
    """The document to read: one page without scripts, since the usual ones load theirs from the internet."""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>NUR Studio: HTTP interface</title>"
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:54rem;margin:2rem auto;padding:0 1rem}"
        "code,pre{font:13px/1.5 ui-monospace,monospace;background:#8881;border-radius:4px;padding:.1em .3em}"
        "pre{padding:.8em;overflow:auto}td,th{text-align:left;vertical-align:top;padding:.2em .8em .2em 0}"
        ":root{color-scheme:light dark}</style>"
        f"<h1>NUR Studio</h1><p>{html.escape(told['info']['summary'])} "
        "For programs: <a href=openapi.json>openapi.json</a>.</p>" + "".join(_sections(told))
    )


def _sections(told: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in told["paths"].items():
        for method, call in methods.items():
            yield f"<h2>{html.escape(call['summary'])}</h2><p><code>{method.upper()} {html.escape(path)}</code></p>"
            yield f"<p>{html.escape(call.get('description', ''))}</p>"
            yield _table((p["name"], {**p["schema"], "description": p.get("description", "")}) for p in _given(call))
            if "requestBody" in call:
                schema = told["components"]["schemas"]["GenerateRequest"]
                yield _table(schema["properties"].items())
                body = json.dumps(EXAMPLE, indent=2)
                yield (
                    f"<pre>curl http://127.0.0.1:8765{path} -H 'Content-Type: application/json' -d '"
                    f"{html.escape(body)}'</pre>"
                )


def _given(call: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(call.get("parameters", []))


def _table(rows: Any) -> str:
    cells = [
        f"<tr><td><code>{html.escape(name)}</code><td>{html.escape(_range(schema))}"
        f"<td>{html.escape(schema.get('description', ''))}"
        for name, schema in rows
    ]
    return f"<table>{''.join(cells)}</table>" if cells else ""


def _range(schema: Mapping[str, Any]) -> str:
    words = [str(schema.get("type", ""))]
    if "minimum" in schema:
        words.append(f"{schema['minimum']} to {schema.get('maximum', '…')}")
    if "enum" in schema:
        words.append(", ".join(schema["enum"]))
    if schema.get("default") not in (None, ""):
        words.append(f"default {json.dumps(schema['default'])}")
    return "; ".join(word for word in words if word)
