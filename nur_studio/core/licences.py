"""The words of licences, read where they came with what they belong to; and whose licence holds for a combination."""

from __future__ import annotations

from importlib import metadata

IMPORTED_LICENCE = "imported audio, its rights are yours to clear"
_JOINT = " + "
ADDRESS = "https://creativecommons.org/licenses/by-nc/4.0/legalcode"


def weights_licence() -> str:
    """The licence of MusicGen's weights, CC BY-NC 4.0, in full: audiocraft's package brings it. "" without it."""
    try:
        files = metadata.files("audiocraft") or []
        return next((file.read_text("utf-8") for file in files if file.name == "LICENSE_weights"), "")
    except (metadata.PackageNotFoundError, OSError, UnicodeDecodeError):
        return ""


def sellable(licence: str) -> bool:
    """Whether what is made under `licence` may be sold, as far as its words tell."""
    return not _noncommercial(licence)


def joint_licence(first: str, second: str) -> str:
    """The licence of what was made of two works: both are named, the stricter one first."""
    parts = dict.fromkeys(part for licence in (first, second) for part in licence.split(_JOINT) if part)
    return _JOINT.join(sorted(parts, key=_leniency))


def _noncommercial(licence: str) -> bool:
    return "NC" in licence.upper().replace("-", " ").replace(":", " ").split() or "not for sale" in licence


def _leniency(licence: str) -> int:
    return 0 if _noncommercial(licence) else 1 if licence == IMPORTED_LICENCE else 2
