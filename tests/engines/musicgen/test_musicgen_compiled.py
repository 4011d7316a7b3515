"""The graph against the same weights multiplied by torch: what it adds is nothing but its cache's rounding."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from parity import conditions_of, heard, random_codes

from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.musicgen import compiled as module
from nur_studio.engines.musicgen import loading
from nur_studio.engines.musicgen.compiled import CompiledModel, CompiledTransformer, transformer_of
from nur_studio.engines.musicgen.pattern import to_steps
from nur_studio.engines.musicgen.weights import LanguageModel
from nur_studio.engines.products import has

if not has("int8"):
    pytest.skip("this processor's bytes are not quick, and so not used", allow_module_level=True)

CPU = torch.device("cpu")


def in_bytes(family: Any) -> LanguageModel:
    return loading.load(family.folders, CPU, "int8", ignore_progress, CancelToken()).language_model


@pytest.mark.parametrize("cache_in", ["f32", "f16"])
def test_the_graph_computes_what_torch_does_with_the_same_bytes(
    family: Any, monkeypatch: pytest.MonkeyPatch, cache_in: str
) -> None:
    facts = family.model.facts
    steps = to_steps(random_codes(family, 60), facts.delays, facts.special)
    monkeypatch.setattr(module, "_CACHE_IN", cache_in)
    graph = in_bytes(family)
    assert isinstance(graph, CompiledModel)
    monkeypatch.setattr(loading, "compiled", lambda model: model)
    plain = in_bytes(family)
    assert not isinstance(plain, CompiledModel)
    for first in (1, 40):  # step by step, and as a window that continues from a prompt
        wanted, got = heard(family, plain, steps, first), heard(family, graph, steps, first)
        error = float((got - wanted).norm() / wanted.norm())
        assert error <= (1e-5 if cache_in == "f32" else 3e-4)


def test_rows_of_several_takes_hear_what_each_would_alone(family: Any) -> None:
    model, facts = in_bytes(family), family.model.facts
    conditions = conditions_of(family)
    steps = to_steps(random_codes(family, 20, takes=3), facts.delays, facts.special)
    together = transformer_of(model, conditions, 3, steps.shape[-1]).hear(steps)
    assert together.shape == (6, steps.shape[-1], facts.codebooks, facts.card)
    for take in range(3):
        alone = transformer_of(model, conditions, 1, steps.shape[-1]).hear(steps[take : take + 1])
        torch.testing.assert_close(together[take::3], alone, rtol=0, atol=1e-4 * float(alone.abs().max()))


def test_two_windows_of_a_model_do_not_hear_each_other(family: Any) -> None:
    model, facts = in_bytes(family), family.model.facts
    conditions = conditions_of(family)
    steps = to_steps(random_codes(family, 12, takes=2), facts.delays, facts.special)
    alone = [heard(family, model, steps[take : take + 1], 1) for take in range(2)]
    first, second = (transformer_of(model, conditions, 1, 40) for _ in range(2))
    assert isinstance(first, CompiledTransformer)
    parts: list[list[torch.Tensor]] = [[], []]
    for step in range(steps.shape[-1]):
        for take, transformer in enumerate((first, second)):
            parts[take].append(transformer.hear(steps[take : take + 1, :, step : step + 1]))
    for take in range(2):
        assert torch.equal(torch.cat(parts[take], 1), alone[take])


def test_more_than_was_said_is_refused_before_it_is_written(text: Any) -> None:
    model, facts = in_bytes(text), text.model.facts
    transformer = transformer_of(model, conditions_of(text), 1, 8)
    tokens = torch.zeros((2, facts.codebooks, 8), dtype=torch.long)
    transformer.hear(tokens[:1])
    with pytest.raises(ValueError, match="position 9"):
        transformer.hear(tokens[:1, :, :1])
    with pytest.raises(ValueError, match="4 rows"):
        transformer_of(model, conditions_of(text), 1, 8).hear(tokens)


def test_other_precisions_are_left_as_they_are(family: Any) -> None:
    assert module.compiled(family.model.language_model) is family.model.language_model


def test_nothing_that_could_ask_the_network_is_loaded_with_it(family: Any) -> None:
    in_bytes(family)
    assert "openvino" in sys.modules
    assert "openvino_telemetry" not in sys.modules
