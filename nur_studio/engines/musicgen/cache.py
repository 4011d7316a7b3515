"""What attention remembers while a window is decoded: allocated once, written in place."""

from __future__ import annotations

import torch

from nur_studio.engines.musicgen.weights import LanguageModel


class Cache:
    """Keys and values of every layer, (rows, heads, positions, head_dim), for up to `capacity` positions.

    `length` positions are written. Beside them stand each layer's keys and values of the text, computed once.
    """

    def __init__(self, model: LanguageModel, rows: int, capacity: int) -> None:
        facts = model.facts
        shape = (facts.layers, 2, rows, facts.heads, capacity, facts.head_dim)
        self.capacity = capacity
        self.length = 0
        self._memory = torch.zeros(shape, device=model.device, dtype=model.dtype)
        self._rows = rows
        self._text: list[dict[int, tuple[torch.Tensor, torch.Tensor]]] = []

    @staticmethod
    def bytes_for(model: LanguageModel, rows: int, capacity: int) -> int:
        """What a cache takes of the device's memory, but for the text."""
        return model.facts.layers * 2 * rows * model.facts.dim * capacity * model.dtype.itemsize

    def put(self, layer: int, rows: slice, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the next positions of some rows; returns all of theirs so far, the new ones included.

        `length` moves on by `advance`, when every layer has written.
        """
        end = self.length + key.shape[2]
        keys, values = self._memory[layer, 0, rows], self._memory[layer, 1, rows]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def put_at(
        self, layer: int, position: torch.Tensor, reach: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one position of all rows, `position` (1,) on the device. Returns the first `reach`, written or not."""
        keys, values = self._memory[layer, 0], self._memory[layer, 1]
        keys.index_copy_(2, position, key)
        values.index_copy_(2, position, value)
        return keys[:, :, :reach], values[:, :, :reach]

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
