"""Whether takes decoded at once are those decoded alone: tried where a library's kernels may differ, and believed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from parity import conditions_of

from nur_studio.engines.musicgen import apart, cache, stepping
from nur_studio.engines.musicgen.apart import alike_beside_others, takes_apart
from nur_studio.engines.musicgen.cache import REACH, Cache
from nur_studio.engines.musicgen.decoding import Window, decode
from nur_studio.engines.musicgen.weights import LanguageModel
from nur_studio.engines.products import Linear


class _Touched(Linear):
    """A product that is another one for more rows than two, by little."""

    def __init__(self, real: Linear) -> None:
        self._real, self.dtype, self.rows_apart = real, real.dtype, True

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        out = self._real(x)
        return out * (1 + 2**-20) if x.shape[0] > 2 and x.shape[1] == 1 else out


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "REACH", 16)
    monkeypatch.setattr(apart, "_verdicts", {})


@pytest.fixture(params=["as asked", "in whole stretches"])
def capacity(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache's: of whole stretches it is on cards, longer than there are places for positions."""
    if request.param == "in whole stretches":
        monkeypatch.setattr(cache, "_rounded", lambda _, asked: math.ceil(asked / 16) * 16)


@pytest.mark.usefixtures("capacity")
def test_on_a_processor_they_are(family: Any) -> None:
    assert alike_beside_others(family.model.language_model, 3, 40)


@pytest.mark.usefixtures("capacity")
def test_steps_of_unchanging_shape_decode_the_same(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "REACH", 16)
    model, conditions = family.model.language_model, conditions_of(family)
    usual, even = (
        decode(Window(model, conditions, 60, (4, 9), even=even), lambda done, steps: None) for even in (False, True)
    )
    assert torch.equal(usual, even)


@pytest.mark.parametrize("place", ["out", "contract"])
def test_the_least_difference_in_the_last_layer_is_found(family: Any, place: str) -> None:
    model: LanguageModel = family.model.language_model
    last = model.layers[-1]
    touched = replace(last, **{place: _Touched(getattr(last, place))})
    assert not alike_beside_others(replace(model, layers=(*model.layers[:-1], touched)), 2, 40)


def on_a_card(model: LanguageModel) -> LanguageModel:
    return replace(model, device=torch.device("cuda"))


def test_it_is_tried_once_for_each_number_of_takes(text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    model = text.model.language_model

    def few(_: LanguageModel, takes: int, frames: int) -> bool:
        assert frames == 1500
        tried.append(takes)
        return takes < 4

    monkeypatch.setattr(apart, "alike_beside_others", few)
    assert takes_apart(model, 8, 1500), "no need to try on a processor"
    assert tried == []
    assert takes_apart(on_a_card(model), 3, 1500)
    assert tried == [2, 3]
    assert not takes_apart(on_a_card(model), 5, 1500)
    assert takes_apart(on_a_card(model), 3, 1500)
    assert tried == [2, 3, 4]


def test_on_a_card_windows_of_any_length_go_through_the_same_shapes(text: Any) -> None:
    model = text.model.language_model
    assert Cache.bytes_for(on_a_card(model), 2, 300) == Cache.bytes_for(model, 2, 2 * REACH)
    assert Cache.bytes_for(model, 2, 300) < Cache.bytes_for(model, 2, 2 * REACH)


def test_where_a_product_mixes_rows_nothing_is_tried(text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "alike_beside_others", lambda *_: pytest.fail("tried"))
    model = text.model.language_model
    mixing = _Touched(model.layers[0].contract)
    mixing.rows_apart = False
    layers = (replace(model.layers[0], contract=mixing), *model.layers[1:])
    assert not takes_apart(on_a_card(replace(model, layers=layers)), 2, 1500)


def test_what_had_no_room_is_tried_again_another_time(text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = on_a_card(text.model.language_model)

    def no_room(*_: object) -> bool:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def broken(*_: object) -> bool:
        raise RuntimeError("an illegal instruction")

    monkeypatch.setattr(apart, "alike_beside_others", no_room)
    assert not takes_apart(model, 2, 1500)
    monkeypatch.setattr(apart, "alike_beside_others", broken)
    with pytest.raises(RuntimeError, match="illegal"):
        takes_apart(model, 2, 1500)
    monkeypatch.setattr(apart, "alike_beside_others", lambda *_: True)
    assert takes_apart(model, 2, 1500)
