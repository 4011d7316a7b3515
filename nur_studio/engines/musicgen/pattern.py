"""Delays between codebooks: frames of music to steps of decoding, and back."""

from __future__ import annotations

import torch

UNKNOWN = -1


def to_steps(codes: torch.Tensor, delays: tuple[int, ...], special: int) -> torch.Tensor:
    """Codes (takes, codebooks, frames) as the steps they are decoded in, 1 + frames + the longest delay of them.

    Step 0 holds `special` only; codebook k's frame t is in step 1 + t + delays[k]; all else is `special`.
    """
    takes, codebooks, frames = codes.shape
    steps = codes.new_full((takes, codebooks, 1 + frames + max(delays)), special)
    for k, delay in enumerate(delays):
        steps[:, k, 1 + delay : 1 + delay + frames] = codes[:, k]
    return steps


def to_frames(steps: torch.Tensor, delays: tuple[int, ...], start: int, end: int) -> torch.Tensor:
    """Frames `start` to `end` of the music in `steps`: (takes, codebooks, end − start), a copy."""
    return torch.stack([steps[:, k, 1 + delay + start : 1 + delay + end] for k, delay in enumerate(delays)], dim=1)
