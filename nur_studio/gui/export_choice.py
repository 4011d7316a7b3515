"""What of a take is to be written, and what the files will be called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication

from nur_studio.audio.files import Encoding
from nur_studio.core.mix import Mix
from nur_studio.core.names import file_name
from nur_studio.core.timing import format_time
from nur_studio.core.track import Track
from nur_studio.studio import clips, exporting, scores, sessions
from nur_studio.studio.clicks import NO_CLICKS, Clicks, Lead
from nur_studio.studio.exporting import Piece
from nur_studio.studio.parts import MIX_PART

_NOWHERE = "/nowhere"  # a folder in which nothing is

What = Literal["mix", "heard", "stems", "minus", "clip", "loop", "midi", "session"]


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What to write. `mix` is None for the take as it was made; of a "minus" it is how the rest is set.

    `lanes` are the stems to write, each to a file or with `zipped` all to one; of a "minus" those to leave out,
    together or with `in_turn` one by one. Of a "clip", a "loop" and "midi" they are what it is made of; without any it
    is the mix. A clip is a `span` of frames, a loop `bars`: the first, 0-based, and how many. `clicks` come with a
    mix, stems and a `session`, which is for a kind of program.
    """

    track_id: str
    folder: Path
    what: What = "mix"
    mix: Mix | None = None
    lanes: tuple[str, ...] = ()
    in_turn: bool = False
    zipped: bool = False
    encoding: Encoding = field(default_factory=Encoding)
    clicks: Clicks = NO_CLICKS
    span: tuple[int, int] = (0, 0)
    bars: tuple[int, int] = (0, 0)
    quantise: bool = False
    session: str = ""

    @property
    def without(self) -> tuple[tuple[str, ...], ...]:
        """The lanes that each of the minus-one mixes leaves out."""
        return tuple((lane,) for lane in self.lanes) if self.in_turn else (self.lanes,)

    @property
    def parts(self) -> tuple[str, ...]:
        """What a clip, a loop or notes are of."""
        return self.lanes or (MIX_PART,)


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
    then what is in it. Raises `StudioError` where nothing would be left, or it cannot be.
    """
    if choice.what == "session":
        names = _free(lambda folder: sessions.session_paths(folder, track, choice.session), choice.folder)
        return names if choice.session == sessions.DAWPROJECT else [f"{name}/" for name in names]
    if choice.what == "midi":
        names = [scores.midi_name(track, part) for part in choice.parts]
    else:
        names = [exporting.person_name(track, label, choice.encoding) for label in _labels(track, choice)]
    archive = [file_name(track.title, track.tempo, track.key, "stems", "zip")] if choice.zipped else []
    free = _free(lambda folder: exporting.free_paths(folder, archive or names), choice.folder)
    return [*free, *names] if choice.zipped else free


def facts(track: Track, choice: ExportChoice) -> str:
    """Of what kind the files are, and how long they play: `wav, 24 bit · 44.1 kHz · 0:30.00`."""
    if choice.what == "midi":
        tempo = f"{track.exact_tempo:.6g} BPM" if track.has_tempo else ""
        return " · ".join(fact for fact in ("MIDI", tempo, format_time(track.duration_s)) if fact)
    if choice.what == "clip":
        frames = choice.span[1] - choice.span[0]
    elif choice.what == "loop":
        frames = track.grid.bar_frames(choice.bars[1], track.sample_rate)
    else:
        frames = Lead(track, choice.clicks).track.frames
    encoding = choice.encoding
    quality = next(text for text, other in qualities()[encoding.format] if other == encoding)
    kind = _tr("wav, 24 bit") if choice.what == "session" else f"{encoding.format}, {quality}"
    pieces = [kind, f"{track.sample_rate / 1000:g} kHz", format_time(frames / track.sample_rate)]
    if choice.what == "loop":
        pieces.append(_tr("{n} frames").format(n=frames))
    return " · ".join(pieces)


def _free(paths_in: Callable[[Path], list[Path]], folder: Path) -> list[str]:
    """The names in `folder`, or if that can be no place for files as they would be: the writing says so in a
    sentence.
    """
    try:
        paths = paths_in(folder)
    except (OSError, ValueError):
        paths = paths_in(Path(_NOWHERE))
    return [path.name for path in paths]


def _labels(track: Track, choice: ExportChoice) -> list[str]:
    pieces = _pieces(track, choice)
    if choice.what == "clip":
        return [clips.clip_label(track, *choice.span, piece) for piece in pieces]
    if choice.what == "loop":
        return [clips.loop_label(*choice.bars, piece) for piece in pieces]
    click = Lead(track, choice.clicks).click_label(pieces)
    return [*(piece.label for piece in pieces), *([click] if click else [])]


def _pieces(track: Track, choice: ExportChoice) -> list[Piece]:
    if choice.what == "heard":
        return [exporting.as_heard(track, choice.mix or Mix())]
    if choice.what == "stems":
        return [exporting.part(lane) for lane in choice.lanes]
    if choice.what == "minus":
        return [exporting.minus(track, stems) for stems in choice.without]
    return exporting.pieces_of(track, choice.parts, exporting.mix_of(track, choice.mix))


def _tr(text: str) -> str:
    return QCoreApplication.translate("ExportDialog", text)
