"""Effects that belong to an instrument rather than to a mix: tremolo, chorus, rotary speaker, amplifier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth import strip
from nur_studio.engines.sketch.synth.tone import Wave

_AMP_GAIN = {"drive_guitar": 7.0, "lead_guitar": 4.5}


def speaker(instrument: str) -> NDArray[np.float64] | None:
    """The filter an instrument is heard through, in second-order sections; None for most."""
    return strip.CABINET if instrument in _AMP_GAIN else None


def insert(instrument: str, wave: Wave, cancel: Cancel, drive: float = 0.0) -> None:
    """Apply the instrument's own effects to its part's sound, in place, up to where its `speaker` comes."""
    if instrument in _AMP_GAIN:
        # An amplifier has its own way of being driven.
        strip.amplifier(wave, _AMP_GAIN[instrument] * (1.0 + 1.2 * drive), cancel)
        return
    match instrument:
        case "rhodes":
            strip.tremolo(wave, 4.6, 0.22)
        case "vibraphone":
            strip.tremolo(wave, 5.2, 0.16)
        case "organ":
            strip.rotary(wave, 5.9, cancel)
        case "clean_guitar":
            strip.chorus(wave, 2.2, 0.7, 0.35, cancel)
        case "pluck" | "arp":
            strip.chorus(wave, 2.6, 0.6, 0.3, cancel)
        case "saw_lead" | "square_lead":
            strip.chorus(wave, 2.0, 0.8, 0.25, cancel)
        case _:
            pass
