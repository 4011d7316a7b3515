"""How loud the mix sounds just now: momentary and short-term loudness, measured beside the audio callback."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.loudness import ABSOLUTE_GATE_LUFS, OFFSET_LUFS, k_weighting
from nur_studio.core.sound import Audio

_RING_FRAMES = 2**18  # 1.4 s at 192 kHz: what the measuring may lag behind
_PIECE = 128  # frames filtered at a time; the two products with it are the cheapest, and too small to be threaded
_HOPS_PER_S = 20
_MOMENTARY_HOPS, _SHORT_TERM_HOPS = 8, 60  # 400 ms and 3 s


class Tap:
    """The last second of what was played, written by the callback and read by another thread, without a lock."""

    def __init__(self) -> None:
        self._ring = np.zeros((_RING_FRAMES, 2), np.float32)
        self.written = 0

    def write(self, block: Audio) -> None:
        at = self.written % _RING_FRAMES
        first = min(len(block), _RING_FRAMES - at)
        self._ring[at : at + first] = block[:first]
        self._ring[: len(block) - first] = block[first:]
        self.written += len(block)

    def read(self, first: int, count: int) -> Audio:
        """Up to `count` frames from number `first` on; fewer where the ring ends."""
        at = first % _RING_FRAMES
        return self._ring[at : at + min(count, _RING_FRAMES - at)]


class KWeighting:
    """The filter of BS.1770 over a stream of stereo.

    The recursion is written as a state-space model and unrolled over a piece: output = response · input + decay ·
    state. That makes it two matrix products, and spares the player's process scipy.signal, whose import takes longer
    than the process to start.
    """

    def __init__(self, sample_rate: int) -> None:
        a, b, c, d = _state_space(k_weighting(sample_rate))
        powers = [np.eye(len(a))]
        for _ in range(_PIECE):
            powers.append(a @ powers[-1])
        self._powers = powers
        self._decay = np.stack([c @ power for power in powers[:_PIECE]])
        response = np.array([d, *(self._decay[:-1] @ b)])
        lag = np.subtract.outer(np.arange(_PIECE), np.arange(_PIECE))
        self._response = np.where(lag >= 0, response[np.maximum(lag, 0)], 0.0)
        self._reach = np.stack([power @ b for power in reversed(powers[:_PIECE])], axis=1)
        self._state = np.zeros((len(a), 2))

    def filtered(self, piece: Audio) -> NDArray[np.float64]:
        """The next at most 128 frames."""
        count = len(piece)
        sound = piece.astype(np.float64)
        out: NDArray[np.float64] = self._response[:count, :count] @ sound + self._decay[:count] @ self._state
        self._state = self._powers[count] @ self._state + self._reach[:, _PIECE - count :] @ sound
        return out


def _state_space(
    sections: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """(A, B, C, D) of second-order sections in a row, each in the transposed direct form."""
    a, b, c, d = np.zeros((0, 0)), np.zeros(0), np.zeros(0), 1.0
    for b0, b1, b2, _, a1, a2 in sections:
        own_a = np.array([[-a1, 1.0], [-a2, 0.0]])
        own_b = np.array([b1 - a1 * b0, b2 - a2 * b0])
        a = np.block([[a, np.zeros((len(a), 2))], [np.outer(own_b, c), own_a]])
        b = np.concatenate((b, own_b * d))
        c = np.concatenate((c * b0, [1.0, 0.0]))
        d = d * b0
    return a, b, c, float(d)


class LoudnessMeter:
    """Follows a tap. Sliding windows of 400 ms and 3 s as EBU Tech 3341 has them, renewed 20 times a second.

    What lies before the first sound counts as silence, and anything under BS.1770's absolute gate of −70 LUFS is −∞.
    """

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._rate = 0
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: no stream runs."""
        self._read = self._tap.written
        self._powers: deque[float] = deque([0.0] * _SHORT_TERM_HOPS, _SHORT_TERM_HOPS)
        self._hop_energy, self._hop_left = 0.0, 0
        self._weighting: KWeighting | None = None
        self.momentary_lufs = self.short_term_lufs = -math.inf

    def follow(self, sample_rate: int) -> None:
        """Measure what the tap has taken since the last call; it runs at `sample_rate`."""
        if self._weighting is None or sample_rate != self._rate:
            self.reset()
            self._rate = sample_rate
            self._weighting = KWeighting(sample_rate)
            self._hop_left = self._hop_frames
        written = self._tap.written
        if written - self._read > _RING_FRAMES // 2:  # overtaken: leave out what may be overwritten under our hands
            self._read = written
        while self._read < written:
            piece = self._tap.read(self._read, min(_PIECE, written - self._read, self._hop_left))
            weighted = self._weighting.filtered(piece)
            self._hop_energy += float(np.einsum("fc,fc->", weighted, weighted))
            self._read += len(piece)
            self._hop_left -= len(piece)
            if self._hop_left == 0:
                self._end_hop()

    @property
    def _hop_frames(self) -> int:
        return round(self._rate / _HOPS_PER_S)

    def _end_hop(self) -> None:
        self._powers.append(self._hop_energy / self._hop_frames)
        self._hop_energy, self._hop_left = 0.0, self._hop_frames
        hops = list(self._powers)
        self.momentary_lufs = _lufs(sum(hops[-_MOMENTARY_HOPS:]) / _MOMENTARY_HOPS)
        self.short_term_lufs = _lufs(sum(hops) / _SHORT_TERM_HOPS)


def _lufs(power: float) -> float:
    level = OFFSET_LUFS + 10.0 * math.log10(power) if power > 0.0 else -math.inf
    return level if level > ABSOLUTE_GATE_LUFS else -math.inf
