"""What attention remembers while a window is decoded: allocated once, written in place."""

from __future__ import annotations

import math

import torch

from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.weights import LanguageModel

REACH = 256
"""Positions after which steps of unchanging shape take another one."""


class Cache:
    """Keys and values of every layer, for up to `capacity` positions, of which `length` are written. Beside them stand
    each layer's keys and values of the text, computed once.

    Values are (rows, heads, positions, head_dim), keys (rows, heads, head_dim, positions): so lies in memory what one
    query is multiplied with, and processors read it in half the time.
    """

    def __init__(self, model: LanguageModel, rows: int, capacity: int) -> None:
        facts = model.facts
        shape = (facts.layers, rows, facts.heads)
        self.capacity = capacity = _rounded(model, capacity)
        self.length = 0
        device, dtype = model.device, model.dtype
        self._keys = torch.zeros((*shape, facts.head_dim, capacity), device=device, dtype=dtype)
        self._values = torch.zeros((*shape, capacity, facts.head_dim), device=device, dtype=dtype)
        self._rows = rows
        self._text: list[dict[int, tuple[torch.Tensor, torch.Tensor]]] = []

    @staticmethod
    def bytes_for(model: LanguageModel, rows: int, capacity: int) -> int:
        """What a cache takes of the device's memory, but for the text."""
        return math.ceil(cache_bytes(model.facts, rows, _rounded(model, capacity), model.cached_bytes))

    def put(self, layer: int, rows: slice, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the next positions of some rows, key and value (rows, heads, positions, head_dim); returns the keys and
        values of theirs so far, the new ones included.

        `length` moves on by `advance`, when every layer has written.
        """
        end = self.length + key.shape[2]
        keys, values = self._keys[layer, rows], self._values[layer, rows]
        keys[..., self.length : end] = key.transpose(2, 3)
        values[:, :, self.length : end] = value
        return keys[..., :end], values[:, :, :end]

    def put_at(
        self, layer: int, position: torch.Tensor, reach: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one position of all rows, `position` (1,) on the device. Returns the first `reach`, written or not."""
        keys, values = self._keys[layer], self._values[layer]
        keys.index_copy_(3, position, key.transpose(2, 3))
        values.index_copy_(2, position, value)
        return keys[..., :reach], values[:, :, :reach]

    def keep_text(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """The next layer's keys and values of the guided and the unguided text, (2, heads, words, head_dim)."""
        pair = key.contiguous(), value.contiguous()
        takes = self._rows // 2
        self._text.append(
            {2: pair, self._rows: (pair[0].repeat_interleave(takes, 0), pair[1].repeat_interleave(takes, 0))}
        )

    def text(self, layer: int, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A layer's keys and values of the text, for one take's two rows or for all rows."""
        return self._text[layer][rows]

    def advance(self, positions: int) -> None:
        self.length += positions


def cache_bytes(facts: ModelFacts, rows: int, positions: float, kept: float) -> float:
    """What positions of so many rows leave behind, keys and values, in numbers of `kept` bytes."""
    return facts.layers * 2 * rows * facts.dim * positions * kept


def _rounded(model: LanguageModel, capacity: int) -> int:
    """On cards in whole stretches: then windows of any length go through the same few shapes."""
    return math.ceil(capacity / REACH) * REACH if model.device.type == "cuda" else capacity
