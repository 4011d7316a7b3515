"""A MusicGen transformer's weights, laid out for decoding: packed once, multiplied at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from nur_studio.engines.musicgen.checkpoint import Weights
from nur_studio.engines.musicgen.facts import ModelFacts, UnknownModel
from nur_studio.engines.products import Linear, linear, once

Tell = Callable[[float], None]
"""Told the share, 0 to 1, of a piece of loading that is done."""

_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"gelu": functional.gelu, "relu": functional.relu}


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation, always in float32."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


@dataclass(frozen=True, slots=True)
class CrossAttention:
    """What a layer needs to attend to the text."""

    norm: Norm
    query: Linear
    key_value: Linear
    out: Linear


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer. `qkv` gives query, key and value in one product."""

    norm: Norm
    qkv: Linear
    out: Linear
    cross: CrossAttention | None
    norm_forward: Norm
    expand: Linear
    contract: Linear


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A MusicGen transformer, ready to decode with.

    `embeddings` is (codebooks × (card + 1), dim) in float32, one codebook after the other; `heads` gives all codebooks'
    logits in one product, (…, codebooks × card). `precision` is that of the weights, `dtype` what attention is computed
    and remembered in.
    """

    facts: ModelFacts
    embeddings: torch.Tensor
    layers: tuple[Layer, ...]
    norm: Norm
    heads: Linear
    activation: Callable[[torch.Tensor], torch.Tensor]
    device: torch.device
    precision: str

    @property
    def dtype(self) -> torch.dtype:
        return self.heads.dtype

    @property
    def cached_bytes(self) -> float:
        """Of each number of keys and values that attention remembers."""
        return self.dtype.itemsize

    @property
    def rows_apart(self) -> bool:
        """Whether a row of each product does not depend on the rows beside it, bit for bit."""
        layer = self.layers[0]
        products = [self.heads, layer.qkv, layer.out, layer.expand, layer.contract]
        if layer.cross is not None:
            products += [layer.cross.query, layer.cross.out]
        return all(product.rows_apart for product in products)


def read_language_model(
    weights: Weights, facts: ModelFacts, device: torch.device, precision: str, tell: Tell
) -> LanguageModel:
    """Take a transformer out of a checkpoint, one layer at a time; whatever else it holds stays in `weights`."""
    activation = _ACTIVATIONS.get(facts.activation)
    if activation is None:
        raise UnknownModel(f"The checkpoint's layers use {facts.activation}, which no published MusicGen model does.")
    reader = _Reader(weights, facts, device, precision)
    embeddings = reader.floats(
        torch.cat([weights.take(f"emb.{k}.weight", (facts.card + 1, facts.dim)) for k in range(facts.codebooks)])
    )
    layers = []
    for index in range(facts.layers):
        layers.append(reader.layer(f"transformer.layers.{index}."))
        weights.release()
        tell((index + 1) / facts.layers)
    head_weights = [weights.take(f"linears.{k}.weight", (facts.card, facts.dim)) for k in range(facts.codebooks)]
    head_biases = [weights.take_optional(f"linears.{k}.bias", (facts.card,)) for k in range(facts.codebooks)]
    present = [bias for bias in head_biases if bias is not None]
    heads = reader.product(torch.cat(head_weights), torch.cat(present) if present else None, last=True)
    norm = reader.norm("out_norm.")
    weights.release()
    return LanguageModel(facts, embeddings, tuple(layers), norm, heads, activation, device, precision)


class _Reader:
    """Takes one piece after the other, in the precision and on the device it will be used."""

    def __init__(self, weights: Weights, facts: ModelFacts, device: torch.device, precision: str) -> None:
        self._weights, self._facts = weights, facts
        self._device, self._precision = device, precision

    def floats(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.to(self._device, torch.float32, copy=True)

    def norm(self, prefix: str) -> Norm:
        dim = self._facts.dim
        bias = self._weights.take_optional(prefix + "bias", (dim,))
        weight = self.floats(self._weights.take(prefix + "weight", (dim,)))
        return Norm(weight, None if bias is None else self.floats(bias))

    def linear(self, prefix: str, outputs: int, inputs: int) -> Linear:
        weight = self._weights.take(prefix + "weight", (outputs, inputs))
        return self.product(weight, self._weights.take_optional(prefix + "bias", (outputs,)))

    def product(self, weight: torch.Tensor, bias: torch.Tensor | None, *, last: bool = False) -> Linear:
        return linear(weight, bias, self._device, self._precision, last=last)

    def layer(self, prefix: str) -> Layer:
        dim, wide = self._facts.dim, self._facts.feed_forward
        return Layer(
            norm=self.norm(prefix + "norm1."),
            qkv=self.linear(prefix + "self_attn.in_proj_", 3 * dim, dim),
            out=self.linear(prefix + "self_attn.out_proj.", dim, dim),
            cross=self.cross(prefix) if self._facts.cross else None,
            norm_forward=self.norm(prefix + "norm2."),
            expand=self.linear(prefix + "linear1.", wide, dim),
            contract=self.linear(prefix + "linear2.", dim, wide),
        )

    def cross(self, prefix: str) -> CrossAttention:
        dim = self._facts.dim
        weight = self._weights.take(prefix + "cross_attention.in_proj_weight", (3 * dim, dim))
        bias = self._weights.take_optional(prefix + "cross_attention.in_proj_bias", (3 * dim,))
        return CrossAttention(
            norm=self.norm(prefix + "norm_cross."),
            query=self.product(weight[:dim], None if bias is None else bias[:dim]),
            key_value=linear(weight[dim:], None if bias is None else bias[dim:], self._device, once(self._precision)),
            out=self.linear(prefix + "cross_attention.out_proj.", dim, dim),
        )
