"""Whether takes decoded together are those decoded alone, bit for bit, on the device at hand.

Processors' products and attention keep rows apart, which the tests prove. A card's libraries choose among kernels by
shape and model of the card, so it is tried there, once for a shape of model: the logits of a step of several takes
beside those of each alone, in every stretch of a window. Where they differ takes are made one after the other.
"""

from __future__ import annotations

import logging

import torch

from nur_studio.engines.checkpoints import is_out_of_memory
from nur_studio.engines.musicgen.cache import REACH
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.transformer import Transformer
from nur_studio.engines.musicgen.weights import LanguageModel

log = logging.getLogger(__name__)

_WORDS = 24
_verdicts: dict[tuple[ModelFacts, torch.dtype, str, int], bool] = {}


def takes_apart(model: LanguageModel, takes: int, frames: int) -> bool:
    """Whether up to so many takes may be decoded at once, in windows of `frames`."""
    if not model.rows_apart or model.device.type == "cpu":
        return model.rows_apart
    return all(_verdict(model, count, frames) for count in range(2, takes + 1))


def _verdict(model: LanguageModel, takes: int, frames: int) -> bool:
    key = (model.facts, model.dtype, str(model.device), takes)
    if key not in _verdicts:
        try:
            _verdicts[key] = alike_beside_others(model, takes, frames)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return False  # so many have no room now, which says nothing of later
        log.info("%d takes decoded at once are %s those decoded alone", takes, "just" if _verdicts[key] else "not")
    return _verdicts[key]


@torch.inference_mode()
def alike_beside_others(model: LanguageModel, takes: int, frames: int) -> bool:
    """Try it: random tokens and words, steps of unchanging shape at the end of every stretch."""
    facts = model.facts
    generator = torch.Generator().manual_seed(0)
    words = torch.randn((2, _WORDS, facts.dim), generator=generator).to(model.device)
    nothing = words[:, :0]
    conditions = Conditions(nothing, words) if facts.cross else Conditions(words, nothing)
    tokens = torch.randint(0, facts.card, (takes, facts.codebooks, frames), generator=generator).to(model.device)
    together = _heard(model, conditions, tokens)
    for take in range(takes):
        alone = _heard(model, conditions, tokens[take : take + 1])
        if not torch.equal(alone, together[:, take::takes]):
            return False
    return True


def _heard(model: LanguageModel, conditions: Conditions, tokens: torch.Tensor) -> torch.Tensor:
    """Logits (stretches, 2 × takes, codebooks, card) of the last token, heard as if it ended each stretch."""
    transformer = Transformer(model, conditions, len(tokens), tokens.shape[-1])
    transformer.hear(tokens[..., :-1])
    found = []
    for end in range(REACH, transformer.capacity + REACH, REACH):
        reach = min(end, transformer.capacity)
        position = torch.tensor([min(reach - 1, transformer.heard)], device=model.device)
        found.append(transformer.hear_at(tokens[..., -1:], position, reach)[:, -1])
    return torch.stack(found)
