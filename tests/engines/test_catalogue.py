"""The list of engines, and what is said about one that is not in it."""

import fake_engine
import pytest

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines import catalogue


def test_sketch_is_always_there_and_free_of_conditions() -> None:
    (sketch, *_) = catalogue.engines()
    assert (sketch.name, sketch.why_not, sketch.stems) == ("sketch", "", True)
    assert "royalty-free" in sketch.licence


def test_names_are_found_in_any_case() -> None:
    assert catalogue.engine(" Sketch ").name == "sketch"


def test_an_unknown_engine_is_answered_with_the_known_ones() -> None:
    known = (fake_engine.info("alpha"), fake_engine.info("beta"))
    with pytest.raises(EngineUnavailable, match=r"^There is no engine 'gamma'; known here: alpha, beta\.$"):
        catalogue.engine("gamma", known)


def test_an_engine_that_cannot_run_says_why() -> None:
    from dataclasses import replace

    known = (replace(fake_engine.info("alpha"), why_not="Its weights are missing."),)
    assert catalogue.engine("alpha", known).why_not
    with pytest.raises(EngineUnavailable, match=r"^Its weights are missing\. .*doctor"):
        catalogue.usable_engine("alpha", known)
