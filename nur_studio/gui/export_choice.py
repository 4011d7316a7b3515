"""What of a take is to be written, and what the files will be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication

from nur_studio.audio.files import Encoding
from nur_studio.core.mix import Mix
from nur_studio.core.names import file_name
from nur_studio.core.track import Track
from nur_studio.studio import exporting
from nur_studio.studio.parts import MIX_PART

What = Literal["mix", "heard", "stems", "minus"]


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What to write. `mix` is None for the take as it was made; of a "minus" it is how the rest is set.

    `lanes` are the stems to write, each to a file or with `zipped` all to one; of a "minus" those to leave out,
    together or with `in_turn` one by one.
    """

    track_id: str
    folder: Path
    what: What = "mix"
    mix: Mix | None = None
    lanes: tuple[str, ...] = ()
    in_turn: bool = False
    zipped: bool = False
    encoding: Encoding = field(default_factory=Encoding)

    @property
    def without(self) -> tuple[tuple[str, ...], ...]:
        """The lanes that each of the minus-one mixes leaves out."""
        return tuple((lane,) for lane in self.lanes) if self.in_turn else (self.lanes,)


def balance(mix: Mix) -> Mix:
    """The gains and pans of a mix: what is left out of a minus-one is said there, not by mutes and solos."""
    return mix.unmuted().unsoloed()


def qualities() -> dict[str, list[tuple[str, Encoding]]]:
    """By format, what it can be written as, in words, the usual first."""
    bits = {"PCM_24": _tr("24 bit"), "PCM_16": _tr("16 bit, dithered"), "FLOAT": _tr("32 bit float")}
    oggs = ((0.7, _tr("high")), (0.9, _tr("very high")), (0.4, _tr("small")))
    return {
        "wav": [(text, Encoding("wav", subtype)) for subtype, text in bits.items()],
        "flac": [(bits[subtype], Encoding("flac", subtype)) for subtype in ("PCM_24", "PCM_16")],
        "mp3": [(_tr("{k} kbit/s").format(k=k), Encoding("mp3", mp3_kbps=k)) for k in (320, 256, 192, 128)],
        "ogg": [(text, Encoding("ogg", ogg_quality=quality)) for quality, text in oggs],
    }


def told_names(track: Track, choice: ExportChoice) -> list[str]:
    """The files as they will be called in the folder that was chosen, where old ones keep their names; a zip first,
    then what is in it. Raises `StudioError` where nothing would be left.
    """
    ending = choice.encoding.format
    names = [file_name(track.title, track.tempo, track.key, label, ending) for label in _labels(track, choice)]
    archive = [file_name(track.title, track.tempo, track.key, "stems", "zip")] if choice.zipped else []
    try:
        free = [path.name for path in exporting.free_paths(choice.folder, archive or names)]
    except (OSError, ValueError):  # no place for files: the writing says so in a sentence
        free = archive or names
    return [*free, *names] if choice.zipped else free


def _labels(track: Track, choice: ExportChoice) -> list[str]:
    if choice.what == "heard":
        return [exporting.as_heard(track, choice.mix or Mix()).label]
    if choice.what == "stems":
        return list(choice.lanes)
    if choice.what == "minus":
        return [exporting.minus(track, stems).label for stems in choice.without]
    return [MIX_PART]


def _tr(text: str) -> str:
    return QCoreApplication.translate("ExportDialog", text)
