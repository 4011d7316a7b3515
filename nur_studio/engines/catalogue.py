"""Every engine the studio knows: what it is called, what may be done with its output, whether it can run here."""

from __future__ import annotations

from collections.abc import Sequence

from nur_studio.core.errors import EngineUnavailable, UnknownEngine
from nur_studio.engines.base import EngineInfo

SKETCH = EngineInfo(
    name="sketch",
    title="Sketch",
    summary="Composes a score and plays it with the studio's own synthesis: at once, offline, in four clean stems.",
    licence="royalty-free, no weights involved",
    factory="nur_studio.engines.sketch.engine:sketch",
    stems=True,
)


def engines() -> tuple[EngineInfo, ...]:
    """All engines, the default first. One that cannot run here says so in `why_not`."""
    return (SKETCH,)


def engine(name: str, known: Sequence[EngineInfo] | None = None) -> EngineInfo:
    """The engine called `name`, whatever its case.

    Raises `UnknownEngine` with the list of names where there is none.
    """
    known = engines() if known is None else known
    for info in known:
        if info.name.casefold() == name.strip().casefold():
            return info
    names = ", ".join(info.name for info in known) or "none"
    raise UnknownEngine(f"There is no engine {name!r}; known here: {names}.")


def usable_engine(name: str, known: Sequence[EngineInfo] | None = None) -> EngineInfo:
    """The engine called `name`, ready to run. Raises `EngineUnavailable` where it is unknown or cannot run here."""
    info = engine(name, known)
    if info.why_not:
        raise EngineUnavailable(info.why_not, hint="`nur-studio doctor` says what would mend it.")
    return info
