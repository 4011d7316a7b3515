"""What a MusicGen checkpoint says of itself: the sizes, delays and conditions that decoding follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nur_studio.core.errors import EngineUnavailable

_LIMIT = 1 << 20  # no size of a real model comes near; a hostile one must not reach an allocation


class UnknownModel(EngineUnavailable):
    """The checkpoint is whole, but describes a model that this loop does not decode."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The shape of one MusicGen language model, from the `xp.cfg` in its checkpoint.

    `codebooks` streams of tokens 0 … `card` − 1 (`card` itself marks "nothing yet"), stream k `delays[k]` steps late.
    Stereo models interleave left and right: streams 0, 2, … are left. `cross` names the conditions that layers attend
    to, `prepend` those that stand before the tokens; `window_s` is the longest music the model was trained on.
    """

    dim: int
    layers: int
    heads: int
    feed_forward: int
    codebooks: int
    card: int
    delays: tuple[int, ...]
    stereo: bool
    melody: bool
    cross: tuple[str, ...]
    prepend: tuple[str, ...]
    sample_rate: int
    window_s: float
    guidance: float
    max_period: float = 10_000.0
    positional_scale: float = 1.0
    activation: str = "gelu"

    @property
    def special(self) -> int:
        """The token for "nothing here": before a stream's delay, and past the end."""
        return self.card

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


def read_facts(config: Any) -> ModelFacts:
    """The facts in a checkpoint's configuration (an OmegaConf mapping).

    Raises `UnknownModel` where the configuration lacks something or asks for what published MusicGen models do not use.
    """
    try:
        facts = _read(config)
    except UnknownModel:
        raise
    except Exception as error:  # whatever a mapping from a file can raise: absent keys, wrong types, bad references
        raise UnknownModel(
            f"The checkpoint's description of its model cannot be read ({_first_line(error)})."
        ) from error
    sizes = (facts.dim, facts.layers, facts.heads, facts.feed_forward, facts.codebooks, facts.card)
    if not all(0 < size <= _LIMIT for size in sizes) or facts.dim % facts.heads or facts.dim % 2:
        raise UnknownModel(f"The checkpoint describes a model of impossible size ({sizes}).")
    if len(facts.delays) != facts.codebooks or min(facts.delays) != 0 or max(facts.delays) > 64:
        raise UnknownModel(f"The checkpoint's codebook delays {facts.delays} do not fit {facts.codebooks} codebooks.")
    return facts


def _read(config: Any) -> ModelFacts:
    lm = config.transformer_lm
    if config.lm_model != "transformer_lm":
        raise UnknownModel(f"The checkpoint holds a {config.lm_model}, not a MusicGen language model.")
    codebooks = int(lm.n_q)
    _require(
        lm,
        norm_first=(True,),
        causal=(True,),
        norm=("layer_norm",),
        positional_embedding=("sin",),
        qk_layer_norm=(False, None),
        qk_layer_norm_cross=(False, None),
        kv_repeat=(1, None),
        layer_scale=(None,),
        past_context=(None,),
        two_step_cfg=(False, None),
    )
    if not (lm.get("custom") or lm.get("memory_efficient")):
        raise UnknownModel("The checkpoint stores its attention in a layout that published MusicGen models do not use.")
    fuser = config.fuser
    if list(fuser.get("sum") or ()) or list(fuser.get("input_interpolate") or ()):
        raise UnknownModel("The checkpoint mixes its conditions in a way that published MusicGen models do not use.")
    conditioners = config.conditioners
    stereo = config.get("interleave_stereo_codebooks")
    if stereo is not None and stereo.get("use") and stereo.get("per_timestep"):
        raise UnknownModel("The checkpoint interleaves stereo in time, which published MusicGen models do not.")
    return ModelFacts(
        dim=int(lm.dim),
        layers=int(lm.num_layers),
        heads=int(lm.num_heads),
        feed_forward=int(lm.hidden_scale * lm.dim),
        codebooks=codebooks,
        card=int(lm.card),
        delays=_delays(config.codebooks_pattern, codebooks),
        stereo=bool(stereo is not None and stereo.get("use")),
        melody="self_wav" in conditioners,
        cross=tuple(str(name) for name in fuser.cross),
        prepend=tuple(str(name) for name in fuser.prepend),
        sample_rate=int(config.sample_rate),
        window_s=float(config.dataset.segment_duration),
        guidance=float(config.classifier_free_guidance.inference_coef),
        max_period=float(lm.get("max_period", 10_000.0)),
        positional_scale=float(lm.get("positional_scale", 1.0)),
        activation=str(lm.get("activation", "relu")),
    )


def _require(lm: Any, **allowed: tuple[object, ...]) -> None:
    for name, values in allowed.items():
        value = lm.get(name)
        if value not in values:
            raise UnknownModel(f"The checkpoint sets {name} to {value}, which no published MusicGen model does.")


def _delays(pattern: Any, codebooks: int) -> tuple[int, ...]:
    if pattern.modeling == "parallel":
        return (0,) * codebooks
    if pattern.modeling != "delay":
        raise UnknownModel(f"The checkpoint orders its codebooks by {pattern.modeling}, not by delays.")
    delay = pattern.get("delay") or {}
    if delay.get("flatten_first") or delay.get("empty_initial"):
        raise UnknownModel("The checkpoint flattens its first tokens, which no published MusicGen model does.")
    delays = delay.get("delays")
    return tuple(range(codebooks)) if delays is None else tuple(int(value) for value in delays)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
