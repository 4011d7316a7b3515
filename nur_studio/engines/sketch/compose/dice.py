"""Chance that can be repeated: one stream of random numbers per part of the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 256


class Dice:
    """Random choices of one stream. Streams are told apart by name, so one part's choices never disturb another's."""

    def __init__(self, seed: int, *names: str | int) -> None:
        # SeedSequence mixes the bytes of the names; Python's own hash() would differ from run to run.
        entropy = [seed, *"/".join(str(name) for name in names).encode()]
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
        self._units: list[float] = []
        self._normals: list[float] = []

    def unit(self) -> float:
        """A number from 0 to 1."""
        # Drawn in blocks: single draws from numpy cost a microsecond each, and there are tens of thousands.
        if not self._units:
            self._units = self._rng.random(_BLOCK).tolist()
        return self._units.pop()

    def normal(self, deviation: float, limit: float = 2.0) -> float:
        """A bell-shaped number around 0, never beyond `limit` deviations."""
        if not self._normals:
            self._normals = self._rng.standard_normal(_BLOCK).tolist()
        return max(-limit, min(limit, self._normals.pop())) * deviation

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + min(int(self.unit() * (high - low + 1)), high - low)

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[min(int(self.unit() * len(options)), len(options) - 1)]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the first members, as likely as the second says."""
        left = self.unit() * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]
