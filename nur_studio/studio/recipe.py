"""A take's recipe: everything needed to make it again, as JSON in the library and beside the masters."""

from __future__ import annotations

import json
import platform
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import nur_studio
from nur_studio.core.contract import Contract, FarOff
from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.description import describe
from nur_studio.core.errors import StudioError
from nur_studio.core.genres import find_genre
from nur_studio.core.prompt import PromptReading
from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO, GenerationRequest
from nur_studio.core.story import CONTRACT, tempo_story
from nur_studio.core.track import COMBINED, IMPORTED, Track
from nur_studio.engines.base import EngineInfo, MusicTask, ReferenceAudio
from nur_studio.engines.messages import Made

RECIPE_NAME = "recipe.json"
SEPARATION = "separation"
_MAKERS = ("numpy", "scipy", "soundfile", "soxr", "pyloudnorm", "torch")
_BPM_SAID = re.compile(r"\bbpm:\s*(\d{2,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How engines hand music over, as the settings say: `master` brings it to −14 LUFS, `far_off` (a `FarOff`) is what
    becomes of a tempo far from the asked one.
    """

    sample_rate: int = 44100
    master: bool = True
    far_off: str = FarOff.ASK.value


def chosen_tempo(reading: PromptReading, seed: int, description: str | None = None) -> int:
    """The tempo of a take, in BPM: what was said, in the prompt or as `bpm: 85` in a description of the person's own,
    else drawn from the genre's usual range by the seed.
    """
    if reading.tempo_heard:
        return reading.tempo
    said = _BPM_SAID.search(description or "")
    if said is not None and MIN_TEMPO <= int(said[1]) <= MAX_TEMPO:
        return int(said[1])
    low, high = reading.tempo_range
    # Of all that `random` offers, only seeding and random() promise to stay as they are across Python versions.
    return low + int(random.Random(seed).random() * (high - low + 1))


def asked_tempo(reading: PromptReading) -> int | None:
    """The BPM a person named, in the field or in the prompt; None for "allegro", a mood or nothing at all."""
    low, high = reading.tempo_range
    return reading.tempo if reading.tempo_heard and low == high else None


def shown_genre(request: GenerationRequest, reading: PromptReading) -> str:
    """The genre people see: the canonical name where it is known, else what the person wrote."""
    if request.genre is None or find_genre(request.genre) is not None:
        return reading.genre
    return request.genre.strip()


def first_recipe(
    request: GenerationRequest,
    reading: PromptReading,
    engine: EngineInfo,
    genre: str,
    tempo: int,
    seed: int,
    take: int,
    bars: int | None,
    delivery: Delivery,
) -> dict[str, Any]:
    """The recipe of a take before it is made: the request as given, how it was read, and what was chosen. `bars` are
    the whole ones it has, where it was asked for in bars.
    """
    return {
        "request": asdict(request),
        "reading": asdict(reading),
        "resolved": {"genre": genre, "tempo": tempo, "seed": seed, "take": take, "bars": bars},
        "delivery": asdict(delivery),
        "engine": engine.name,
        "model": "",
        "licence": engine.licence,
        "versions": versions(),
    }


def full_recipe(track: Track, made: Made) -> dict[str, Any]:
    """The recipe of a take that was made, with the engine's own details and the seconds it took by stage.

    Where the engine was another studio, which brought the take to its tempo and had its stems separated, that is told
    as if it had been done here.
    """
    details = dict(made.details)
    elsewhere = {name: told for name in (SEPARATION, "tempo_exact") if (told := details.pop(name, None))}
    return {
        **track.recipe,
        "model": str(details.get("model", "")),
        "details": details,
        "note": made.note,
        "timings": dict(made.seconds),
        **({"tempo_exact": made.tempo_exact} if made.tempo_exact is not None else {}),
        **({CONTRACT: dict(made.contract)} if made.contract else {}),
        **elsewhere,
    }


def contract_of(track: Track, *, exact: bool, far_off: FarOff | None = None) -> Contract | None:
    """How a generated take is to be handed over; `exact` is its engine's, `far_off` what was chosen since. None: as the
    engine makes it.

    A tempo it was not asked for binds it where its length was asked for in bars of that.
    """
    controls, reading = controls_of(track), _reading_of(track)
    resolved, delivery = _stored(track, "resolved"), track.recipe.get("delivery", {})
    bars = resolved.get("bars")
    loop_bars = bars if controls.loop and isinstance(bars, int) else 0
    if exact and not loop_bars:
        return None
    tempo = resolved.get("tempo") if track.tempo_asked is not None or bars is not None else None
    continued = controls.reference is not None and controls.reference.use == "continue"
    return Contract(
        duration_s=track.duration_s,
        tempo=tempo if isinstance(tempo, int) else None,
        beats_per_bar=reading.beats_per_bar,
        far_off=far_off or FarOff(controls.far_off or delivery.get("far_off", FarOff.ASK)),
        bar_one=controls.bar_one and not continued,
        loop_bars=loop_bars,
        exact=exact,
        master=bool(delivery.get("master", True)),
    )


def write_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    """`recipe.json` beside the masters."""
    text = json.dumps(recipe, indent=1, ensure_ascii=False, default=str)
    (folder / RECIPE_NAME).write_text(text + "\n", "utf-8")


def task_of(track: Track, reference: ReferenceAudio | None) -> MusicTask:
    """What to tell the engine to make this take. `reference` is that of `controls_of(track)`, found.

    A description is always there: what people were shown is what a model is told.
    """
    delivery = track.recipe.get("delivery", {})
    reading, controls = _reading_of(track), controls_of(track)
    if controls.loop:
        reading = replace(reading, loop=True)
    if controls.far_off is None and delivery.get("far_off") not in (None, FarOff.ASK.value):
        controls = replace(controls, far_off=delivery["far_off"])  # for an engine that is a studio of its own
    if controls.description is None:
        controls = replace(controls, description=describe(track.prompt, reading, track.tempo, track.genre))
    return MusicTask(
        track.prompt,
        track.duration_s,
        track.tempo,
        track.seed,
        reading,
        controls,
        reference,
        **{name: delivery[name] for name in ("sample_rate", "master") if name in delivery},
    )


def request_of(track: Track) -> GenerationRequest:
    """The request that makes this one take again: as it was given, with the take's own seed and engine."""
    stored = _stored(track, "request")
    known = {f.name: stored[f.name] for f in fields(GenerationRequest) if f.name in stored}
    controls, story = controls_of(track), tempo_story(track)
    if story is not None and story.rolls > 1:  # else another setting would keep its first roll
        controls = replace(controls, far_off=FarOff.REROLL.value)
    known["controls"] = controls
    return replace(GenerationRequest(**known), seed=track.seed, engine=track.engine, takes=1)


def controls_of(track: Track) -> Controls:
    """The controls a take was asked with; takes of older versions of the studio have none."""
    stored = _stored(track, "request").get("controls") or {}
    known = _known(Controls, stored)
    known["sections"] = tuple(SectionPrompt(**_known(SectionPrompt, each)) for each in stored.get("sections", ()))
    reference = stored.get("reference")
    known["reference"] = None if reference is None else Reference(**_known(Reference, reference))
    return Controls(**known)


def _known(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: stored[f.name] for f in fields(kind) if f.name in stored}


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """What could make the same seed sound different: the studio, Python, and the libraries that compute."""
    from importlib import metadata  # slow to load, and not needed before a first request

    found = {"nur_studio": nur_studio.__version__, "python": platform.python_version()}
    for name in _MAKERS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def _reading_of(track: Track) -> PromptReading:
    stored = _stored(track, "reading")
    known: dict[str, Any] = {}
    for field in fields(PromptReading):
        if field.name in stored:
            value = stored[field.name]
            known[field.name] = tuple(value) if isinstance(value, list) else value
    return PromptReading(**known)


def _stored(track: Track, part: str) -> Mapping[str, Any]:
    if track.engine == IMPORTED:
        raise StudioError(f"{track.title!r} was imported: no engine made it, so none can make it again.")
    if track.engine == COMBINED:
        raise StudioError(
            f"{track.title!r} was combined from two takes: no engine made it, so none can make it again.",
            hint="Make one of those again, or combine them anew.",
        )
    stored = track.recipe.get(part)
    if not isinstance(stored, Mapping):
        raise StudioError(f"The recipe of {track.title!r} has no {part}: it cannot be made again.")
    return stored
