"""Schemathesis over the whole document: whatever it makes up, the server answers as the document says, and lives."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from fake_server import Server
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nur_studio.core.request import GenerationRequest

EXAMPLES = 2  # 40 have found nothing either, and take a minute
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def abused(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose engine fails at once, with room for all that is asked."""
    studio = server.studio
    monkeypatch.setattr(studio, "settings", replace(studio.settings, engine="refusing"))
    monkeypatch.setattr(server.serving.desk, "limit", 0)
    return server


def test_nothing_it_makes_up_is_answered_with_a_fault(abused: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{abused.address}/openapi.json")
    (there,) = abused.studio.generate(GenerationRequest("the one that is there", 5, engine="fake"))
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal asked
                asked += 1
                if "track_id" in case.path_parameters and asked % 2 and case.method != "DELETE":
                    case.path_parameters["track_id"] = there.id
                case.call_and_validate(checks=CHECKS)

            with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
                ask()  # there is nothing wrong to be made up where nothing is asked for
    assert asked > 30
    assert abused.ask("GET", "/v1/music?limit=1").status == 200
