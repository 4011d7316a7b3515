"""Choosing the next tokens from logits: greedy, or at random from the likeliest, by a seed of the take's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. `temperature` 0 takes the likeliest; `top_k` 0 chooses among all.

    `guidance` is how far to go from what the model does without the description towards, and past, what it does with.
    """

    guidance: float = 3.0
    temperature: float = 1.0
    top_k: int = 250


def draw(seeds: Sequence[int], steps: int, codebooks: int, device: torch.device) -> torch.Tensor:
    """The chances of whole takes, (steps, takes, codebooks), uniform in [0, 1): a column depends on its seed only.

    Drawn on the CPU whatever the device, so that they are the same on every machine and no step waits for one.
    """
    columns = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        columns.append(torch.rand((steps, codebooks), generator=generator, dtype=torch.float64))
    return torch.stack(columns, dim=1).to(device, torch.float32).clamp_(max=1.0 - 2**-24)


def guide(logits: torch.Tensor, guidance: float) -> torch.Tensor:
    """Logits of guided rows and then of as many unguided ones, as one set: (2 × takes, …) → (takes, …)."""
    guided, unguided = logits.chunk(2)
    return unguided + (guided - unguided) * guidance


def choose(logits: torch.Tensor, sampling: Sampling, chances: torch.Tensor) -> torch.Tensor:
    """A token for each row of logits (takes, codebooks, card), by its chance (takes, codebooks)."""
    if sampling.temperature <= 0.0:
        return logits.argmax(-1)
    card = logits.shape[-1]
    kept = min(sampling.top_k, card) if sampling.top_k > 0 else card
    values, tokens = logits.topk(kept, dim=-1)
    heights = torch.softmax(values / sampling.temperature, dim=-1).cumsum(-1)
    # Rounding leaves the last height a little off 1; scaled, every chance falls on a token.
    picked = torch.searchsorted(heights, (chances * heights[..., -1].clamp(max=1.0)).unsqueeze(-1), right=True)
    return tokens.gather(-1, picked.clamp_(max=kept - 1)).squeeze(-1)
