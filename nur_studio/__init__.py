"""NUR Studio: original music from words, on your own machine.

`from nur_studio import NurClient` is the Python client; it and its errors are loaded when they are first asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "NurClient": "nur_studio.client",
    "MusicTrack": "nur_studio.client",
    "Stems": "nur_studio.client",
    "StudioError": "nur_studio.core.errors",
    "InvalidRequest": "nur_studio.core.errors",
    "TrackNotFound": "nur_studio.core.errors",
    "EngineUnavailable": "nur_studio.core.errors",
    "GenerationFailed": "nur_studio.core.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
