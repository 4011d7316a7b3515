"""Every engine the studio knows: what it is called, what may be done with its output, whether it can run here."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from nur_studio.core.errors import EngineUnavailable, UnknownEngine
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.models import MODELS, SEPARATORS, ModelInfo, MusicModel, SeparatorModel
from nur_studio.engines.weights import WeightStore

SKETCH = EngineInfo(
    name="sketch",
    title="Sketch",
    summary="Composes a score and plays it with the studio's own synthesis: at once, offline, in four clean stems.",
    licence="royalty-free, no weights involved",
    factory="nur_studio.engines.sketch.engine:sketch",
    stems=True,
)
_NEEDED = ("torch", "audiocraft", "transformers", "omegaconf", "einops", "julius")
_SEPARATORS_NEED = ("torch", "demucs", "safetensors", "yaml", "einops", "julius")


def engines(
    models: Path, *, device: str = "auto", precision: str = "auto", sellable_only: bool = False
) -> tuple[EngineInfo, ...]:
    """All engines, Sketch first, then MusicGen's models, the quickest first. One that cannot run here says so in
    `why_not`. `models` is the folder of weights; `sellable_only` leaves out what people may not sell the output of.
    """
    store = WeightStore(models)
    missing = _missing_package("MusicGen", _NEEDED)
    known = (
        SKETCH,
        *(_musicgen(model, store, {"device": device, "precision": precision}, missing) for model in MODELS),
    )
    return tuple(info for info in known if info.sellable or not sellable_only)


def separators(models: Path, *, device: str = "auto") -> tuple[EngineInfo, ...]:
    """All separators, the usual one first. One that cannot run here says so in `why_not`."""
    store = WeightStore(models)
    missing = _missing_package("Demucs", _SEPARATORS_NEED)
    return tuple(_separator(model, store, device, missing) for model in SEPARATORS)


def _separator(model: SeparatorModel, store: WeightStore, device: str, missing: str) -> EngineInfo:
    return EngineInfo(
        name=model.name,
        title=model.title,
        summary=model.summary,
        licence=model.licence,
        factory="nur_studio.engines.demucs.engine:demucs",
        why_not=store.why_not(model) or missing,
        stems=True,
        options={**_options(model, store), "device": device},
        can=frozenset({"separate"}),
        sellable=model.sellable,
        lanes=model.lanes,
    )


def _musicgen(model: MusicModel, store: WeightStore, where: Mapping[str, str], missing: str) -> EngineInfo:
    can = {"keep", "together", "controls", "sections", "continue", "count-in"} | ({"melody"} if model.melody else set())
    return EngineInfo(
        name=model.name,
        title=model.title,
        summary=model.summary,
        licence=model.licence,
        factory="nur_studio.engines.musicgen.engine:musicgen",
        why_not=store.why_not(model) or missing,
        options={**_options(model, store), **where},
        can=frozenset(can),
        sellable=model.sellable,
        exact=False,
    )


def _options(model: ModelInfo, store: WeightStore) -> dict[str, object]:
    return {"model": model.name, "folder": str(store.folder)}


def _missing_package(who: str, needed: Sequence[str]) -> str:
    """What somebody needs and this installation lacks, in a sentence, or ""."""
    lacking = [name for name in needed if importlib.util.find_spec(name) is None]
    if not lacking:
        return ""
    return f"{who} needs {', '.join(lacking)}, not installed here; `packaging/bootstrap.py setup --with-models` does."


def engine(name: str, known: Sequence[EngineInfo]) -> EngineInfo:
    """The engine called `name`, whatever its case.

    Raises `UnknownEngine` with the list of names where there is none.
    """
    for info in known:
        if info.name.casefold() == name.strip().casefold():
            return info
    names = ", ".join(info.name for info in known) or "none"
    raise UnknownEngine(f"There is no engine {name!r}; known here: {names}.")


def usable_engine(name: str, known: Sequence[EngineInfo]) -> EngineInfo:
    """The engine called `name`, ready to run. Raises `EngineUnavailable` where it is unknown or cannot run here."""
    info = engine(name, known)
    if info.why_not:
        raise EngineUnavailable(info.why_not, hint="`nur-studio doctor` says what would mend it.")
    return info
