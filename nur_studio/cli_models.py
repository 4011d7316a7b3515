"""`nur-studio models`: the weights of MusicGen and Demucs on this machine, from consent to removal."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.arguments import path_of
from nur_studio.console import Interrupts, answer, answer_json, confirmed, progress_bar
from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.timing import format_time
from nur_studio.engines.models import MusicModel, SeparatorModel, model
from nur_studio.engines.weights import gigabytes

if TYPE_CHECKING:  # it stands on libraries, and the doctor must start where they are damaged
    from nur_studio.studio.studio import ModelState, Studio

READY = "ready"
_CPU_WEIGHT_BYTES = 4
_PURPOSES = {"music": "Make music:", "stems": "Take audio apart into stems:"}


def manage_models(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Carry out one of the actions; 0, or what it raises: `InvalidRequest`, `StudioError`, `Cancelled`."""
    if arguments.action == "forecast":
        return _forecast(studio, arguments, interrupts)
    named = _ACTIONS[arguments.action](studio, arguments, interrupts)
    if arguments.json:
        answer_json([_fields(state) for state in studio.models() if state.info.name in named])
    return 0


# -- actions: each gives the names of the models it was about ------------------------------------------------------


def _list(studio: Studio, arguments: argparse.Namespace, _: Interrupts) -> tuple[str, ...]:
    states = studio.models()
    if not arguments.json:
        for purpose, words in _PURPOSES.items():
            answer(words)
            about = [state for state in states if state.info.purpose == purpose]
            for state in about:
                answer(f"  {state.info.name:<26} {_state(state):<26} {state.info.summary}")
            for licence in dict.fromkeys(state.info.licence for state in about):
                answer(f"  licence: {licence}")
        answer(f"in {studio.directories.models}")
    return tuple(state.info.name for state in states)


def _download(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> tuple[str, ...]:
    state = _named(studio, arguments.name)
    name = state.info.name
    if state.state == READY:
        _tell(arguments, f"{state.info.title} is here already, in {studio.directories.models}.")
        return (name,)
    import psutil

    free = _free(studio.directories.models)
    repositories = ", ".join(part.repository for part in state.info.parts)
    sys.stderr.write(
        f"{state.info.title}: {state.info.summary}\n"
        f"  licence   {state.info.licence}\n"
        f"  download  about {gigabytes(state.missing_bytes)}: {repositories}\n"
        f"  free      {gigabytes(free)} in {studio.directories.models}\n"
        f"  memory    about {gigabytes(state.info.memory_bytes(_CPU_WEIGHT_BYTES))} on the CPU, of "
        f"{gigabytes(psutil.virtual_memory().total)}\n"
    )
    if not arguments.yes and not confirmed("Download it and agree to the licence?"):
        raise StudioError("Nothing was downloaded.")
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        studio.download_model(name, on_progress, cancel)
    _tell(arguments, _ready(state))
    return (name,)


def _import(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> tuple[str, ...]:
    folder = path_of("folder", arguments.folder)
    if folder is None or not folder.is_dir():
        raise InvalidRequest("folder", arguments.folder, "a folder that exists")
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        names = tuple(studio.import_models(folder, on_progress, cancel))
    for state in studio.models():
        if state.info.name in names:
            told = f"{_ready(state)} Licence: {state.info.licence}."
            _tell(arguments, told if state.state == READY else state.why_not)
    return names


def _verify(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> tuple[str, ...]:
    """All that are there where none is named; the first that is damaged ends it."""
    if arguments.name is not None:
        states = [_named(studio, arguments.name)]
    else:
        states = [state for state in studio.models() if state.state == READY]
        if not states:
            raise StudioError("There is no model here to verify.", hint="`nur-studio models list` shows what there is.")
    for state in states:
        with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
            studio.verify_model(state.info.name, on_progress, cancel)
        _tell(arguments, f"{state.info.name}: every file is as it came.")
    return tuple(state.info.name for state in states)


def _remove(studio: Studio, arguments: argparse.Namespace, _: Interrupts) -> tuple[str, ...]:
    state = _named(studio, arguments.name)
    freed = studio.remove_model(state.info.name)
    told = f"is gone: {gigabytes(freed)} freed" if freed else "was not here"
    _tell(arguments, f"{state.info.title} {told}.")
    return (state.info.name,)


def _forecast(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    with interrupts.gently() as cancel:
        found = studio.forecast(_named(studio, arguments.name).info.name, cancel)
    if arguments.json:
        answer_json([asdict(found)])
    else:
        fits = "fits" if found.fits else "does not fit"
        answer(f"{found.model} on {found.device} in {found.precision}:")
        answer(f"  a minute of music takes about {format_time(found.seconds_per_minute)[:-3]} (min:s)")
        answer(f"  it {fits}: {gigabytes(found.memory_bytes)} of memory")
    return 0


_ACTIONS: dict[str, Callable[[Studio, argparse.Namespace, Interrupts], tuple[str, ...]]] = {
    "list": _list,
    "download": _download,
    "import": _import,
    "verify": _verify,
    "remove": _remove,
}


# -- words and numbers ---------------------------------------------------------------------------------------------


def _named(studio: Studio, name: str) -> ModelState:
    """The model called `name`, whatever its case. Raises `UnknownEngine` with the list of names."""
    wanted = model(name).name
    return next(state for state in studio.models() if state.info.name == wanted)


def _tell(arguments: argparse.Namespace, sentence: str) -> None:
    if not arguments.json:
        answer(sentence)


def _ready(state: ModelState) -> str:
    use = "generate --engine {} PROMPT" if state.info.purpose == "music" else "separate ID --model {}"
    return f"{state.info.title} is ready: `nur-studio {use.format(state.info.name)}`."


def _state(state: ModelState) -> str:
    if state.state == READY:
        return f"ready, {gigabytes(state.disk_bytes)}"
    if state.state == "partial":
        return f"partly here, {gigabytes(state.missing_bytes)} to go"
    return f"{gigabytes(state.missing_bytes)} to download"


def _free(folder: Path) -> int:
    """Bytes free where `folder` is or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def _fields(state: ModelState) -> dict[str, Any]:
    info = state.info
    kind: dict[str, Any] = {}
    if isinstance(info, MusicModel):
        kind = {"stereo": info.stereo, "melody": info.melody}
    elif isinstance(info, SeparatorModel):
        kind = {"stems": list(info.lanes)}
    return {
        "name": info.name,
        "purpose": info.purpose,
        "title": info.title,
        "summary": info.summary,
        "licence": info.licence,
        "sellable": info.sellable,
        "parameters": info.parameters,
        "download_bytes": info.download_bytes,
        "state": state.state,
        "missing_bytes": state.missing_bytes,
        "disk_bytes": state.disk_bytes,
        **kind,
    }
