"""Codes become the take's sound while they come in: decoded, resampled, handed on, and taken back where need be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes, OnAudio
from nur_studio.engines.musicgen.codec import Codec, Mark, SoundStream, to_audio
from nur_studio.engines.musicgen.delivery import Resampler


@dataclass(frozen=True, slots=True)
class Place:
    """A moment to go back to: how much had been taken in, decoded and delivered."""

    stream: Mark
    codes: int
    chunks: int
    delivered: int


class Sounding:
    """One take's sound. The first `lead` frames of codes are decoded and heard by nobody; no more than `frames` frames
    of the delivered rate are handed on.
    """

    def __init__(self, codec: Codec, sample_rate: int, lead: int, frames: int, on_audio: OnAudio) -> None:
        self._codec = codec
        self._on_audio = on_audio
        self._channels = 2 if codec.stereo else 1
        self._resampler = Resampler(codec.sample_rate, sample_rate, self._channels)
        self._stream = SoundStream(codec)
        self._lead, self._frames = lead, frames
        self._rate = sample_rate
        self._dropped = round(lead * codec.hop * sample_rate / codec.sample_rate)
        self._codes: list[torch.Tensor] = []  # (codebooks, frames) each
        self._sound: list[Audio] = []  # at the codec's rate
        self._out: list[Audio] = []  # at the delivered rate, the lead included
        self._handed = 0

    @property
    def codes(self) -> torch.Tensor:
        """Everything taken in, (codebooks, frames), the lead included."""
        return torch.cat(self._codes, dim=-1)

    @property
    def heard(self) -> int:
        """How many frames of codes were taken in, without the lead."""
        return sum(part.shape[-1] for part in self._codes) - self._lead

    def kept_codes(self) -> Codes:
        """What the take is decoded from, to be kept with it."""
        kept: Codes = self.codes[:, self._lead :].to("cpu", torch.int16).numpy()
        return kept

    def add(self, codes: torch.Tensor, last: bool = False) -> None:
        """Take in codes (codebooks, frames) and hand on what became sound."""
        self._codes.append(codes)
        sound = to_audio(self._stream.add(codes[None], last=last))[0].reshape(-1, self._channels)
        self._sound.append(sound)
        if len(sound) or last:
            self._deliver(self._resampler.add(sound, last))

    def finish(self) -> Audio:
        """Decode the rest; the whole take, (frames, 2)."""
        nothing = torch.zeros((self._codec.codebooks * self._channels, 0), dtype=torch.long, device=self._device())
        self.add(nothing, last=True)
        return self.audio()

    def audio(self) -> Audio:
        """What was delivered so far, without the lead."""
        out: Audio = np.concatenate(self._out)[self._dropped : self._dropped + self._frames]
        return out

    def place(self) -> Place:
        return Place(self._stream.mark(), len(self._codes), len(self._sound), sum(len(part) for part in self._out))

    def sound_since(self, place: Place) -> Audio:
        """What was decoded since then, (samples, channels) at the codec's rate."""
        parts = self._sound[place.chunks :]
        return np.concatenate(parts) if parts else np.zeros((0, self._channels), np.float32)

    def back_to(self, place: Place) -> None:
        """Forget what came since `place`; who listens is told."""
        self._stream.restore(place.stream)
        del self._codes[place.codes :]
        del self._sound[place.chunks :]
        past = np.concatenate(self._sound) if self._sound else np.zeros((0, self._channels), np.float32)
        again = self._resampler.restart(past)
        # Heard in one go the past may give a little more, or less, than it had in pieces: the samples are the same.
        kept = min(place.delivered, len(again))
        handed = min(self._handed, max(0, kept - self._dropped))
        if handed < self._handed:
            self._handed = handed
            self._on_audio.rewind(handed)
        self._out = [again[:kept]]
        self._deliver(again[kept:])

    def _deliver(self, audio: Audio) -> None:
        self._out.append(audio)
        start = sum(len(part) for part in self._out[:-1]) - self._dropped
        fresh = audio[max(0, -start) : max(0, self._frames - start)]
        if len(fresh):
            self._handed += len(fresh)
            self._on_audio(fresh, self._rate)

    def _device(self) -> torch.device:
        return self._codes[-1].device if self._codes else torch.device("cpu")
