"""The instruments by the names a score calls them."""

from __future__ import annotations

from nur_studio.engines.sketch.synth.voices import mallets, orchestra, pads, strings_plucked, synths
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice

VOICES: dict[str, Voice] = {
    **strings_plucked.VOICES,
    **synths.VOICES,
    **mallets.VOICES,
    **orchestra.VOICES,
    **pads.VOICES,
}

__all__ = ["VOICES", "Tone", "Voice"]
