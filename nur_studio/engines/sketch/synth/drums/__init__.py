"""Every drum sound of every kit: which maker plays it, how loud it sits, where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nur_studio.engines.sketch.synth.drums import effects, metals, skins
from nur_studio.engines.sketch.synth.drums.kits import KITS, Kit
from nur_studio.engines.sketch.synth.tone import Wave, chance, low_pass, shaped, to_peak

ENDING = frozenset(("riser", "reverse_crash"))
"""Sounds that end, not start, where their beat plus duration falls."""

SUSTAINED = frozenset(("riser", "reverse_crash", "brush_sweep", "rumble"))
"""Sounds as long as their event."""

VARIANTS = 4
LAYERS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """How loud a sound is in a balanced kit, dB against the kick, and where it stands, −1 to 1."""

    level_db: float
    pan: float = 0.0


PLACES: dict[str, Place] = {
    "kick": Place(0.0), "snare": Place(-2.0), "rim": Place(-8.0, 0.08), "clap": Place(-4.0), "snap": Place(-8.0, -0.1),
    "hat": Place(-10.0, 0.22), "hat_pedal": Place(-12.0, 0.22), "hat_open": Place(-10.5, 0.22),
    "ride": Place(-10.5, -0.35), "ride_bell": Place(-9.5, -0.35), "crash": Place(-8.5, -0.3),
    "splash": Place(-9.5, 0.35),
    "shaker": Place(-11.5, -0.4), "tambourine": Place(-11.0, 0.4),
    "tom_low": Place(-3.0, -0.45), "tom_mid": Place(-3.5, -0.05), "tom_high": Place(-4.0, 0.4),
    "conga_low": Place(-7.0, -0.3), "conga_high": Place(-8.0, -0.15), "bongo_low": Place(-9.0, 0.3),
    "bongo_high": Place(-10.0, 0.4), "clave": Place(-13.0, 0.3), "cowbell": Place(-13.0, -0.3),
    "woodblock": Place(-12.0, 0.35), "brush_sweep": Place(-15.0, 0.0), "taiko": Place(-1.5), "boom": Place(-5.5),
    "tick": Place(-12.0, 0.2), "impact": Place(-4.5), "riser": Place(-10.0), "reverse_crash": Place(-12.0),
    "rumble": Place(-16.0),
}  # fmt: skip


_METALS = frozenset(
    ("hat", "hat_pedal", "hat_open", "ride", "ride_bell", "crash", "splash", "shaker", "tambourine", "tick")
)


def level_db(kit_name: str, sound: str) -> float:
    """How loud `sound` sits in this kit."""
    kit = KITS[kit_name]
    trim = kit.kick_db if sound == "kick" else kit.metal_db if sound in _METALS else 0.0
    return PLACES[sound].level_db + trim


def strike(kit_name: str, sound: str, velocity: float, seconds: float, variant: int) -> Wave:
    """One hit at full level: its peak is 1. Mono, or stereo where the sound is wide."""
    kit = KITS[kit_name]
    random = chance("drum", kit_name, sound, round(velocity, 3), variant)
    wave = _made(kit, sound, velocity, seconds, random)
    if kit.grit:
        wave = shaped(to_peak(wave), 1.0 + 1.6 * kit.grit)
    if kit.tone_hz:
        wave = low_pass(wave, kit.tone_hz)
    return to_peak(wave)


def _made(kit: Kit, sound: str, velocity: float, seconds: float, random: np.random.Generator) -> Wave:
    if sound in _STRUCK:
        return _STRUCK[sound](kit, velocity, random)
    if sound == "riser":
        return effects.riser(seconds, random)
    if sound == "reverse_crash":
        return effects.reverse_crash(kit, seconds, random)
    if sound == "brush_sweep":
        return effects.brush_sweep(seconds, random)
    if sound == "rumble":
        return skins.rumble(seconds, random)
    raise KeyError(sound)


_STRUCK: dict[str, Callable[[Kit, float, np.random.Generator], Wave]] = {
    "kick": skins.kick,
    "snare": skins.snare,
    "rim": skins.rim,
    "clap": skins.clap,
    "snap": skins.snap,
    "hat": lambda k, v, r: metals.hat(k, v, r, k.hat_s * (0.75 + 0.5 * v)),
    "hat_pedal": lambda k, v, r: metals.hat(k, v, r, k.hat_s * 0.8, True),
    "hat_open": lambda k, v, r: metals.hat(k, v, r, k.hat_open_s),
    "ride": lambda k, v, r: metals.ride(k, v, r, False),
    "ride_bell": lambda k, v, r: metals.ride(k, v, r, True),
    "crash": metals.crash,
    "splash": lambda k, v, r: metals.crash(k, v, r, True),
    "shaker": metals.shaker,
    "tambourine": metals.tambourine,
    "tom_low": lambda k, v, r: skins.tom(k, v, r, 1.0),
    "tom_mid": lambda k, v, r: skins.tom(k, v, r, 1.36),
    "tom_high": lambda k, v, r: skins.tom(k, v, r, 1.85),
    "conga_low": lambda k, v, r: skins.hand_drum(v, r, 178.0, 0.16, 0.16),
    "conga_high": lambda k, v, r: skins.hand_drum(v, r, 236.0, 0.12, 0.24),
    "bongo_low": lambda k, v, r: skins.hand_drum(v, r, 330.0, 0.07, 0.22),
    "bongo_high": lambda k, v, r: skins.hand_drum(v, r, 445.0, 0.055, 0.26),
    "clave": lambda k, v, r: metals.wood(r, 2480.0, (1.0, 2.72), 0.024, 0.08),
    "cowbell": metals.cowbell,
    "woodblock": lambda k, v, r: metals.wood(r, 880.0, (1.0, 2.42, 3.9), 0.03, 0.2),
    "taiko": skins.taiko,
    "boom": lambda k, v, r: skins.boom(v, r),
    "tick": lambda k, v, r: metals.tick(r),
    "impact": lambda k, v, r: effects.impact(k, r),
}

__all__ = ["ENDING", "KITS", "LAYERS", "PLACES", "SUSTAINED", "VARIANTS", "strike"]
