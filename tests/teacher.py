"""Teacher forcing over whole windows: the logits of tokens that are given, many of them heard at once."""

from __future__ import annotations

import torch

from nur_studio.engines.musicgen.compiled import transformer_of
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.transformer import Transformer
from nur_studio.engines.musicgen.weights import LanguageModel

_BLOCK = 50


def heard_in_blocks(model: LanguageModel, conditions: Conditions, steps: torch.Tensor) -> torch.Tensor:
    """Logits (2, steps, codebooks, card) of tokens (1, codebooks, steps), float32.

    A graph hears a second at a time: what came before is then read from its cache, rounded as that is. What torch
    computes hears all in one go, for its cache rounds nothing.
    """
    transformer = transformer_of(model, conditions, 1, steps.shape[-1])
    block = steps.shape[-1] if isinstance(transformer, Transformer) else _BLOCK
    return torch.cat([transformer.hear(part) for part in steps.split(block, dim=-1)], dim=1)


def divergence(wanted: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
    """Kullback and Leibler's, in nats, of the next tokens' chances."""
    log_wanted, log_got = wanted.double().log_softmax(-1), got.double().log_softmax(-1)
    return (log_wanted.exp() * (log_wanted - log_got)).sum(-1)
