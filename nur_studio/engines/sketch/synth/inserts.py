"""Effects that belong to an instrument rather than to a mix: tremolo, chorus, rotary speaker, amplifier."""

from __future__ import annotations

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth import strip
from nur_studio.engines.sketch.synth.tone import Wave


def insert(instrument: str, wave: Wave, cancel: Cancel) -> None:
    """Apply the instrument's own effects to its part's sound, in place."""
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
        case "drive_guitar":
            strip.amplifier(wave, 7.0, cancel)
        case "lead_guitar":
            strip.amplifier(wave, 4.5, cancel)
        case _:
            pass
