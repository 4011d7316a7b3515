"""A MusicGen transformer's weights, laid out for decoding: packed once, multiplied at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from nur_studio.engines.musicgen.checkpoint import Weights
from nur_studio.engines.musicgen.facts import ModelFacts, UnknownModel

Tell = Callable[[float], None]
"""Told the share, 0 to 1, of a piece of loading that is done."""

_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"gelu": functional.gelu, "relu": functional.relu}


class Linear:
    """A matrix to multiply rows with, `(…, inputs) → (…, outputs)`, in its own precision.

    On CPUs the matrix is packed for oneDNN. That is faster than torch's own multiplication of few rows, and a row's
    result does not depend on the rows beside it, bit for bit: a take stays the same whatever is made with it.
    """

    __slots__ = ("bias", "dtype", "outputs", "packed", "weight")

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.dtype = dtype
        self.outputs = weight.shape[0]
        # A copy even where nothing changes: what is decoded from must not vanish with an unplugged disk.
        weight = weight.to(device, dtype, copy=True)
        self.bias = None if bias is None else bias.to(device, dtype, copy=True)
        self.packed = device.type == "cpu" and _onednn_packs(dtype)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight) if self.packed else weight

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(self.dtype)
        if not self.packed:
            return functional.linear(x, self.weight, self.bias)
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return out


def _onednn_packs(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    # Half precision needs AVX-512 or its like: many a processor in use has only AVX2.
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


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
    logits in one product, (…, codebooks × card).
    """

    facts: ModelFacts
    embeddings: torch.Tensor
    layers: tuple[Layer, ...]
    norm: Norm
    heads: Linear
    activation: Callable[[torch.Tensor], torch.Tensor]
    device: torch.device
    dtype: torch.dtype

    @property
    def rows_apart(self) -> bool:
        """Whether what a take becomes does not depend on the takes decoded with it, bit for bit: shown for oneDNN's
        products alone.
        """
        return self.heads.packed


def read_language_model(
    weights: Weights, facts: ModelFacts, device: torch.device, dtype: torch.dtype, tell: Tell
) -> LanguageModel:
    """Take a transformer out of a checkpoint, one layer at a time; whatever else it holds stays in `weights`."""
    activation = _ACTIVATIONS.get(facts.activation)
    if activation is None:
        raise UnknownModel(f"The checkpoint's layers use {facts.activation}, which no published MusicGen model does.")
    reader = _Reader(weights, facts, device, dtype)
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
    heads = Linear(torch.cat(head_weights), torch.cat(present) if present else None, device, dtype)
    norm = reader.norm("out_norm.")
    weights.release()
    return LanguageModel(facts, embeddings, tuple(layers), norm, heads, activation, device, dtype)


class _Reader:
    """Takes one piece after the other, in the precision and on the device it will be used."""

    def __init__(self, weights: Weights, facts: ModelFacts, device: torch.device, dtype: torch.dtype) -> None:
        self._weights, self._facts = weights, facts
        self._device, self._dtype = device, dtype

    def floats(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.to(self._device, torch.float32, copy=True)

    def norm(self, prefix: str) -> Norm:
        dim = self._facts.dim
        bias = self._weights.take_optional(prefix + "bias", (dim,))
        weight = self.floats(self._weights.take(prefix + "weight", (dim,)))
        return Norm(weight, None if bias is None else self.floats(bias))

    def linear(self, prefix: str, outputs: int, inputs: int) -> Linear:
        weight = self._weights.take(prefix + "weight", (outputs, inputs))
        return Linear(weight, self._weights.take_optional(prefix + "bias", (outputs,)), self._device, self._dtype)

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
            query=Linear(weight[:dim], None if bias is None else bias[:dim], self._device, self._dtype),
            key_value=Linear(weight[dim:], None if bias is None else bias[dim:], self._device, self._dtype),
            out=self.linear(prefix + "cross_attention.out_proj.", dim, dim),
        )
