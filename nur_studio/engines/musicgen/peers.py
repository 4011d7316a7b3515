"""Others' loops over MusicGen models of the same size, to be measured beside ours: audiocraft's and transformers'.

Their weights are random, and their text is: what is made is no music. Each runs its own `generate`, as published, in
float32 on a processor and in halves on a graphics card, and stops after every step until the next one is asked for: so
steps of all of them take turns in one process, and what else the machine does falls on all alike.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any

import torch
from greenlet import greenlet

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines.models import MusicModel
from nur_studio.engines.musicgen.facts import ModelFacts

WORDS = 24  # that the text has, as vectors

Tick = Callable[[], None]


class Paused:
    """`run(tick)`, which waits wherever it calls `tick` until `step` is called again.

    It stays on the thread of its caller, which must not change: OpenMP keeps workers for every thread that computes,
    and where there are more of them than processors, none waits for its next piece of work but with a sleep. With each
    loop on a thread of its own, ours took 1.5 times as long as in the studio.
    """

    def __init__(self, run: Callable[[Tick], None]) -> None:
        self._loop = greenlet(run)

    def step(self) -> None:
        """Go on to the next `tick`, or the end. Raises what the loop raised, and `RuntimeError` once it is over."""
        if self._loop.dead:
            raise RuntimeError("the loop is over")
        begun = bool(self._loop)
        self._loop.switch(*() if begun else (self._tick,))

    def close(self) -> None:
        """Leave the loop where it is."""
        self._loop.throw()

    def _tick(self) -> None:
        assert self._loop.parent is not None
        self._loop.parent.switch()


class AudiocraftLoop:
    """audiocraft's `LMModel`."""

    def __init__(self, info: MusicModel, facts: ModelFacts, device: torch.device) -> None:
        """Raises `EngineUnavailable` where audiocraft is not installed."""
        from nur_studio.engines.musicgen.shim import audiocraft

        audiocraft()
        from audiocraft.models.lm import LMModel
        from audiocraft.modules.codebooks_patterns import DelayedPatternProvider
        from audiocraft.modules.conditioners import ConditionFuser

        self.title = f"audiocraft {importlib.metadata.version('audiocraft')}"
        places: dict[str, list[str]] = {"sum": [], "prepend": [], "cross": [], "input_interpolate": []}
        places["prepend" if info.melody else "cross"] = ["description"]
        dtype = torch.float32 if device.type == "cpu" else torch.float16
        self._device = device
        self._model: Any = LMModel(
            DelayedPatternProvider(n_q=facts.codebooks, delays=list(facts.delays)),
            _Words(info.dim, device, dtype),  # type: ignore[arg-type]
            ConditionFuser(places),
            n_q=facts.codebooks,
            card=facts.card,
            dim=facts.dim,
            num_heads=facts.heads,
            num_layers=facts.layers,
            hidden_scale=4,
            norm_first=True,
            cfg_coef=facts.guidance,
            causal=True,
            memory_efficient=True,
            cross_attention=not info.melody,
            activation="gelu",
            dropout=0.0,
            bias_proj=False,
            bias_ff=False,
            bias_attn=False,
        )
        self._model.to(device, dtype).eval()
        self._codebooks = facts.codebooks

    def start(self, prompt: int, frames: int) -> Paused:
        """Frames of music of which `prompt` are known."""
        from audiocraft.modules.conditioners import ConditioningAttributes

        def run(tick: Tick) -> None:
            self._model.generate(
                torch.zeros((1, self._codebooks, prompt), dtype=torch.long, device=self._device),
                [ConditioningAttributes(text={"description": "music"})],
                max_gen_len=frames,
                callback=lambda _done, _steps: tick(),
            )

        return Paused(run)


class _Words(torch.nn.Module):
    """Stands where audiocraft reads descriptions: the same vectors for any."""

    def __init__(self, dim: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self._shape, self._device, self._dtype = (WORDS, dim), device, dtype

    def tokenize(self, attributes: list[Any]) -> list[Any]:
        return attributes

    def forward(self, attributes: list[Any]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        rows = len(attributes)
        generator = torch.Generator().manual_seed(0)
        words = torch.randn(self._shape, generator=generator).expand(rows, -1, -1).to(self._device, self._dtype)
        return {"description": (words, torch.ones((rows, WORDS), device=words.device))}


class TransformersLoop:
    """transformers' `MusicgenForConditionalGeneration`, with a text encoder and a codec of no size: they are not
    measured. There is none for melody models.
    """

    def __init__(self, info: MusicModel, facts: ModelFacts, device: torch.device) -> None:
        """Raises `EngineUnavailable` where transformers is not installed, or has no such model."""
        if info.melody:
            raise EngineUnavailable("transformers' melody models are of another class, which is not measured here.")
        from nur_studio.engines.musicgen.shim import stay_offline

        stay_offline()
        try:
            from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, T5Config
            from transformers import MusicgenForConditionalGeneration as Musicgen
            from transformers.utils import logging as told
        except ImportError as error:
            raise EngineUnavailable(f"transformers cannot be loaded: {error}.") from error
        told.set_verbosity_error()  # type: ignore[no-untyped-call]  # its remarks on sizes that published models have too
        self.title = f"transformers {importlib.metadata.version('transformers')}"
        config = MusicgenConfig(
            text_encoder=T5Config(vocab_size=8, d_model=info.dim, d_kv=8, d_ff=8, num_layers=1, num_heads=1).to_dict(),
            audio_encoder=EncodecConfig(
                sampling_rate=32000, upsampling_ratios=[8, 5, 4, 4], hidden_size=8, num_filters=2, num_lstm_layers=1,
                codebook_size=facts.card, codebook_dim=8, target_bandwidths=[2.2], normalize=False,
            ).to_dict(),
            decoder=MusicgenDecoderConfig(
                vocab_size=facts.card, hidden_size=facts.dim, ffn_dim=facts.feed_forward,
                num_hidden_layers=facts.layers, num_attention_heads=facts.heads, num_codebooks=facts.codebooks,
                audio_channels=2 if info.stereo else 1, dropout=0.0, layerdrop=0.0,
                pad_token_id=facts.special, bos_token_id=facts.special,
            ).to_dict(),
        )  # fmt: skip
        dtype = torch.float32 if device.type == "cpu" else torch.float16
        model: Any = Musicgen(config)
        self._model = model.to(device, dtype).eval()
        self._dtype, self._device, self._facts = dtype, device, facts

    def start(self, prompt: int, frames: int) -> Paused:
        """Frames of music of which `prompt` are known."""
        from transformers import StoppingCriteriaList
        from transformers.modeling_outputs import BaseModelOutput

        facts = self._facts
        generator = torch.Generator().manual_seed(0)
        words = torch.randn((1, WORDS, facts.dim), generator=generator).to(self._device, self._dtype)
        special = facts.special

        def run(tick: Tick) -> None:
            def after_step(tokens: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
                tick()
                return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)

            known = torch.zeros((facts.codebooks, prompt), dtype=torch.long, device=self._device)
            begin = torch.full((facts.codebooks, 1), special, dtype=torch.long, device=self._device)
            # Both rows, as `generate` makes them where it encodes the text itself: with it, and without.
            heard = torch.cat([words, torch.zeros_like(words)])
            self._model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=heard),
                attention_mask=torch.ones((2, WORDS), dtype=torch.long, device=self._device),
                decoder_input_ids=torch.cat([begin, known], dim=1),
                guidance_scale=facts.guidance,
                do_sample=True,
                top_k=250,
                max_length=frames + max(facts.delays) + 1,
                stopping_criteria=StoppingCriteriaList([after_step]),
                pad_token_id=special,
                decoder_start_token_id=special,
            )

        return Paused(run)
