"""Stems and strips to the mix that is heard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nur_studio.core.mix import Mix
from nur_studio.core.sound import Audio


def mixdown(stems: Mapping[str, Audio], mix: Mix) -> Audio:
    """The stereo sum of `stems` as `mix` says: mute, solo, gain, pan, master. Nothing is limited or clipped.

    Mono stems sound from both sides. Stems must be of one length.
    """
    frames = {len(stem) for stem in stems.values()}
    if len(frames) > 1:
        raise ValueError(f"stems of different lengths: {sorted(frames)}")
    total = np.zeros((frames.pop() if frames else 0, 2), np.float32)
    scaled = np.empty_like(total)
    for name, stem in stems.items():
        gains = np.array(mix.gains(name), np.float32)
        if gains.any():
            np.multiply(stem, gains, out=scaled)
            total += scaled
    return total
