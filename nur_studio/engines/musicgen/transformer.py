"""MusicGen's transformer over a static cache: tokens in, logits out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import embedding, scaled_dot_product_attention

from nur_studio.engines.musicgen.cache import Cache
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.weights import LanguageModel, Layer

_ALL = slice(None)


@dataclass(frozen=True, slots=True)
class _Here:
    """The one position heard now, (1,) on the device, and which of the first `reach` are not there yet."""

    position: torch.Tensor
    reach: int
    unseen: torch.Tensor


class Entrance:
    """How tokens come in: as the sum of their codebooks' vectors, to which `places` (positions, dim) are added."""

    def __init__(self, model: LanguageModel, positions: int) -> None:
        facts = model.facts
        self.places = _sinusoids(positions, model)
        self._embeddings = model.embeddings
        self._offsets = (torch.arange(facts.codebooks, device=model.device) * (facts.card + 1)).view(1, -1, 1)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """(takes, codebooks, steps) → (takes, steps, dim), float32."""
        return embedding(tokens + self._offsets, self._embeddings).sum(1)


class Transformer:
    """A language model, the conditions it follows, and what it has heard so far.

    Rows are `takes` guided ones, then as many unguided. The first call of `hear` must carry every token known by
    then; those after it carry one position each.
    """

    @torch.inference_mode()
    def __init__(self, model: LanguageModel, conditions: Conditions, takes: int, positions: int) -> None:
        self.model = model
        self.takes = takes
        self._prefix = conditions.prefix
        prefix = conditions.prefix.shape[1]
        self._cache = Cache(model, 2 * takes, prefix + positions)
        self._enter = Entrance(model, prefix + positions)
        for layer in model.layers:
            if layer.cross is not None:
                key, value = layer.cross.key_value(conditions.cross).chunk(2, dim=-1)
                self._cache.keep_text(self._split(key), self._split(value))

    @torch.inference_mode()
    def hear(self, tokens: torch.Tensor) -> torch.Tensor:
        """Take in the next tokens (takes, codebooks, steps).

        Returns logits (2 × takes, steps, codebooks, card), float32. Unguided rows hear the same tokens as the guided.
        """
        x = self._enter(tokens)
        if self._cache.length == 0:
            return self._hear_first(x)
        out = self._forward(torch.cat([x, x]), _ALL)
        self._cache.advance(x.shape[1])
        return self._logits(out)

    @property
    def heard(self) -> int:
        """How many positions were heard, the prefix included."""
        return self._cache.length

    @property
    def capacity(self) -> int:
        return self._cache.capacity

    @torch.inference_mode()
    def hear_at(self, tokens: torch.Tensor, position: torch.Tensor, reach: int) -> torch.Tensor:
        """`hear` for one position after the first call, (1,) on the device, with shapes that depend on `reach` alone.

        That must be larger than the position. What is computed is the same; `passed` must follow.
        """
        x = self._enter(tokens)
        here = _Here(position, reach, torch.arange(reach, device=position.device) > position)
        x = torch.cat([x, x]) + self._enter.places.index_select(0, position)
        for index, layer in enumerate(self.model.layers):
            x = self._layer(x, index, layer, _ALL, here)
        return self._logits(self.model.norm(x))

    def passed(self) -> None:
        """One position more was heard, by `hear_at`."""
        self._cache.advance(1)

    def _hear_first(self, x: torch.Tensor) -> torch.Tensor:
        # One take at a time: products of many rows are not the same, bit for bit, for different numbers of rows.
        outs = []
        for take in range(self.takes):
            pair = x[take : take + 1].expand(2, -1, -1)
            rows = slice(take, take + self.takes + 1, self.takes)  # the take guided, and unguided
            out = self._forward(torch.cat([self._prefix, pair], dim=1), rows)
            outs.append(self._logits(out[:, self._prefix.shape[1] :]))
        self._cache.advance(self._prefix.shape[1] + x.shape[1])
        return torch.stack(outs, dim=1).flatten(0, 1)

    def _forward(self, x: torch.Tensor, rows: slice) -> torch.Tensor:
        start = self._cache.length
        x = x + self._enter.places[start : start + x.shape[1]]
        for index, layer in enumerate(self.model.layers):
            x = self._layer(x, index, layer, rows)
        return self.model.norm(x)

    def _layer(self, x: torch.Tensor, index: int, layer: Layer, rows: slice, here: _Here | None = None) -> torch.Tensor:
        query, key, value = (self._split(part) for part in layer.qkv(layer.norm(x)).chunk(3, dim=-1))
        if here is not None:
            keys, values = self._cache.put_at(index, here.position, here.reach, key, value)
            heard = _attend(query, keys, values, here.unseen)
        else:
            keys, values = self._cache.put(index, rows, key, value)
            if self._cache.length == 0:  # all there is comes now
                heard = scaled_dot_product_attention(query, key, value, is_causal=True)
            else:
                heard = _attend(query, keys, values)
        x = x + layer.out(_join(heard))
        if layer.cross is not None:
            query = self._split(layer.cross.query(layer.cross.norm(x)))
            key, value = self._cache.text(index, x.shape[0])
            x = x + layer.cross.out(_join(scaled_dot_product_attention(query, key, value)))
        return x + layer.contract(self.model.activation(layer.expand(layer.norm_forward(x))))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(*x.shape[:2], self.model.facts.heads, -1).transpose(1, 2)

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        return self.model.heads(x).float().view(*x.shape[:2], self.model.facts.codebooks, -1)


def _attend(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, unseen: torch.Tensor | None = None
) -> torch.Tensor:
    """What one query (rows, heads, 1, head_dim) finds by keys (rows, heads, head_dim, positions) in values.

    Two products, not torch's own attention: that reads keys row by row, at a third of what memory delivers.
    """
    rows, heads = query.shape[:2]
    query = query * query.shape[-1] ** -0.5
    likeness = torch.bmm(query.flatten(0, 1), keys.flatten(0, 1)).view(rows, heads, 1, -1)
    if unseen is not None:
        likeness = likeness.masked_fill(unseen, float("-inf"))
    shares = likeness.softmax(-1, dtype=torch.float32).to(values.dtype)
    return torch.bmm(shares.flatten(0, 1), values.flatten(0, 1)).view(rows, heads, 1, -1)


def _join(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).flatten(2)


def _sinusoids(positions: int, model: LanguageModel) -> torch.Tensor:
    """Where each position is, (positions, dim): cosines, then sines, of wavelengths up to `max_period`.

    After audiocraft's `create_sin_embedding`, in float32 whatever the precision of the weights.
    """
    facts, half = model.facts, model.facts.dim // 2
    steps = torch.arange(half, device=model.device, dtype=torch.float32)
    period = torch.full([], facts.max_period, device=model.device, dtype=torch.float32)
    phase = torch.arange(positions, device=model.device).view(-1, 1).float() / (period ** (steps / (half - 1)))
    return torch.cat([torch.cos(phase), torch.sin(phase)], dim=-1) * facts.positional_scale
