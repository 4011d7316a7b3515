"""A transformer whose weights are bytes, compiled by OpenVINO for the processor at hand: one graph is one step.

Its products read each weight as one byte and compute in fp32, attention and its growing cache are its own, and nothing
of a step comes back to Python but the logits. What torch has for bytes rounds what they are multiplied with as well,
errs four times as much, and leaves the cache in fp32, which weighs as much as such weights do after 30 s of music.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
import torch

from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.transformer import Entrance, Transformer
from nur_studio.engines.musicgen.weights import LanguageModel, Norm
from nur_studio.engines.products import LaidOut, Linear

_CACHE_IN = "u8"
"""What keys and values are kept in, with a scale and a zero for each head of each position. Halves err hardly less and
are slower in the second half of a window.
"""


@dataclass(frozen=True, slots=True)
class CompiledModel(LanguageModel):
    """A `LanguageModel` whose products lie in `graph`, an `openvino.CompiledModel`, and are empty elsewhere."""

    graph: Any

    @property
    def cached_bytes(self) -> float:
        return 1 + 8 / self.facts.head_dim  # scale and zero


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
        self._takes = takes
        prefix = conditions.prefix.shape[1]
        self._enter = Entrance(model, prefix + positions)
        self._prefix = conditions.prefix.float().repeat_interleave(takes, 0)
        self._heard = 0
        self._request = model.graph.create_infer_request()
        self._give("rows", torch.arange(2 * takes, dtype=torch.int32))
        for index, layer in enumerate(model.layers):
            if layer.cross is not None:
                pair = layer.cross.key_value(conditions.cross).float().repeat_interleave(takes, 0)
                for name, part in zip(("keys", "values"), pair.chunk(2, dim=-1), strict=True):
                    split = part.view(*part.shape[:2], model.facts.heads, -1).transpose(1, 2)
                    self._give(f"{name} of the text {index}", split.contiguous())

    @torch.inference_mode()
    def hear(self, tokens: torch.Tensor) -> torch.Tensor:
        """Take in the next tokens (takes, codebooks, steps); logits (2 × takes, steps, codebooks, card), float32."""
        x = self._enter(tokens).repeat(2, 1, 1)
        before = self._prefix.shape[1] if self._heard == 0 else 0
        if before:
            x = torch.cat([self._prefix, x], dim=1)
        x = x + self._enter.places[self._heard : self._heard + x.shape[1]]
        self._give("x", x)
        self._request.infer()
        self._heard += x.shape[1]
        facts = self.model.facts
        logits = torch.from_numpy(self._request.get_tensor("logits").data.copy())
        return logits.view(*logits.shape[:2], facts.codebooks, facts.card)[:, before:]

    def _give(self, name: str, values: torch.Tensor) -> None:
        from openvino import Tensor

        self._request.set_tensor(name, Tensor(values.numpy()))


class _Graph:
    """Builds the graph, and takes the weights out of the model while it does: they lie in memory once."""

    def __init__(self, model: LanguageModel) -> None:
        from openvino import opset13, opset15

        self._ops, self._states = opset13, opset15
        self._model = model
        self._heads, self._size = model.facts.heads, model.facts.head_dim
        self._inputs: list[Any] = []
        self._kept: list[Any] = []

    def compile(self) -> Any:
        import openvino

        ops, model = self._ops, self._model
        x = hidden = self._input("x", [-1, -1, model.facts.dim])
        rows = self._input("rows", [-1], np.int32)
        batch = ops.gather(ops.shape_of(x), self._numbers(0), self._numbers(0))
        nothing = ops.concat([batch, self._numbers(self._heads, 0, self._size)], 0)
        for index, layer in enumerate(model.layers):
            query, key, value = self._split(self._product(layer.qkv, self._norm(layer.norm, hidden)), 3)
            keys, values = (
                self._remembered(f"{name} {index}", part, rows, nothing)
                for name, part in (("keys", key), ("values", value))
            )
            found = ops.scaled_dot_product_attention(query, keys, values, causal=True)
            hidden = ops.add(hidden, self._product(layer.out, self._joined(found)))
            if layer.cross is not None:
                (query,) = self._split(self._product(layer.cross.query, self._norm(layer.cross.norm, hidden)), 1)
                keys, values = (
                    self._input(f"{name} of the text {index}", [-1, self._heads, -1, self._size])
                    for name in ("keys", "values")
                )
                found = ops.scaled_dot_product_attention(query, keys, values, causal=False)
                hidden = ops.add(hidden, self._product(layer.cross.out, self._joined(found)))
            wide = self._active(self._product(layer.expand, self._norm(layer.norm_forward, hidden)))
            hidden = ops.add(hidden, self._product(layer.contract, wide))
        logits = ops.result(self._product(model.heads, self._norm(model.norm, hidden)))
        logits.output(0).set_names({"logits"})
        graph = openvino.Model([logits], self._kept, self._inputs, "MusicGen")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": _CACHE_IN,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",  # what bytes are multiplied with stays in fp32
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # other programs run beside, and the window's process
        }
        return openvino.Core().compile_model(graph, "CPU", settings)

    def _input(self, name: str, shape: list[int], kind: type[np.generic] = np.float32) -> Any:
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

    def _split(self, x: Any, parts: int) -> list[Any]:
        """(rows, positions, parts × dim) → for each part (rows, heads, positions, head_dim)."""
        ops = self._ops
        pieces = ops.split(x, ops.constant(np.int64(2)), parts).outputs() if parts > 1 else [x]
        shape = self._numbers(0, 0, self._heads, self._size)
        return [ops.transpose(ops.reshape(piece, shape, True), self._numbers(0, 2, 1, 3)) for piece in pieces]

    def _joined(self, x: Any) -> Any:
        ops = self._ops
        return ops.reshape(ops.transpose(x, self._numbers(0, 2, 1, 3)), self._numbers(0, 0, -1), True)

    def _remembered(self, name: str, new: Any, rows: Any, nothing: Any) -> Any:
        """What came before, and the new after it: in the form that OpenVINO knows as a cache of attention's."""
        from openvino import PartialShape, Type
        from openvino.op.util import Variable, VariableInfo

        ops, states = self._ops, self._states
        info = VariableInfo()
        info.variable_id, info.data_type = name, Type.f32
        info.data_shape = PartialShape([-1, self._heads, -1, self._size])
        variable = Variable(info)
        before = states.read_value(ops.broadcast(ops.constant(np.float32(0)), nothing), variable)
        whole = ops.concat([ops.gather(before, rows, ops.constant(np.int64(0))), new], 2)
        self._kept.append(states.assign(whole, variable))
        return whole
