"""EnCodec, decoding: tokens to sound in chunks that join to what one decode of everything would give.

The decoder is a convolution and an LSTM at the frame rate, then layers of upsampling. The LSTM runs forward only, so
its state is carried from chunk to chunk; convolutions look a few frames to either side, so every chunk is computed
with that many neighbours, which are then cut off. Only the ends of the music are padded, as in one decode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from nur_studio.core.sound import Audio
from nur_studio.engines.musicgen.facts import UnknownModel
from nur_studio.engines.musicgen.upsampling import quicken


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec's decoder, taken apart where its memory is. `stereo`: streams 0, 2, … are left, 1, 3, … right.

    `head` sees `head_reach` frames to either side, `tail` sees `tail_reach`; `hop` samples are a frame.
    `codebooks` counts a single channel's.
    """

    model: Any  # an audiocraft CompressionModel, for its quantiser and its encoder
    head: nn.Sequential
    lstm: nn.LSTM
    skip: bool
    tail: nn.Sequential
    head_reach: int
    tail_reach: int
    hop: int
    codebooks: int
    card: int
    sample_rate: int
    stereo: bool

    @property
    def frame_rate(self) -> float:
        return self.sample_rate / self.hop

    @property
    def look_ahead(self) -> int:
        """How many frames after a frame must be known before its sound is final."""
        return self.head_reach + self.tail_reach

    @torch.inference_mode()
    def encode(self, sound: Audio) -> torch.Tensor:
        """Sound (samples, channels) at the codec's rate as codes (codebooks of all channels, frames).

        A mono codec hears stereo's two channels one after the other; their codes interleave, left first. The last frame
        may be filled up with silence.
        """
        device = next(self.model.parameters()).device
        channels = torch.from_numpy(np.ascontiguousarray(sound.T)).to(device)
        codes = torch.cat([self.model.encode(channel.view(1, 1, -1))[0] for channel in channels])
        return codes.transpose(0, 1).flatten(0, 1) if self.stereo else codes[0]


def take_apart(model: Any, stereo: bool) -> Codec:
    """A `Codec` of an audiocraft `CompressionModel` that holds an EnCodec of either audiocraft or transformers.

    Raises `UnknownModel` where its decoder is built otherwise.
    """
    inner = getattr(model, "model", model)  # transformers' EnCodec stands behind audiocraft's wrapper
    decoder = inner.decoder
    layers = list(decoder.layers if hasattr(decoder, "layers") else decoder.model)
    places = [index for index, layer in enumerate(layers) if isinstance(getattr(layer, "lstm", None), nn.LSTM)]
    whole_length = any(isinstance(module, nn.GroupNorm) for module in decoder.modules())
    if len(places) != 1 or whole_length or model.channels != 1 or getattr(inner, "renormalize", False):
        raise UnknownModel("The checkpoint's codec is not the one that MusicGen models are published with.")
    _fold_weight_norm(decoder)
    place = places[0]
    head, tail = nn.Sequential(*layers[:place]), nn.Sequential(*layers[place + 1 :])
    hop = round(model.sample_rate / model.frame_rate)
    head_reach, _ = _reach(head)
    tail_reach, scale = _reach(tail)
    if scale != hop:
        raise UnknownModel(f"The checkpoint's codec makes {scale} samples of a frame and announces {hop}.")
    quicken(tail)
    lstm = layers[place].lstm
    return Codec(
        model=model,
        head=head.eval(),
        lstm=lstm,
        skip=bool(getattr(layers[place], "skip", True)),
        tail=tail.eval(),
        head_reach=head_reach,
        tail_reach=tail_reach,
        hop=hop,
        codebooks=model.num_codebooks,
        card=model.cardinality,
        sample_rate=model.sample_rate,
        stereo=stereo,
    )


def _fold_weight_norm(decoder: nn.Module) -> None:
    """Make normalised weights plain ones: they never change again, and would be normalised anew for every chunk."""
    from torch.nn.utils import parametrize, remove_weight_norm

    for module in decoder.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
        elif hasattr(module, "weight_g"):
            remove_weight_norm(module)


def _reach(layers: nn.Module) -> tuple[int, int]:
    """How many input steps to either side an output depends on, at most, and how many outputs an input step makes."""
    reach, scale = 0.0, 1
    for module in layers.modules():  # in the order they are applied; shortcuts beside a block only add to the bound
        if isinstance(module, nn.ConvTranspose1d):
            reach += module.kernel_size[0] / module.stride[0] / scale
            scale *= module.stride[0]
        elif isinstance(module, nn.Conv1d):
            # Centred kernels see half of this to a side; causal ones all of it to the left.
            reach += (module.kernel_size[0] - 1) * module.dilation[0] / scale
    return math.ceil(reach), scale


Mark = tuple[
    torch.Tensor | None, torch.Tensor | None, tuple[torch.Tensor, torch.Tensor] | None, int, int, int, int, int
]


class SoundStream:
    """Decodes tokens of several takes to sound while they still come in.

    `add` takes the next frames and returns what sound became final, the same in any division of the frames.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._latents: torch.Tensor | None = None  # (rows, channels, frames) that head still needs
        self._features: torch.Tensor | None = None  # (rows, channels, frames) that tail still needs
        self._state: tuple[torch.Tensor, torch.Tensor] | None = None
        self._latent_start = self._feature_start = 0  # frame numbers of the first ones kept
        self._heard = self._headed = self._made = 0  # frames: taken in, through head and LSTM, made to sound

    @property
    def frames_made(self) -> int:
        """How many frames are sound already."""
        return self._made

    def mark(self) -> Mark:
        """This moment, for `restore`. Costs nothing: what is remembered is never changed in place."""
        return (
            self._latents, self._features, self._state,
            self._latent_start, self._feature_start, self._heard, self._headed, self._made,
        )  # fmt: skip

    def restore(self, mark: Mark) -> None:
        """Go back to a moment: what was taken in since then is forgotten."""
        (
            self._latents, self._features, self._state,
            self._latent_start, self._feature_start, self._heard, self._headed, self._made,
        ) = mark  # fmt: skip

    @torch.inference_mode()
    def add(self, codes: torch.Tensor, last: bool = False) -> torch.Tensor:
        """Take in the next codes (takes, codebooks, frames), none or more; `last` says that no more will come.

        Returns the next sound: (takes, samples, channels) float32 on the codec's device, possibly of no samples.
        """
        takes = codes.shape[0]
        if codes.shape[-1]:
            latents = self._codec.model.decode_latent(self._by_channel(codes)).float()
            self._latents = latents if self._latents is None else torch.cat([self._latents, latents], -1)
            self._heard += codes.shape[-1]
        self._run_head(last)
        return self._by_take(self._run_tail(last, codes), takes)

    def _by_channel(self, codes: torch.Tensor) -> torch.Tensor:
        # Left and right are two rows of a mono codec, left rows of all takes first.
        return torch.cat([codes[:, 0::2], codes[:, 1::2]]) if self._codec.stereo else codes

    def _by_take(self, sound: torch.Tensor, takes: int) -> torch.Tensor:
        return (
            sound.view(2 if self._codec.stereo else 1, takes, -1 if sound.numel() else 0).permute(1, 2, 0).contiguous()
        )

    def _run_head(self, last: bool) -> None:
        codec = self._codec
        end = self._heard if last else self._heard - codec.head_reach
        if self._latents is None or end <= self._headed:
            return
        out = codec.head(self._latents)
        out = out[..., self._headed - self._latent_start : end - self._latent_start].permute(2, 0, 1)
        with _own_lstm():
            remembered, self._state = codec.lstm(out, self._state)
        features = (remembered + out if codec.skip else remembered).permute(1, 2, 0)
        self._features = features if self._features is None else torch.cat([self._features, features], -1)
        self._headed = end
        keep = max(0, end - codec.head_reach)
        self._latents = self._latents[..., keep - self._latent_start :]
        self._latent_start = keep

    def _run_tail(self, last: bool, codes: torch.Tensor) -> torch.Tensor:
        codec = self._codec
        end = self._headed if last else self._headed - codec.tail_reach
        if self._features is None or end <= self._made:
            return torch.zeros((codes.shape[0] * (2 if codec.stereo else 1), 0), device=codes.device)
        sound: torch.Tensor = codec.tail(self._features)
        sound = sound[:, 0, (self._made - self._feature_start) * codec.hop : (end - self._feature_start) * codec.hop]
        self._made = end
        keep = max(0, end - codec.tail_reach)
        self._features = self._features[..., keep - self._feature_start :]
        self._feature_start = keep
        return sound


@contextmanager
def _own_lstm() -> Iterator[None]:
    """torch's LSTM in place of oneDNN's, which packs all its weights again for every chunk: five times as long."""
    with torch.backends.mkldnn.flags(enabled=False, deterministic=None, allow_tf32=None):
        yield


def decode_whole(codec: Codec, codes: torch.Tensor) -> list[Audio]:
    """The sound of codes (takes, codebooks, frames) in one go: an `Audio` (samples, channels) for each take."""
    return to_audio(SoundStream(codec).add(codes, last=True))


def to_audio(sound: torch.Tensor) -> list[Audio]:
    """Sound (takes, samples, channels) as one `Audio` for each take."""
    arrays: Sequence[Audio] = [np.ascontiguousarray(take, dtype=np.float32) for take in sound.cpu().numpy()]
    return list(arrays)
