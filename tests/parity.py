"""Our decoding beside audiocraft's own, over the same weights: what both are told, and what each answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from tiny_musicgen import reference_lm

from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.musicgen.compiled import transformer_of
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.loading import ModelFolders, MusicGenModel, load
from nur_studio.engines.musicgen.weights import LanguageModel

WORDS = "calm piano with drums at 120 bpm"


@dataclass(frozen=True)
class Family:
    """One kind of model: its files, as we load it, and as audiocraft does."""

    name: str
    folders: ModelFolders
    model: MusicGenModel
    reference: Any


def family_of(name: str, folders: ModelFolders) -> Family:
    """A family loaded both ways, in float32 on the CPU."""
    model = load(folders, torch.device("cpu"), "fp32", ignore_progress, CancelToken())
    return Family(name, folders, model, reference_lm(folders))


def melody_of(family: Family) -> torch.Tensor | None:
    """A tune of four notes in four seconds, where the family follows one."""
    if not family.model.facts.melody:
        return None
    time = torch.arange(32000 * 4) / 32000
    notes = torch.tensor([220.0, 262.0, 330.0, 294.0]).repeat_interleave(32000)
    return 0.5 * torch.sin(2 * torch.pi * notes * time)


def conditions_of(family: Family, words: str = WORDS) -> Conditions:
    return family.model.conditioner(words, melody=melody_of(family))


def attributes_of(family: Family, words: str = WORDS) -> list[Any]:
    """The same, as audiocraft wants to be told."""
    from audiocraft.modules.conditioners import ConditioningAttributes, WavCondition

    attributes = ConditioningAttributes(text={"description": words})
    melody = melody_of(family)
    if melody is not None:
        attributes.wav["self_wav"] = WavCondition(melody[None, None], torch.tensor([len(melody)]), [32000], [None])
    return [attributes]


def random_codes(family: Family, frames: int, takes: int = 1) -> torch.Tensor:
    """Tokens of no music, the same at every call: (takes, codebooks, frames)."""
    facts = family.model.facts
    generator = torch.Generator().manual_seed(7)
    return torch.randint(0, facts.card, (takes, facts.codebooks, frames), generator=generator)


@torch.inference_mode()
def reference_logits(family: Family, steps: torch.Tensor) -> torch.Tensor:
    """audiocraft's logits, guided then unguided: (2, steps, codebooks, card)."""
    from audiocraft.modules.conditioners import ClassifierFreeGuidanceDropout

    lm, attributes = family.reference, attributes_of(family)
    attributes = attributes + ClassifierFreeGuidanceDropout(p=1.0)(attributes)
    tensors = lm.condition_provider(lm.condition_provider.tokenize(attributes))
    logits: torch.Tensor = lm(torch.cat([steps, steps]), conditions=[], condition_tensors=tensors)
    return logits.transpose(1, 2)


def heard(family: Family, model: LanguageModel, steps: torch.Tensor, first: int) -> torch.Tensor:
    """Our logits: `first` steps at once, then one by one, as a window that continues from a prompt does."""
    transformer = transformer_of(model, conditions_of(family), 1, steps.shape[-1])
    logits = [transformer.hear(steps[..., :first])]
    logits += [transformer.hear(steps[..., step : step + 1]) for step in range(first, steps.shape[-1])]
    return torch.cat(logits, dim=1)


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference against the largest value."""
    return float((ours - theirs).abs().max() / theirs.abs().max())
