"""The engine "another studio": what to ask it for, and what it made as a take of this one."""

from __future__ import annotations

import contextlib
import math
import queue
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.audio.files import read_audio
from nur_studio.audio.loudness import master
from nur_studio.core.controls import Controls
from nur_studio.core.errors import ServerUnavailable
from nur_studio.core.fields import body_of
from nur_studio.core.mix import STEMS
from nur_studio.core.names import one_line
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid, Section
from nur_studio.engines.base import Music, MusicTask, OnAudio
from nur_studio.engines.remote.errand import Brought, Errand
from nur_studio.remote.server import Server

_LOOK_EVERY_S = 0.05
_SHORTER_S = 0.05  # what may be missing without a word


class Remote:
    """Music that `engine` makes at `server`. `steered`: it takes controls."""

    def __init__(self, server: Server, engine: str, *, steered: bool) -> None:
        self._server, self._engine, self._steered = server, engine, steered

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        with tempfile.TemporaryDirectory(prefix="nur-errand-", ignore_cleanup_errors=True) as folder:
            errand = Errand(self._server, self._body(task), Path(folder))
            errand.start()
            try:
                return self._music(self._awaited(errand, on_progress, cancel), task)
            except BaseException:
                errand.give_up()
                raise

    def _awaited(self, errand: Errand, on_progress: OnProgress, cancel: Cancel) -> Brought:
        while True:
            cancel.check()
            with contextlib.suppress(queue.Empty):
                news = errand.news.get(timeout=_LOOK_EVERY_S)
                if isinstance(news, Progress):
                    on_progress(news)
                elif isinstance(news, Brought):
                    return news
                else:
                    raise news

    def _body(self, task: MusicTask) -> dict[str, Any]:
        """The request there whose one take is this one: it is brought to tempo, bars and loop there. A tempo only where
        a person named one, or its bars are counted: it is held exactly then, and drawn by the seed otherwise, there as
        here.
        """
        low, high = task.reading.tempo_range
        bars = _bars(task)
        controls = replace(task.controls, reference=None)
        if not self._steered:
            kept = ("sections", "count_in", "loop", "bar_one", "far_off")
            controls = Controls(**{name: getattr(controls, name) for name in kept})
        return body_of(
            GenerationRequest(
                prompt=task.prompt,
                duration=math.ceil(task.duration_s),
                bars=bars,
                genre=task.reading.genre,
                tempo=task.tempo if low == high or bars is not None else None,
                output_format="flac",
                seed=task.seed,
                engine=self._engine,
                controls=controls,
            )
        )

    def _music(self, brought: Brought, task: MusicTask) -> Music:
        facts, recipe = brought.facts, brought.recipe
        delivery = _part(recipe, "delivery")
        parts = {name: self._read(path, task.sample_rate) for name, path in brought.files.items()}
        length = min(len(part) for part in parts.values())
        wanted, note = round(task.duration_s * task.sample_rate), one_line(str(recipe.get("note") or ""))
        if length < wanted - _SHORTER_S * task.sample_rate:
            note = note or f"{self._server.host} made less than was asked for."
            wanted = length
        parts = {name: _fitted(part, wanted) for name, part in parts.items()}
        if task.master and delivery.get("master") is False:
            parts = _mastered(parts, task.sample_rate)
        mix = parts.pop("mix")
        try:
            return Music(
                mix=mix,
                stems=parts,
                sample_rate=task.sample_rate,
                tempo=int(facts.get("tempo") or 0),
                beats_per_bar=max(1, int(recipe.get("beats_per_bar", 4))),
                key=one_line(str(facts.get("key") or "")),
                sections=tuple(_section(each) for each in recipe.get("sections") or ()),
                beat_offset_s=float(recipe.get("beat_offset_s", 0.0)),
                details=self._details(facts, recipe),
                note=note,
            )
        except (TypeError, ValueError, KeyError) as error:
            raise _no_studio(self._server) from error

    def _read(self, path: Path, sample_rate: int) -> Audio:
        audio, rate = read_audio(path)
        if rate != sample_rate:
            import soxr

            audio = soxr.resample(audio, rate, sample_rate, quality="VHQ")
        if audio.ndim != 2 or audio.shape[1] != 2 or not len(audio):
            raise _no_studio(self._server)
        return np.ascontiguousarray(audio, np.float32)

    def _details(self, facts: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, object]:
        """What is known there of how it was made, as if it were known here; and where that was."""
        told = {
            "host": self._server.host,
            "engine": self._engine,
            "track": facts.get("id"),
            **{name: dict(_part(recipe, name)) for name in ("delivery", "contract", "versions", "timings")},
        }
        details = dict(_part(recipe, "details")) | {"model": str(facts.get("model") or ""), "server": told}
        exact = recipe.get("tempo_exact")
        if isinstance(exact, int | float) and exact != facts.get("tempo"):
            details["tempo_exact"] = float(exact)
        return details | {"separation": _separated(recipe)}


def _bars(task: MusicTask) -> int | None:
    """The whole bars of its tempo that a take was asked for in; None where it was seconds."""
    bar_s = Grid(float(task.tempo), task.reading.beats_per_bar).bar_s
    bars = round(task.duration_s / bar_s)
    counted = math.isclose(task.duration_s, bars * bar_s, abs_tol=1e-6)
    return bars if counted and (task.controls.loop or not task.duration_s.is_integer()) else None


def _part(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = recipe.get(name)
    return part if isinstance(part, Mapping) else {}


def _separated(recipe: Mapping[str, Any]) -> dict[str, object]:
    """Where the stems were separated, what separated them, as a recipe of this studio has it; else nothing."""
    told = _part(recipe, "separation")
    if not told:
        return {}
    words = {name: one_line(str(told.get(name) or "")) for name in ("separator", "title", "licence")}
    parts = {"details": dict(_part(told, "details")), "versions": dict(_part(told, "versions"))}
    # The id names a folder here: it is never another machine's.
    return {"id": secrets.token_hex(4), **words, "stems": list(STEMS), **parts, "seconds": dict(_part(told, "seconds"))}


def _section(told: Mapping[str, Any]) -> Section:
    return Section(one_line(str(told["name"])), int(told["bar"]) - 1, float(told["bars"]))


def _fitted(audio: Audio, frames: int) -> Audio:
    """Exactly so many frames: resampling may leave one more or less."""
    out = np.zeros((frames, 2), np.float32)
    kept = min(frames, len(audio))
    out[:kept] = audio[:kept]
    return out


def _mastered(parts: Mapping[str, Audio], sample_rate: int) -> dict[str, Audio]:
    """The mix brought to −14 LUFS, and its stems with it."""
    stems = {name: part for name, part in parts.items() if name != "mix"}
    if not stems:
        return master(parts, sample_rate)
    stems = master(stems, sample_rate)
    mix = np.zeros_like(parts["mix"])
    for stem in stems.values():
        mix += stem
    return {"mix": mix, **stems}


def _no_studio(server: Server) -> ServerUnavailable:
    return ServerUnavailable(f"The server at {server.address} answers, and not as a studio would.")


def remote(server: Server, engine: str, *, steered: bool) -> Remote:
    """The factory that listed engines name."""
    return Remote(server, engine, steered=steered)
