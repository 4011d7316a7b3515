"""A transformer whose weights are bytes, compiled by OpenVINO for the processor at hand: one graph is one step.

Its products read each weight as one byte and compute in fp32, attention is its own, over a cache in blocks that are
allocated once, and nothing of a step comes back to Python but the logits. What torch has for bytes rounds what they are
multiplied with as well, errs four times as much, and leaves the cache in fp32, which weighs as much as such weights do
after 30 s of music.

Attention is OpenVINO's paged one (Kwon et al., Efficient Memory Management for Large Language Model Serving with
PagedAttention, 2023), half as long as what it makes of plain attention with a state. It is not of the operations that
are promised to stay: what it takes changes with releases, so `products.has` knows one only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import torch

from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.transformer import Entrance, Transformer
from nur_studio.engines.musicgen.weights import LanguageModel, Norm
from nur_studio.engines.products import LaidOut, Linear

_CACHE_IN, _CACHED_BYTES = "f16", 2
"""What keys and values are kept in. Bytes with scales are no faster and err more."""
_BLOCK = 32
"""Positions that lie together in the cache."""


@dataclass(frozen=True, slots=True)
class CompiledModel(LanguageModel):
    """A `LanguageModel` whose products lie in `graph`, an `openvino.CompiledModel`, and are empty elsewhere."""

    graph: Any

    @property
    def cached_bytes(self) -> float:
        return _CACHED_BYTES


def compiled(model: LanguageModel) -> LanguageModel:
    """The model ready to decode with: its bytes, where it has some, move into a graph."""
    if not isinstance(model.heads, LaidOut):
        return model
    values = {field.name: getattr(model, field.name) for field in fields(LanguageModel)}
    return CompiledModel(**values, graph=_Graph(model).compile())


def transformer_of(
    model: LanguageModel, conditions: Conditions, takes: int, positions: int
) -> Transformer | CompiledTransformer:
    """What hears tokens by a model, up to so many beside the conditions' own."""
    if isinstance(model, CompiledModel):
        return CompiledTransformer(model, conditions, takes, positions)
    return Transformer(model, conditions, takes, positions)


class CompiledTransformer:
    """What `Transformer` is to a `LanguageModel`: its conditions, and what it has heard so far."""

    @torch.inference_mode()
    def __init__(self, model: CompiledModel, conditions: Conditions, takes: int, positions: int) -> None:
        self.model = model
        prefix = conditions.prefix.shape[1]
        self._enter = Entrance(model, prefix + positions)
        self._prefix = conditions.prefix.float().repeat_interleave(takes, 0)
        self._rows, self._heard = 2 * takes, 0
        self._request = model.graph.create_infer_request()
        self._cache: list[Any] = []  # the request points to it, and does not keep it
        self._lay_out_cache(-(-(prefix + positions) // _BLOCK))
        for index, layer in enumerate(model.layers):
            if layer.cross is not None:
                pair = layer.cross.key_value(conditions.cross).float().repeat_interleave(takes, 0)
                for name, part in zip(("keys", "values"), pair.chunk(2, dim=-1), strict=True):
                    split = part.view(*part.shape[:2], model.facts.heads, -1).transpose(1, 2)
                    self._give(f"{name} of the text {index}", split.contiguous())

    @torch.inference_mode()
    def hear(self, tokens: torch.Tensor) -> torch.Tensor:
        """Take in the next tokens (takes, codebooks, steps); logits (2 × takes, steps, codebooks, card), float32.

        Raises `ValueError` for more of them than was said: the cache would be written past its end.
        """
        x = self._enter(tokens).repeat(2, 1, 1)
        before = self._prefix.shape[1] if self._heard == 0 else 0
        if before:
            x = torch.cat([self._prefix, x], dim=1)
        rows, new = x.shape[:2]
        end = self._heard + new
        if rows != self._rows or end > len(self._enter.places):
            raise ValueError(
                f"{rows} rows up to position {end} are more than {self._rows} to {len(self._enter.places)}"
            )
        self._give("x", x + self._enter.places[self._heard : end])
        self._give("past", torch.full((rows,), self._heard, dtype=torch.int32))
        self._give("begins", torch.arange(rows + 1, dtype=torch.int32) * new)
        self._give("longest", torch.tensor(end, dtype=torch.int32))
        self._heard = end
        self._request.infer()
        facts = self.model.facts
        logits = torch.from_numpy(self._request.get_tensor("logits").data.copy())
        return logits.view(*logits.shape[:2], facts.codebooks, facts.card)[:, before:]

    def _lay_out_cache(self, blocks: int) -> None:
        """Rows have so many blocks each, one after the other, whose memory is taken only as it is written."""
        from openvino import Tensor

        rows = self._rows
        self._give("blocks", torch.arange(rows * blocks, dtype=torch.int32))
        self._give("block begins", torch.arange(rows + 1, dtype=torch.int32) * blocks)
        for place in self.model.graph.inputs:
            if place.any_name.startswith(_CACHE_OF):
                block = [side.get_length() for side in list(place.partial_shape)[1:]]
                empty = np.zeros((rows * blocks, *block), place.element_type.to_dtype())
                self._cache.append(empty)
                self._request.set_tensor(place.any_name, Tensor(empty, shared_memory=True))

    def _give(self, name: str, values: torch.Tensor) -> None:
        from openvino import Tensor

        self._request.set_tensor(name, Tensor(values.numpy()))


class _Graph:
    """Builds the graph, and takes the weights out of the model while it does: they lie in memory once."""

    def __init__(self, model: LanguageModel) -> None:
        from openvino import opset13

        self._ops = opset13
        self._model = model
        self._heads, self._size = model.facts.heads, model.facts.head_dim
        self._inputs: list[Any] = []

    @property
    def facts(self) -> ModelFacts:
        return self._model.facts

    def compile(self) -> Any:
        import openvino

        ops, model = self._ops, self._model
        hidden = self.input("x", [-1, -1, model.facts.dim])
        attend = _Attention(self, hidden)
        for index, layer in enumerate(model.layers):
            found = attend(index, self._product(layer.qkv, self._norm(layer.norm, hidden)))
            hidden = ops.add(hidden, self._product(layer.out, found))
            if layer.cross is not None:
                query = self._by_head(self._product(layer.cross.query, self._norm(layer.cross.norm, hidden)))
                keys, values = (
                    self.input(f"{name} of the text {index}", [-1, self._heads, -1, self._size])
                    for name in ("keys", "values")
                )
                found = ops.scaled_dot_product_attention(query, keys, values, causal=False)
                hidden = ops.add(hidden, self._product(layer.cross.out, self._joined(found)))
            wide = self._active(self._product(layer.expand, self._norm(layer.norm_forward, hidden)))
            hidden = ops.add(hidden, self._product(layer.contract, wide))
        logits = ops.result(self._product(model.heads, self._norm(model.norm, hidden)))
        logits.output(0).set_names({"logits"})
        graph = openvino.Model([logits], self._inputs, "MusicGen")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": _CACHE_IN,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",  # what bytes are multiplied with stays in fp32
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # other programs run beside, and the window's process
        }
        return openvino.Core().compile_model(graph, "CPU", settings)

    def input(self, name: str, shape: list[int], kind: Any = np.float32) -> Any:
        from openvino import PartialShape

        parameter = self._ops.parameter(PartialShape(shape), kind)
        parameter.output(0).set_names({name})
        self._inputs.append(parameter)
        return parameter

    def _numbers(self, *values: int) -> Any:
        return self._ops.constant(np.array(values, np.int64))

    def _floats(self, values: torch.Tensor) -> Any:
        return self._ops.constant(values.numpy())

    def _product(self, product: Linear, x: Any) -> Any:
        ops = self._ops
        laid = cast(LaidOut, product).take()
        outputs, groups, size = laid.whole.shape
        weight = ops.multiply(
            ops.convert(ops.constant(laid.whole.numpy(), shared_memory=True), np.float32),
            ops.constant(laid.scales.numpy(), shared_memory=True),
        )
        if laid.digits > 1:
            x = ops.concat([x] * laid.digits, -1)
        out = ops.matmul(x, ops.reshape(weight, self._numbers(outputs, groups * size), False), False, True)
        return out if laid.bias is None else ops.add(out, self._floats(laid.bias))

    def _norm(self, norm: Norm, x: Any) -> Any:
        ops = self._ops
        even = ops.multiply(ops.mvn(x, self._numbers(-1), True, 1e-5, "inside_sqrt"), self._floats(norm.weight))
        return even if norm.bias is None else ops.add(even, self._floats(norm.bias))

    def _active(self, x: Any) -> Any:
        return self._ops.relu(x) if self._model.activation is torch.nn.functional.relu else self._ops.gelu(x, "erf")

    def _by_head(self, x: Any) -> Any:
        """(rows, positions, dim) → (rows, heads, positions, head_dim)."""
        ops = self._ops
        return ops.transpose(
            ops.reshape(x, self._numbers(0, 0, self._heads, self._size), True), self._numbers(0, 2, 1, 3)
        )

    def _joined(self, x: Any) -> Any:
        ops = self._ops
        return ops.reshape(ops.transpose(x, self._numbers(0, 2, 1, 3)), self._numbers(0, 0, -1), True)


_CACHE_OF = "cache of "


class _Attention:
    """Attention of positions to themselves and what came before, in every layer of a graph."""

    def __init__(self, graph: _Graph, x: Any) -> None:
        from openvino import opset13

        self._ops, self._graph = opset13, graph
        self._shape = self._ops.shape_of(x)
        self._places = [graph.input(name, [-1], np.int32) for name in ("past", "begins", "blocks", "block begins")]
        self._longest = graph.input("longest", [], np.int32)

    def __call__(self, layer: int, qkv: Any) -> Any:
        """What queries find, (rows, positions, dim), from queries, keys and values side by side."""
        from openvino import Type
        from openvino.op import _PagedAttentionExtension as PagedAttention

        ops, facts = self._ops, self._graph.facts
        flat = ops.reshape(qkv, np.array([-1, 3 * facts.dim]), False)  # all positions of all rows
        cached = [
            self._graph.input(f"{_CACHE_OF}{name} {layer}", [-1] * 4, Type.dynamic) for name in ("keys", "values")
        ]
        whole, real, flags = (ops.constant(np.zeros(0, kind)) for kind in (np.int32, np.float32, np.uint8))
        zero, sixty_four, eight = (ops.constant(np.int32(number)) for number in (0, 64, 8))
        others = [
            *cached, *self._places,
            ops.constant(np.float32(facts.head_dim**-0.5)), zero, real, self._longest,  # no sliding window, no slopes
            whole, whole, whole, real,  # no scores asked for, no blocks rotated
            real, sixty_four, eight,  # no blocks left out
            real, zero, whole, whole, whole,  # no sinks, no blocks thrown away
            whole, flags, whole,  # no kinds of tokens, no trees of them
        ]  # fmt: skip
        new = ops.split(flat, np.int64(1), 3).outputs()
        found = PagedAttention([*new, *(node.output(0) for node in others)])
        for name in ("k", "v"):
            found.get_rt_info()[f"num_{name}_heads"] = facts.heads
            found.get_rt_info()[f"{name}_head_size"] = facts.head_dim
        return ops.reshape(found.output(0), self._shape, False)
