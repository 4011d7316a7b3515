"""The list of engines, and what is said about one that is not in it."""

import importlib.util
from pathlib import Path

import fake_engine
import pytest
from planted_models import plant

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines import catalogue
from nur_studio.engines.models import MODELS


def test_sketch_is_always_there_and_free_of_conditions(tmp_path: Path) -> None:
    (sketch, *_) = catalogue.engines(tmp_path)
    assert (sketch.name, sketch.why_not, sketch.stems) == ("sketch", "", True)
    assert "royalty-free" in sketch.licence
    assert sketch.sellable


def test_every_model_is_an_engine_that_says_what_is_missing(tmp_path: Path) -> None:
    (_, *models) = catalogue.engines(tmp_path, device="cpu", precision="fast")
    assert [info.name for info in models] == [model.name for model in MODELS]
    for info, model in zip(models, MODELS, strict=True):
        assert "not on this machine" in info.why_not
        assert "CC BY-NC 4.0" in info.licence
        assert ("melody" in info.can) == model.melody
        options = {"model": model.name, "folder": str(tmp_path), "device": "cpu", "precision": "fast"}
        assert info.options == options


def test_only_what_may_be_sold_leaves_the_others_out(tmp_path: Path) -> None:
    assert [info.name for info in catalogue.engines(tmp_path, sellable_only=True)] == ["sketch"]


def test_weights_without_the_packages_name_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, MODELS[0])
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    assert catalogue.engine("musicgen-small", catalogue.engines(tmp_path)).why_not.startswith("MusicGen needs torch")


def test_names_are_found_in_any_case(tmp_path: Path) -> None:
    assert catalogue.engine(" Sketch ", catalogue.engines(tmp_path)).name == "sketch"


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
