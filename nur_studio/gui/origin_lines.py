"""Where a track came from that no engine made: a file, or two other tracks; in words for the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from nur_studio.core.track import Track
from nur_studio.gui.amounts import size
from nur_studio.gui.lane_names import lane_title
from nur_studio.studio.parts import MIX_PART, PARTS

_SHORT_DIGEST = 16


def origin_lines(track: Track) -> list[tuple[str, str]]:
    """(name, text); recipes come from the disk, so anything may be missing."""
    imported, combined = track.recipe.get("imported"), track.recipe.get("combined")
    if isinstance(imported, Mapping):
        return [
            (_tr("File"), _text(imported, "name")),
            (_tr("It held"), _held(imported)),
            (_tr("SHA-256"), f"{_text(imported, 'sha256')[:_SHORT_DIGEST]}…" if _text(imported, "sha256") else ""),
        ]
    if isinstance(combined, Mapping):
        track_, other = _part(combined, "track"), _part(combined, "other")
        return [
            (_tr("Combined"), _combined(combined, _text(track_, "title"), _text(other, "title"))),
            (_tr("Fitted"), _fitted(combined)),
            (_tr("Made with"), "\n".join(line for line in (_made_with(track_), _made_with(other)) if line)),
        ]
    return []


def _held(imported: Mapping[str, Any]) -> str:
    amount, rate, channels = (imported.get(key) for key in ("bytes", "sample_rate", "channels"))
    facts = [
        size(amount) if isinstance(amount, int) else "",
        _text(imported, "container"),
        _tr("{rate} Hz").format(rate=f"{rate:,}") if isinstance(rate, int) else "",
    ]
    if isinstance(channels, int):
        usual = {1: _tr("mono"), 2: _tr("stereo")}
        facts.append(usual.get(channels, _tr("{n} channels").format(n=channels)))
    return " · ".join(fact for fact in facts if fact)


def _combined(combined: Mapping[str, Any], track: str, other: str) -> str:
    stem, into = _text(combined, "stem"), _text(combined, "into")
    what = _tr("all of “{title}”") if stem == MIX_PART else _tr("the {stem} of “{title}”")
    way = _tr("“{track}” with {what} on top of its {lane}")
    if combined.get("layer") is not True:
        way = _tr("“{track}” with {what} in place of its {lane}")
    return way.format(track=track, what=what.format(stem=_lane(stem), title=other), lane=_lane(into))


def _fitted(combined: Mapping[str, Any]) -> str:
    meets = {"downbeat": _tr("downbeat on downbeat"), "start": _tr("from the start")}
    facts = [meets.get(_text(combined, "aligned"), "")]
    facts += [_tr("repeated by whole bars")] if combined.get("repeat") is True else []
    ratio = combined.get("stretched")
    if isinstance(ratio, int | float) and ratio != 1.0:
        facts.append(_tr("stretched to {percent} %").format(percent=f"{ratio * 100:.4g}"))
    return ", ".join(fact for fact in facts if fact)


def _made_with(origin: Mapping[str, Any]) -> str:
    maker = _text(origin, "model") or _text(origin, "engine")
    facts = [fact for fact in (maker, _text(origin, "licence")) if fact]
    return f"“{_text(origin, 'title')}”: {' · '.join(facts)}" if facts else ""


def _lane(name: str) -> str:
    return lane_title(name).lower() if name in PARTS else name


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(whole: Mapping[str, Any], name: str) -> str:
    value = whole.get(name)
    return value.strip() if isinstance(value, str) else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("RecipeCard", text)
