"""Errors as a server answers them, and back."""

from __future__ import annotations

import pytest

from nur_studio.core.error_json import error_as_json, error_from_json
from nur_studio.core.errors import (
    AudioUnavailable,
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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("tempo", 900, "a whole number of BPM from 40 to 220"), 422),
        (TrackNotFound("trk_000000000000"), 404),
        (TrackUnfinished("It is not finished."), 409),
        (UnknownEngine("There is no engine 'x'."), 422),
        (QueueFull(64), 503),
        (EngineUnavailable("Its weights are not here.", hint="Get them."), 503),
        (GenerationFailed("It crashed."), 503),
        (FileProblem("The disk is full."), 503),
        (StudioError("It cannot.", hint="Leave it."), 409),
    ],
)
def test_an_error_survives_the_wire(error: StudioError, status: int) -> None:
    asked = {"tempo": 900, "track_id": "trk_000000000000"}
    sent, told = error_as_json(error)
    came = error_from_json(sent, told, asked)
    assert (sent, type(came), str(came)) == (status, type(error), str(error))
    if isinstance(error, InvalidRequest):
        assert isinstance(came, InvalidRequest)
        assert (came.field, came.value, came.allowed) == (error.field, error.value, error.allowed)


def test_kinds_without_a_code_are_told_as_what_they_are_too() -> None:
    assert error_as_json(AudioUnavailable("Nothing plays here."))[1]["error"]["code"] == "not_possible"


@pytest.mark.parametrize("answer", [None, "x", {}, {"error": "x"}, {"error": {"message": 5}}, {"error": {"code": []}}])
def test_answers_of_others_are_no_studios(answer: object) -> None:
    came = error_from_json(500, answer, {})
    assert isinstance(came, ServerUnavailable)
    assert "answered 500" in str(came)
