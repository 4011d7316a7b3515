"""What a take shall be like: descriptions and melodies as the vectors the transformer follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from nur_studio.engines.musicgen.facts import ModelFacts

_REMEMBERED = 16  # descriptions


@dataclass(frozen=True, slots=True)
class Conditions:
    """Two rows, guided and unguided, float32. `prefix` (2, positions, dim) stands before the music's tokens, `cross`
    (2, words, dim) is what layers attend to; either may have no positions.
    """

    prefix: torch.Tensor
    cross: torch.Tensor


class Conditioner:
    """Turns words and melodies into `Conditions` on `device`, through audiocraft's own conditioners on the CPU."""

    def __init__(self, provider: Any, fuser: Any, facts: ModelFacts, device: torch.device) -> None:
        self._provider, self._fuser = provider, fuser
        self._facts, self._device = facts, device
        self._without_melody = lru_cache(_REMEMBERED)(self._read)  # takes and windows of one wish ask for the same

    def __call__(self, description: str, negative: str = "", melody: torch.Tensor | None = None) -> Conditions:
        """Conditions for `description`, steered away from `negative` (from no description at all where it is "").

        `melody` (samples,), mono at the model's sample rate, holds only what shall be followed: drums and bass are
        taken out by whoever has stems. It begins where the window begins and is repeated where it is shorter.
        Raises `ValueError` for a melody where the model follows none.
        """
        if melody is None:
            return self._without_melody(description, negative)
        if not self._facts.melody:
            raise ValueError("this model follows no melody")
        return self._read(description, negative, melody)

    @torch.inference_mode()
    def _read(self, description: str, negative: str, melody: torch.Tensor | None = None) -> Conditions:
        from audiocraft.modules.conditioners import ConditioningAttributes, nullify_wav

        guided = ConditioningAttributes(text={"description": description})
        unguided = ConditioningAttributes(text={"description": negative or None})
        if self._facts.melody:
            wav = self._wav(melody)
            guided.wav["self_wav"] = wav
            unguided.wav["self_wav"] = nullify_wav(wav)
        provider = self._provider
        conditions = provider(provider.tokenize([guided, unguided]))
        nothing = torch.zeros((2, 0, self._facts.dim))
        prefix, cross = self._fuser(nothing, conditions)
        return Conditions(prefix.to(self._device), (nothing if cross is None else cross).to(self._device))

    def _wav(self, melody: torch.Tensor | None) -> Any:
        from audiocraft.modules.conditioners import WavCondition

        samples = torch.zeros(1) if melody is None else melody
        length = 0 if melody is None else melody.shape[-1]
        return WavCondition(
            samples.view(1, 1, -1).float().cpu(),
            torch.tensor([length]),
            [self._facts.sample_rate],
            [None],
        )
