"""Stems and how they are mixed: mute, solo, gain, pan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

STEMS = ("drums", "bass", "vocals", "other")
"""The four of the reference; their sum is the mix."""

SIX_LANES = ("drums", "bass", "vocals", "guitar", "piano", "rest")
"""A finer division: their sum is the mix as well. `other` is then guitar, piano and rest together."""

LANES = (*STEMS, *SIX_LANES[3:])
"""Every part of a mix there can be."""

LANE_COLORS = {
    "mix": "#9fb4d8",
    "drums": "#ff8a5c",
    "bass": "#ffd166",
    "vocals": "#c792ea",
    "guitar": "#a3d65c",
    "piano": "#f48cc2",
    "other": "#5fd0b4",
    "rest": "#5fd0b4",
}
"""Stems have the same colours everywhere: in the window, and in the sessions of other programs."""

MIN_GAIN_DB = -60.0  # at and below it a fader is closed: silence
MAX_GAIN_DB = 6.0


@dataclass(frozen=True, slots=True)
class Channel:
    """One stem's strip. `gain_db` −60 (closed) to +6; `pan` −1 (left) to +1 (right), 0 changes nothing."""

    gain_db: float = 0.0
    pan: float = 0.0
    mute: bool = False
    solo: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """The strips of a track by stem name, and the master gain. A stem without a strip has a default one."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    master_db: float = 0.0

    def channel(self, stem: str) -> Channel:
        return self.channels.get(stem, Channel())

    def with_channel(self, stem: str, channel: Channel) -> Mix:
        return replace(self, channels={**self.channels, stem: channel})

    def without(self, *stems: str) -> Mix:
        """The same mix with these muted: what a minus-one is."""
        muted = {stem: replace(self.channel(stem), mute=True) for stem in stems}
        return replace(self, channels={**self.channels, **muted})

    def solo_only(self, stem: str) -> Mix:
        """Only this one soloed; where it is the only one already, none."""
        alone = self.channel(stem).solo and not any(c.solo for name, c in self.channels.items() if name != stem)
        return self.unsoloed().with_channel(stem, replace(self.channel(stem), solo=not alone))

    def unmuted(self) -> Mix:
        """Nothing muted any more."""
        return replace(self, channels={name: replace(c, mute=False) for name, c in self.channels.items()})

    def unsoloed(self) -> Mix:
        """Nothing soloed any more."""
        return replace(self, channels={name: replace(c, solo=False) for name, c in self.channels.items()})

    def within(self, lanes: Iterable[str]) -> Mix:
        """The strips of these lanes, only where they are set at all: a forgotten solo must not silence what there is.

        Mixes that sound alike are then equal.
        """
        kept = {lane: self.channels[lane] for lane in lanes if self.channels.get(lane, Channel()) != Channel()}
        return replace(self, channels=kept)

    def audible(self, stem: str) -> bool:
        """Mute wins over solo; any solo silences the rest."""
        strip = self.channel(stem)
        return not strip.mute and (strip.solo or not any(c.solo for c in self.channels.values()))

    def gains(self, stem: str) -> tuple[float, float]:
        """Left and right factors of a stem, master included. Balance law: the far side is turned down."""
        if not self.audible(stem):
            return 0.0, 0.0
        strip = self.channel(stem)
        gain = to_linear(strip.gain_db) * to_linear(self.master_db)
        return gain * min(1.0, 1.0 - strip.pan), gain * min(1.0, 1.0 + strip.pan)


def to_linear(gain_db: float) -> float:
    """Decibels to a factor; a closed fader is exactly 0."""
    return 0.0 if gain_db <= MIN_GAIN_DB else float(10.0 ** (gain_db / 20.0))
