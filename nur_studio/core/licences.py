"""The words of licences, read where they came with what they belong to."""

from __future__ import annotations

from importlib import metadata

ADDRESS = "https://creativecommons.org/licenses/by-nc/4.0/legalcode"


def weights_licence() -> str:
    """The licence of MusicGen's weights, CC BY-NC 4.0, in full: audiocraft's package brings it. "" without it."""
    try:
        files = metadata.files("audiocraft") or []
        return next((file.read_text("utf-8") for file in files if file.name == "LICENSE_weights"), "")
    except (metadata.PackageNotFoundError, OSError, UnicodeDecodeError):
        return ""
