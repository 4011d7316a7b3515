"""How each kit is voiced: sixteen sets of tunings, decays and colours for the same sounds."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Kick:
    """A sweep from `start_hz` to `end_hz`, a body's decay, a beater's click."""

    start_hz: float = 160.0
    end_hz: float = 50.0
    sweep_s: float = 0.02
    decay_s: float = 0.14
    click: float = 0.25
    click_hz: float = 3000.0
    drive: float = 1.6
    skin: float = 0.15  # noise of the skin
    body: float = 0.0  # a shell's ring around 90–200 Hz


@dataclass(frozen=True, slots=True)
class Snare:
    """Two skin modes, the wires' noise, the shell's ring."""

    low_hz: float = 185.0
    high_hz: float = 330.0
    tone: float = 0.6
    tone_s: float = 0.07
    wires: float = 0.7
    wires_s: float = 0.12
    wires_low: float = 1200.0
    wires_high: float = 9000.0
    crack: float = 0.3
    drive: float = 1.3
    gate_s: float = 0.0  # a burst of dense room that stops dead: the eighties
    brushed: bool = False


@dataclass(frozen=True, slots=True)
class Kit:
    """A whole kit. `tone_hz` low-passes everything; `grit` saturates it; `metal` picks plates over squares for hats."""

    name: str
    kick: Kick = Kick()
    snare: Snare = Snare()
    hat_s: float = 0.032
    hat_low: float = 6500.0
    hat_open_s: float = 0.28
    metal: bool = True
    cymbal_s: float = 1.0
    cymbal_dark: float = 1.0
    clap_s: float = 0.11
    clap_hz: float = 1250.0
    tom_hz: float = 82.0
    tom_s: float = 0.3
    tom_sweep: float = 0.35
    tone_hz: float = 0.0
    grit: float = 0.0
    electronic: bool = False
    kick_db: float = 0.0  # a long kick is louder than its peak says
    metal_db: float = 0.0  # hats and cymbals against the kit's usual balance


_ACOUSTIC = Kit(
    "folk",
    Kick(115.0, 58.0, 0.018, 0.12, 0.18, 2200.0, 1.3, 0.12, 0.25),
    Snare(190.0, 345.0, 0.55, 0.08, 0.6, 0.11, 1500.0, 9500.0, 0.2),
    tom_hz=92.0,
)

_TRIMS_DB = {
    "kit_808": (-8.5, 2.0),
    "kit_909": (-5.0, 1.5),
    "gated": (-1.5, 0.0),
    "pop": (-1.0, -5.0),
    "breaks": (0.0, -4.5),
    "minimal": (-1.5, 0.0),
    "dusty": (0.0, 1.0),
    "orchestral": (-3.5, 0.0),
    "taiko": (-3.5, 3.0),
}


def _trimmed(kit: Kit) -> Kit:
    kick_db, metal_db = _TRIMS_DB.get(kit.name, (0.0, 0.0))
    return replace(kit, kick_db=kick_db, metal_db=metal_db)


KITS: dict[str, Kit] = {
    kit.name: _trimmed(kit)
    for kit in (
        Kit(
            "dusty",
            Kick(120.0, 54.0, 0.022, 0.11, 0.12, 1500.0, 2.0, 0.1, 0.2),
            Snare(195.0, 350.0, 0.6, 0.06, 0.62, 0.095, 900.0, 6500.0, 0.3, 1.9),
            0.026, 5200.0, 0.2, True, 0.7, 0.75, 0.1, 1100.0, 88.0, 0.22, 0.3, 7800.0, 0.5,
        ),
        Kit(
            "boom_bap",
            Kick(150.0, 55.0, 0.02, 0.13, 0.35, 2600.0, 2.6, 0.2, 0.35),
            Snare(205.0, 370.0, 0.7, 0.065, 0.75, 0.11, 1100.0, 9000.0, 0.55, 2.6),
            0.03, 5800.0, 0.24, True, 0.8, 0.85, 0.11, 1200.0, 90.0, 0.24, 0.3, 11000.0, 0.6,
        ),
        Kit(
            "kit_808",
            Kick(130.0, 47.0, 0.018, 0.34, 0.12, 3500.0, 1.7, 0.0),
            Snare(178.0, 332.0, 0.75, 0.085, 0.55, 0.13, 1800.0, 11000.0, 0.2, 1.2),
            0.024, 7600.0, 0.22, False, 0.9, 1.0, 0.12, 1150.0, 72.0, 0.36, 0.25, electronic=True,
        ),
        Kit(
            "kit_909",
            Kick(210.0, 49.0, 0.026, 0.19, 0.4, 4200.0, 2.3, 0.05),
            Snare(200.0, 370.0, 0.65, 0.07, 0.75, 0.14, 1400.0, 11000.0, 0.35, 1.6),
            0.03, 7000.0, 0.24, True, 0.9, 1.1, 0.12, 1300.0, 80.0, 0.3, 0.55, electronic=True,
        ),
        Kit(
            "breaks",
            Kick(145.0, 60.0, 0.018, 0.1, 0.35, 3200.0, 2.2, 0.2, 0.4),
            Snare(225.0, 400.0, 0.75, 0.06, 0.6, 0.11, 1100.0, 8000.0, 0.4, 2.0),
            0.028, 6200.0, 0.2, True, 0.75, 0.95, 0.1, 1300.0, 98.0, 0.2, 0.3, 0.0, 0.35,
        ),
        Kit(
            "gated",
            Kick(170.0, 52.0, 0.024, 0.17, 0.3, 3200.0, 2.0, 0.1, 0.15),
            Snare(165.0, 300.0, 0.6, 0.11, 0.7, 0.13, 1000.0, 9000.0, 0.35, 1.6, 0.26),
            0.03, 6800.0, 0.26, True, 1.0, 1.0, 0.13, 1150.0, 74.0, 0.36, 0.45, electronic=True,
        ),
        Kit(
            "pop",
            Kick(175.0, 52.0, 0.02, 0.14, 0.4, 3800.0, 2.0, 0.12, 0.15),
            Snare(200.0, 360.0, 0.6, 0.075, 0.8, 0.14, 1300.0, 12000.0, 0.4, 1.6),
            0.028, 7000.0, 0.26, True, 1.0, 1.1, 0.12, 1350.0, 84.0, 0.3, 0.35,
        ),
        Kit(
            "rock",
            Kick(150.0, 56.0, 0.016, 0.13, 0.5, 3600.0, 2.0, 0.25, 0.4),
            Snare(185.0, 335.0, 0.75, 0.1, 0.8, 0.15, 1100.0, 11000.0, 0.5, 1.9),
            0.035, 5600.0, 0.42, True, 1.25, 1.0, 0.12, 1250.0, 84.0, 0.42, 0.3,
        ),
        Kit(
            "metal",
            Kick(190.0, 58.0, 0.01, 0.09, 1.0, 5200.0, 2.4, 0.2, 0.2),
            Snare(205.0, 375.0, 0.7, 0.08, 0.85, 0.13, 1400.0, 12000.0, 0.7, 2.4),
            0.03, 6000.0, 0.4, True, 1.3, 1.15, 0.12, 1350.0, 80.0, 0.36, 0.3,
        ),
        Kit(
            "funk",
            Kick(130.0, 62.0, 0.015, 0.08, 0.4, 3000.0, 1.8, 0.2, 0.35),
            Snare(240.0, 430.0, 0.7, 0.055, 0.75, 0.085, 1600.0, 11000.0, 0.45, 1.6),
            0.022, 7000.0, 0.17, True, 0.8, 1.05, 0.09, 1450.0, 104.0, 0.2, 0.25,
        ),
        Kit(
            "brushes",
            Kick(100.0, 60.0, 0.014, 0.1, 0.08, 1400.0, 1.2, 0.08, 0.3),
            Snare(210.0, 380.0, 0.3, 0.06, 0.55, 0.1, 1700.0, 8500.0, 0.1, 1.1, 0.0, True),
            0.04, 5400.0, 0.4, True, 1.3, 0.8, 0.1, 1200.0, 96.0, 0.34, 0.15,
        ),
        replace(
            _ACOUSTIC,
            name="latin",
            kick=Kick(105.0, 62.0, 0.014, 0.1, 0.14, 1800.0, 1.3, 0.1, 0.3),
            hat_low=7000.0,
            hat_s=0.024,
        ),
        _ACOUSTIC,
        Kit(
            "orchestral",
            Kick(78.0, 40.0, 0.03, 0.5, 0.1, 700.0, 1.1, 0.15, 0.5),
            Snare(215.0, 390.0, 0.35, 0.05, 0.7, 0.12, 1800.0, 9500.0, 0.2, 1.1),
            0.05, 5000.0, 0.6, True, 1.9, 0.85, 0.12, 1200.0, 66.0, 0.5, 0.1,
        ),
        Kit(
            "taiko",
            Kick(92.0, 44.0, 0.03, 0.42, 0.2, 900.0, 1.6, 0.25, 0.6),
            Snare(170.0, 300.0, 0.7, 0.12, 0.45, 0.12, 900.0, 7500.0, 0.4, 1.5),
            0.04, 5200.0, 0.4, True, 1.7, 0.8, 0.13, 1000.0, 62.0, 0.6, 0.2,
        ),
        Kit(
            "minimal",
            Kick(150.0, 50.0, 0.014, 0.12, 0.3, 5200.0, 1.5, 0.0),
            Snare(260.0, 470.0, 0.5, 0.04, 0.5, 0.06, 2500.0, 12000.0, 0.3, 1.2),
            0.014, 8500.0, 0.12, False, 0.6, 1.2, 0.07, 1600.0, 100.0, 0.14, 0.4, electronic=True,
        ),
    )
}  # fmt: skip
