"""Errors as a server answers them, and back: `{"error": {"code", "message", "field"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nur_studio.core.errors import (
    EngineUnavailable,
    FileProblem,
    GenerationFailed,
    InvalidRequest,
    QueueFull,
    ServerUnavailable,
    StudioError,
    TrackNotFound,
    TrackUnfinished,
    UnknownEngine,
)

_KINDS: tuple[tuple[str, int, type[StudioError]], ...] = (
    ("invalid_request", 422, InvalidRequest),
    ("track_not_found", 404, TrackNotFound),
    ("track_unfinished", 409, TrackUnfinished),
    ("unknown_engine", 422, UnknownEngine),
    ("queue_full", 503, QueueFull),
    ("server_unavailable", 503, ServerUnavailable),
    ("engine_unavailable", 503, EngineUnavailable),
    ("generation_failed", 503, GenerationFailed),
    ("file_problem", 503, FileProblem),
    ("not_possible", 409, StudioError),
)
"""The first that fits is it."""

REFUSALS = {
    400: "malformed", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    408: "too_slow", 413: "too_large", 415: "unsupported_media_type", 416: "range_not_satisfiable",
    431: "too_large", 500: "internal", 503: "busy",
}  # fmt: skip
"""The codes of what is no `StudioError`, by status."""

CODES = tuple(dict.fromkeys((*(code for code, _, _ in _KINDS), *REFUSALS.values())))


def refusal(status: int, message: str, field: str | None = None) -> dict[str, Any]:
    """The JSON that says no."""
    return {"error": {"code": REFUSALS.get(status, "refused"), "message": message, "field": field}}


def error_as_json(error: StudioError) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an error. Beside the three: `hint`, and `allowed` where a field was out of range."""
    code, status = next((code, status) for code, status, kind in _KINDS if isinstance(error, kind))
    field = "engine" if isinstance(error, UnknownEngine) else getattr(error, "field", None)
    told: dict[str, Any] = {"code": code, "message": error.sentence, "field": field}
    if error.hint:
        told["hint"] = error.hint
    if isinstance(error, InvalidRequest):
        told["allowed"] = error.allowed
    return status, {"error": told}


def error_from_json(status: int, answer: object, asked: Mapping[str, Any]) -> StudioError:
    """The error behind an answer; `asked` is what was sent, fields and path parts. Anything is taken: a studio of
    another version, or no studio at all, may have answered.
    """
    told = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("message"), str):
        return ServerUnavailable(f"The server answered {status}, and not as a studio would.")
    message, hint, field = told["message"], str(told.get("hint") or ""), str(told.get("field") or "")
    kind = next((kind for code, _, kind in _KINDS if code == told.get("code")), None)
    if kind is InvalidRequest:
        return InvalidRequest(field, asked.get(field), str(told.get("allowed") or message))
    if kind is TrackNotFound and isinstance(asked.get("track_id"), str):
        return TrackNotFound(asked["track_id"])
    if kind is None:  # refused by the server itself: a token, a body too large, a fault of its own
        return ServerUnavailable(message, hint=hint)
    error = kind.__new__(kind)
    StudioError.__init__(error, message, hint=hint)
    return error
