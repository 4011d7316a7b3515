"""Reads a MusicGen that transformers wrote (`config.json`, `model.safetensors`) as if audiocraft had.

The two differ in names, and in that transformers keeps query, key and value apart where audiocraft has them in one
matrix. Nothing is joined before it is taken: the weights stay mapped from disk.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from nur_studio.engines.checkpoints import BadCheckpoint
from nur_studio.engines.musicgen.checkpoint import Joined

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
_HINT = "Download or import the model again."
_LARGEST, _MOST_CODEBOOKS = 1 << 20, 64  # no real model comes near, and lists are made of them
_PARTS = ("q_proj", "k_proj", "v_proj")
_LAYER = re.compile(r"decoder\.model\.decoder\.layers\.(\d+)\.(.+)")
_IN_LAYER = {
    "self_attn.out_proj.weight": "self_attn.out_proj.weight",
    "encoder_attn.out_proj.weight": "cross_attention.out_proj.weight",
    "self_attn_layer_norm.weight": "norm1.weight",
    "self_attn_layer_norm.bias": "norm1.bias",
    "encoder_attn_layer_norm.weight": "norm_cross.weight",
    "encoder_attn_layer_norm.bias": "norm_cross.bias",
    "final_layer_norm.weight": "norm2.weight",
    "final_layer_norm.bias": "norm2.bias",
    "fc1.weight": "linear1.weight",
    "fc2.weight": "linear2.weight",
}
_ATTENTIONS = {"self_attn": "self_attn", "encoder_attn": "cross_attention"}
_OUTSIDE = (
    (re.compile(r"decoder\.model\.decoder\.embed_tokens\.(\d+)\.weight"), r"emb.\1.weight"),
    (re.compile(r"decoder\.lm_heads\.(\d+)\.weight"), r"linears.\1.weight"),
    (re.compile(r"decoder\.model\.decoder\.layer_norm\.(weight|bias)"), r"out_norm.\1"),
    (
        re.compile(r"enc_to_dec_proj\.(weight|bias)"),
        r"condition_provider.conditioners.description.output_proj.\1",
    ),
    (
        re.compile(r"audio_enc_to_dec_proj\.(weight|bias)"),
        r"condition_provider.conditioners.self_wav.output_proj.\1",
    ),
)
_COMPUTED = re.compile(r"decoder\.model\.decoder\.embed_positions\..*")  # what older versions saved of no weights


def is_published(folder: Path) -> bool:
    """Whether a model's folder is in transformers' layout."""
    return (folder / CONFIG_FILE).is_file()


def read_published(folder: Path) -> tuple[Any, dict[str, torch.Tensor | Joined]]:
    """The configuration (an OmegaConf mapping, as audiocraft words it) and the weights by audiocraft's names.

    Raises `BadCheckpoint`.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text("utf-8"))
        worded = OmegaConf.create(_as_audiocraft(config))
    except (
        OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError,
        OmegaConfBaseException,
    ) as error:  # fmt: skip
        raise BadCheckpoint(f"{path} does not describe a MusicGen model.", hint=_HINT) from error
    return worded, _renamed(read_mapped(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE)


def read_mapped(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, mapped from disk. Raises `BadCheckpoint`."""
    from safetensors.torch import load_file

    try:
        return load_file(path)  # mapped, not read
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path.name} is missing in {path.parent}.", hint=_HINT) from error
    except Exception as error:  # safetensors has an error of its own, and lets others through
        raise BadCheckpoint(f"{path} is damaged or no safetensors file.", hint=_HINT) from error


def _renamed(weights: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor | Joined]:
    state: dict[str, torch.Tensor | Joined] = {}
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for name, weight in weights.items():
        if _COMPUTED.fullmatch(name):
            continue
        layer = _LAYER.fullmatch(name)
        if layer is None:
            state[_outside(name)] = weight
            continue
        prefix, inner = f"transformer.layers.{layer[1]}.", layer[2]
        attention, _, part = inner.partition(".")
        projection = part.removesuffix(".weight")
        if attention in _ATTENTIONS and projection in _PARTS:
            halves.setdefault(f"{prefix}{_ATTENTIONS[attention]}.in_proj_weight", {})[projection] = weight
        else:
            state[prefix + _IN_LAYER.get(inner, inner)] = weight
    for name, parts in halves.items():
        if set(parts) != set(_PARTS):
            raise BadCheckpoint(f"{path} lacks a part of the weights {name}.", hint=_HINT)
        state[name] = Joined(tuple(parts[part] for part in _PARTS))
    return state


def _outside(name: str) -> str:
    for pattern, replacement in _OUTSIDE:
        if pattern.fullmatch(name):
            return pattern.sub(replacement, name)
    return name  # has no place, and is told so when all others are taken


def _as_audiocraft(config: dict[str, Any]) -> dict[str, Any]:
    """The parts of audiocraft's `xp.cfg` that loading reads, with what all published models have in common."""
    decoder, melody = config["decoder"], config["model_type"] == "musicgen_melody"
    dim, stereo = int(decoder["hidden_size"]), int(decoder.get("audio_channels", 1)) == 2
    codebooks = int(decoder["num_codebooks"])
    sample_rate = int(config["audio_encoder"]["sampling_rate"])
    if not (0 < dim <= _LARGEST and 0 < codebooks <= _MOST_CODEBOOKS):
        raise ValueError("sizes")
    if decoder.get("scale_embedding"):
        raise ValueError("scaled embeddings")
    conditioners: dict[str, Any] = {
        "args": {},
        "description": {
            "model": "t5",
            "t5": {"name": "t5-base", "finetune": False, "word_dropout": 0.0, "normalize_text": False},
        },
    }
    if melody:
        chroma = {"sample_rate": sample_rate, "n_chroma": int(config.get("num_chroma", 12)), "radix2_exp": 14}
        conditioners["self_wav"] = {
            "model": "chroma_stem",
            "chroma_stem": {**chroma, "argmax": True, "match_len_on_eval": True},
        }
    return {
        "device": "cpu",
        "dtype": "float32",
        "sample_rate": sample_rate,
        "channels": 2 if stereo else 1,
        "lm_model": "transformer_lm",
        "interleave_stereo_codebooks": {"use": stereo, "per_timestep": False},
        "dataset": {"segment_duration": 30},
        "classifier_free_guidance": {"training_dropout": 0.0, "inference_coef": 3.0},
        "attribute_dropout": {"args": {"active_on_eval": False}, "text": {}, "self_wav": {}},
        "fuser": {
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1,
            "sum": [],
            "prepend": ["self_wav", "description"] if melody else [],
            "cross": [] if melody else ["description"],
            "input_interpolate": [],
        },
        "conditioners": conditioners,
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {"delays": [k // 2 if stereo else k for k in range(codebooks)]},
        },
        "transformer_lm": {
            "n_q": codebooks,
            "card": int(decoder["vocab_size"]),
            "dim": dim,
            "num_heads": int(decoder["num_attention_heads"]),
            "num_layers": int(decoder["num_hidden_layers"]),
            "hidden_scale": decoder["ffn_dim"] / dim,
            "activation": decoder["activation_function"],
            "norm_first": True,
            "causal": True,
            "custom": False,
            "memory_efficient": True,
            "norm": "layer_norm",
            "positional_embedding": "sin",
            "layer_scale": None,
            "past_context": None,
        },
    }
