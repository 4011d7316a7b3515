"""A request for music as JSON: one table says its fields, their ranges and defaults, for clients and server alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from nur_studio.core.contract import FarOff
from nur_studio.core.controls import (
    GUIDANCE,
    MAX_DESCRIPTION,
    MAX_SECTIONS,
    MAX_TOP_K,
    TEMPERATURE,
    WINDOW_S,
    Controls,
    Reference,
    SectionPrompt,
)
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import LANES
from nur_studio.core.request import (
    FORMATS,
    MAX_BARS,
    MAX_DURATION,
    MAX_GENRE,
    MAX_PROMPT,
    MAX_SEED,
    MAX_TAKES,
    MAX_TEMPO,
    MIN_DURATION,
    MIN_TEMPO,
    GenerationRequest,
    readable,
)
from nur_studio.core.track import is_track_id

MAX_PAGE = 500
"""How many tracks are listed at once, at most."""

_MAX_ENGINE = 60
_MAX_BAR = 10_000
_USES: tuple[Literal["continue", "melody"], ...] = ("continue", "melody")
_PARTS = ("mix", *LANES)
# Not blank, and nothing in it that no file or database takes.
_WORDS = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


def _as_it_is(_: str, value: Any) -> Any:
    return value


def _whole(_: str, value: Any) -> Any:
    """30.0 is 30: some languages know no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not readable(value):
        raise InvalidRequest(name, value, "text")
    return value


def _switch(name: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise InvalidRequest(name, value, "true or false")
    return value


def _engine(name: str, value: Any) -> Any:
    if not isinstance(value, str) or len(value) > _MAX_ENGINE:
        raise InvalidRequest(name, value, f"the name of an engine, at most {_MAX_ENGINE} characters")
    return value


def _sections(name: str, value: Any) -> tuple[SectionPrompt, ...]:
    allowed = 'a list such as [{"bar": 17, "description": "full drums"}], the first bar being 1'
    if not isinstance(value, list | tuple) or not all(isinstance(each, Mapping) for each in value):
        raise InvalidRequest(name, value, allowed)
    sections = []
    for each in value:
        bar = _whole(name, each.get("bar"))
        if set(each) != {"bar", "description"} or not isinstance(bar, int) or isinstance(bar, bool):
            raise InvalidRequest(name, each, allowed)
        if not 1 <= bar <= _MAX_BAR:
            raise InvalidRequest(name, bar, f"sections that start at bars from 1 to {_MAX_BAR}")
        sections.append(SectionPrompt(bar - 1, _text(name, each["description"])))
    return tuple(sections)


def _sections_out(sections: tuple[SectionPrompt, ...]) -> list[dict[str, Any]]:
    return [{"bar": section.start_bar + 1, "description": section.description} for section in sections]


def _reference(name: str, value: Any) -> Reference:
    allowed = 'such as {"use": "continue", "track": "trk_…"}; part, start_s and end_s may be added'
    known = {"use", "track", "part", "start_s", "end_s"}
    if not isinstance(value, Mapping) or not {"use", "track"} <= set(value) <= known or value["use"] not in _USES:
        raise InvalidRequest(name, value, allowed)
    if not isinstance(value["track"], str) or not is_track_id(value["track"]):
        raise InvalidRequest(name, value["track"], "about the id of a track in the library")
    part, start_s, end_s = value.get("part", "mix"), value.get("start_s", 0.0), value.get("end_s")
    if part not in _PARTS:
        raise InvalidRequest(name, part, f"about one of the parts {', '.join(_PARTS)}")
    if not _is_number(start_s) or not (end_s is None or _is_number(end_s)):
        raise InvalidRequest(name, (start_s, end_s), "between seconds that are numbers")
    return Reference(value["use"], value["track"], part, start_s, end_s)


def _reference_out(reference: Reference) -> dict[str, Any]:
    """Raises `InvalidRequest` for a file's path: another machine has no such file."""
    if not is_track_id(reference.source):
        raise InvalidRequest("reference", reference.source, "about the id of a track in the library")
    told = {"use": reference.use, "track": reference.source, "part": reference.part, "start_s": reference.start_s}
    return told if reference.end_s is None else {**told, "end_s": reference.end_s}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the JSON: its JSON Schema (without default), whose attribute of the same name it is, and how it is
    read and written. `read` raises `InvalidRequest`; ranges are left to `GenerationRequest.validate`.
    """

    name: str
    meaning: str
    schema: Mapping[str, Any]
    place: Literal["request", "controls"] = "request"
    read: Callable[[str, Any], Any] = _as_it_is
    write: Callable[[Any], Any] = lambda value: value

    @property
    def default(self) -> Any:
        """What it is where it is left out; None also for the prompt, which must not be."""
        (field,) = (
            f for f in fields(GenerationRequest if self.place == "request" else Controls) if f.name == self.name
        )
        return None if field.default is MISSING else field.default


_INTEGER, _NUMBER, _STRING, _SWITCH = ({"type": kind} for kind in ("integer", "number", "string", "boolean"))
_SECTION_SCHEMA = {
    "type": "object",
    "properties": {
        "bar": {**_INTEGER, "minimum": 1, "maximum": _MAX_BAR},
        "description": {**_STRING, "pattern": _WORDS, "maxLength": MAX_DESCRIPTION},
    },
    "required": ["bar", "description"],
    "additionalProperties": False,
}
_REFERENCE_SCHEMA = {
    "type": "object",
    "properties": {
        "use": {**_STRING, "enum": list(_USES)},
        "track": {**_STRING, "pattern": "^trk_[a-z0-9]{12}$"},
        "part": {**_STRING, "enum": list(_PARTS), "default": "mix"},
        "start_s": {**_NUMBER, "minimum": 0, "default": 0},
        "end_s": {**_NUMBER, "minimum": 0},
    },
    "required": ["use", "track"],
    "additionalProperties": False,
}

FIELDS = (
    Field("prompt", "natural-language description of the music; instrumentation, mood and structure are read from it",
          {**_STRING, "minLength": 1, "maxLength": MAX_PROMPT, "pattern": _WORDS}),
    Field("duration", "length in seconds", {**_INTEGER, "minimum": MIN_DURATION, "maximum": MAX_DURATION}, read=_whole),
    Field("genre", "target genre: lo-fi, electronic, classical, rock, ambient, … (open list)",
          {**_STRING, "minLength": 1, "maxLength": MAX_GENRE, "pattern": _WORDS}),
    Field("tempo", "BPM; detected from the prompt if omitted",
          {**_INTEGER, "minimum": MIN_TEMPO, "maximum": MAX_TEMPO}, read=_whole),
    Field("output_format", "the format of the audio file", {**_STRING, "enum": list(FORMATS)}),
    Field("seed", "the same seed makes the same music; a new one if omitted",
          {**_INTEGER, "minimum": 0, "maximum": MAX_SEED}, read=_whole),
    Field("engine", "what makes the music; the studio's own choice if omitted",
          {**_STRING, "minLength": 1, "maxLength": _MAX_ENGINE, "pattern": _WORDS}, read=_engine),
    Field("takes", "how many, with the seed, the next one …; above 1 the answer is a list of tracks",
          {**_INTEGER, "minimum": 1, "maximum": MAX_TAKES}, read=_whole),
    Field("bars", "length in bars of the tempo, in place of duration",
          {**_INTEGER, "minimum": 1, "maximum": MAX_BARS}, read=_whole),
    Field("bar_one", "begin with the first bar, where a tempo was asked", _SWITCH, "controls", _switch),
    Field("far_off", "what becomes of a tempo so far off that stretching would be heard; the settings' if omitted",
          {**_STRING, "enum": list(FarOff)}, "controls", _text),
    Field("description", "what a model is told, in place of the words made from prompt and tempo",
          {**_STRING, "maxLength": MAX_DESCRIPTION}, "controls", _text),
    Field("negative", "what a model steers away from", {**_STRING, "maxLength": MAX_DESCRIPTION}, "controls", _text),
    Field("guidance", "how closely the words are followed; the model's own if omitted",
          {**_NUMBER, "minimum": GUIDANCE[0], "maximum": GUIDANCE[1]}, "controls"),
    Field("temperature", "how daring a model is",
          {**_NUMBER, "minimum": TEMPERATURE[0], "maximum": TEMPERATURE[1]}, "controls"),
    Field("top_k", "choose among so many of the likeliest; 0 for all",
          {**_INTEGER, "minimum": 0, "maximum": MAX_TOP_K}, "controls", _whole),
    Field("sections", "other words from a bar on, the first being 1",
          {"type": "array", "items": _SECTION_SCHEMA, "maxItems": MAX_SECTIONS}, "controls", _sections, _sections_out),
    Field("reference", "a track of the library to continue, or whose melody to follow",
          _REFERENCE_SCHEMA, "controls", _reference, _reference_out),
    Field("count_in", "start a model on a drum loop at the tempo, not to be heard", _SWITCH, "controls", _switch),
    Field("loop", "whole bars that go round without a seam; else with an end", _SWITCH, "controls", _switch),
    Field("window_s", "how many seconds are made at once; what the model can if omitted",
          {**_INTEGER, "minimum": WINDOW_S[0], "maximum": WINDOW_S[1]}, "controls", _whole),
)  # fmt: skip
"""In the order people are told them: the reference's five, then the studio's own."""


def request_from(values: Mapping[str, Any]) -> GenerationRequest:
    """The request these fields ask for; null is a field left out. Raises `InvalidRequest` for the first fault."""
    known = [field.name for field in FIELDS]
    for name in values:
        if name not in known:
            raise InvalidRequest(name[:60], values[name], f"left out: the fields are {', '.join(known)}")
    given: dict[str, dict[str, Any]] = {"request": {"prompt": None}, "controls": {}}
    for field in FIELDS:
        value = values.get(field.name)
        if value is not None:
            given[field.place][field.name] = field.read(field.name, value)
    request = GenerationRequest(**given["request"], controls=Controls(**given["controls"]))
    request.validate()
    return request


def body_of(request: GenerationRequest) -> dict[str, Any]:
    """The JSON that asks for this request; what is as usual is left out. Raises `InvalidRequest` for a reference to a
    file.
    """
    body: dict[str, Any] = {}
    for field in FIELDS:
        value = getattr(request if field.place == "request" else request.controls, field.name)
        if value != field.default:
            body[field.name] = field.write(value)
    return body


def request_schema() -> dict[str, Any]:
    """The JSON Schema of a request, with defaults and an example."""
    properties: dict[str, Any] = {}
    for field in FIELDS:
        schema = {**field.schema, "description": field.meaning}
        if field.default is not None and field.name != "prompt":
            default = field.write(field.default)
            schema["default"] = list(default) if isinstance(default, tuple) else default
        properties[field.name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": ["prompt"],
        "additionalProperties": False,
        "examples": [EXAMPLE],
    }


EXAMPLE = {
    "prompt": "Upbeat lo-fi hip hop beat with jazzy piano chords and vinyl crackle",
    "duration": 30,
    "genre": "lo-fi",
    "tempo": 85,
}
"""The reference's own."""
