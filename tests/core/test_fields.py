"""A request as JSON and back."""

from __future__ import annotations

import json

import pytest

from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.fields import EXAMPLE, body_of, request_from, request_schema
from nur_studio.core.request import GenerationRequest

FULL = GenerationRequest(
    "slow waltz", 45, "jazz", 90, "flac", 3, "musicgen-small", 2,
    Controls(
        "a waltz", "drums", 4.0, 1.5, 100, (SectionPrompt(0, "soft"), SectionPrompt(16, "loud")),
        Reference("melody", "trk_000000000000", "vocals", 1.0, 9.5), False, True, 20,
    ),
)  # fmt: skip


@pytest.mark.parametrize("request_", [GenerationRequest("x"), FULL])
def test_a_request_survives_the_wire(request_: GenerationRequest) -> None:
    assert request_from(json.loads(json.dumps(body_of(request_)))) == request_


def test_what_is_as_usual_is_left_out() -> None:
    assert body_of(GenerationRequest("x")) == {"prompt": "x"}
    assert request_from({"prompt": "x", "tempo": None, "duration": None, "loop": None}) == GenerationRequest("x")


def test_bars_count_from_one_outside() -> None:
    assert body_of(FULL)["sections"] == [{"bar": 1, "description": "soft"}, {"bar": 17, "description": "loud"}]


def test_a_file_of_this_machine_goes_nowhere() -> None:
    asked = GenerationRequest("x", controls=Controls(reference=Reference("melody", "/home/me/tune.wav")))
    with pytest.raises(InvalidRequest) as refused:
        body_of(asked)
    assert refused.value.field == "reference"


def test_the_schema_has_the_defaults_of_the_request_itself() -> None:
    told = request_schema()["properties"]
    assert (told["duration"]["default"], told["output_format"]["default"], told["takes"]["default"]) == (30, "mp3", 1)
    assert (told["temperature"]["default"], told["top_k"]["default"], told["sections"]["default"]) == (1.0, 250, [])
    assert "default" not in told["prompt"]
    assert "default" not in told["seed"]
    assert request_from(EXAMPLE).tempo == 85
    json.dumps(request_schema())
