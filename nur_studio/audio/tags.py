"""What a file for people says of itself, in the words each format has for it: the one place where tags are written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from nur_studio.audio import wav_chunks
from nur_studio.core.keys import initial_key, tonic
from nur_studio.core.names import one_line
from nur_studio.core.timing import Marker

if TYPE_CHECKING:
    from mutagen.id3 import ID3

_ID3_VERSION = 3  # ID3v2.3: everything that reads 2.4 reads it, Windows and older samplers read nothing newer


@dataclass(frozen=True, slots=True)
class FileTags:
    """What is known of the sound in a file; what is empty or None is not written.

    `bpm` counts quarter notes and `beats` how many of them the file holds (None: as many as its length comes to).
    `key` is the studio's spelling (`A minor`); `origin` says where it is from if no engine made it, `note` what else
    has to be said. `loop` is (start, end) in frames, end just behind the last; a file with one is a loop, one that is
    `one_shot` has no beat, any other is a piece. `markers`, in frames, go into WAV alone, which is the format of sounds
    that are worked on.
    """

    title: str = ""
    artist: str = ""
    bpm: float | None = None
    key: str = ""
    genre: str = ""
    prompt: str = ""
    engine: str = ""
    licence: str = ""
    seed: int | None = None
    software: str = ""
    made_at: datetime | None = None
    beats: int | None = None
    beats_per_bar: int = 4
    markers: tuple[Marker, ...] = ()
    loop: tuple[int, int] | None = None
    one_shot: bool = False
    origin: str = ""
    note: str = ""

    @property
    def comment(self) -> str:
        """All that has no field of its own in most programs, above all the licence, in one line."""
        said = [
            one_line(self.origin) or (f"Made with {one_line(self.engine)}" if self.engine else ""),
            f"Licence: {one_line(self.licence)}" if self.licence else "",
            one_line(self.note),
            f"Seed {self.seed}" if self.seed is not None else "",
            f"Prompt: {one_line(self.prompt)}" if self.prompt else "",
        ]
        return " · ".join(part for part in said if part)


def stamp(file: BinaryIO, format_: str, tags: FileTags, sample_rate: int, frames: int) -> None:
    """Write `tags` into a finished file of `frames` frames that is open, unbuffered, for reading and writing.

    `format_` is wav, flac, ogg or mp3. The sound stays as it is, bit for bit. Raises `OSError` where the disk refuses.
    """
    # What is unbuffered may write a part of what it is given, which mutagen does not look at.
    buffered = io.BufferedRandom(cast(io.RawIOBase, file))
    try:
        if format_ == "wav":
            wav_chunks.insert_before_sound(buffered, _chunks(tags, sample_rate, frames))
        else:
            _with_mutagen(buffered, format_, tags)
        buffered.flush()
    finally:
        buffered.detach()


def _with_mutagen(file: BinaryIO, format_: str, tags: FileTags) -> None:
    # Here, not at the top: only files for people need it, and the window starts without.
    from mutagen import MutagenError

    try:
        if format_ == "mp3":
            file.seek(0)
            _id3(tags).save(file, v1=0, v2_version=_ID3_VERSION)
        elif format_ == "flac":
            from mutagen.flac import FLAC

            file.seek(0)
            flac = FLAC(file)
            flac.update(_comments(tags))
            file.seek(0)
            flac.save(file)
        elif format_ == "ogg":
            from mutagen.oggvorbis import OggVorbis

            file.seek(0)
            ogg = OggVorbis(file)
            ogg.update(_comments(tags))
            file.seek(0)
            ogg.save(file)
        else:
            raise ValueError(f"{format_!r} has no tags")
    except MutagenError as error:
        if error.args and isinstance(error.args[0], OSError):  # mutagen wraps what the disk says
            raise error.args[0] from error
        raise


def _chunks(tags: FileTags, sample_rate: int, frames: int) -> bytes:
    """Everything a WAV file can say, `acid` first."""
    pitch_class = tonic(tags.key)
    root = None if pitch_class is None else wav_chunks.MIDDLE_C + pitch_class
    markers = [Marker(one_line(m.name), m.frame) for m in tags.markers if 0 <= m.frame < max(1, frames)]
    pieces = []
    if tags.bpm:
        beats = tags.beats if tags.beats is not None else round(frames / sample_rate * tags.bpm / 60.0)
        pieces.append(
            wav_chunks.acid(
                tags.bpm, beats, tags.beats_per_bar, root, loop=tags.loop is not None, one_shot=tags.one_shot
            )
        )
    if tags.loop is not None:
        pieces.append(wav_chunks.smpl(sample_rate, tags.loop, root))
    if markers:
        pieces += [wav_chunks.cue(markers), wav_chunks.labels(markers)]
    title, software = one_line(tags.title), one_line(tags.software)
    pieces.append(wav_chunks.bext(f"{title} · {tags.comment}" if tags.comment else title, software, tags.made_at))
    info = {
        "INAM": title,
        "IART": one_line(tags.artist),
        "ICMT": tags.comment,
        "ICOP": one_line(tags.licence),
        "IGNR": one_line(tags.genre),
        "ISFT": software,
        "ICRD": _date(tags),
    }
    if any(info.values()):
        pieces.append(wav_chunks.info(info))
    id3 = io.BytesIO()
    _id3(tags).save(id3, v1=0, v2_version=_ID3_VERSION, padding=lambda _: 0)
    pieces.append(wav_chunks.chunk(b"id3 ", id3.getvalue()))
    return b"".join(pieces)


def _id3(tags: FileTags) -> ID3:
    from mutagen import id3

    utf16 = id3.Encoding.UTF16  # the one of ID3v2.3 that has all letters
    frames: dict[type[id3.TextFrame], str] = {
        id3.TIT2: one_line(tags.title),
        id3.TPE1: one_line(tags.artist),
        id3.TBPM: _bpm(tags),
        id3.TKEY: initial_key(tags.key),
        id3.TCON: one_line(tags.genre),
        id3.TCOP: one_line(tags.licence),
        id3.TSSE: one_line(tags.software),
        id3.TDRC: _date(tags),
    }
    written = id3.ID3()
    for kind, text in frames.items():
        if text:
            written.add(kind(encoding=utf16, text=[text]))
    if tags.comment:
        written.add(id3.COMM(encoding=utf16, lang="eng", desc="", text=[tags.comment]))
    for name, text in _own(tags).items():
        if text:
            written.add(id3.TXXX(encoding=utf16, desc=name, text=[text]))
    return written


def _comments(tags: FileTags) -> dict[str, str]:
    """As FLAC and Ogg Vorbis say it."""
    said = {
        "TITLE": one_line(tags.title),
        "ARTIST": one_line(tags.artist),
        "BPM": _bpm(tags),
        "INITIALKEY": initial_key(tags.key),
        "GENRE": one_line(tags.genre),
        "COMMENT": tags.comment,
        "COPYRIGHT": one_line(tags.licence),
        "SOFTWARE": one_line(tags.software),
        "DATE": _date(tags),
        **_own(tags),
    }
    return {name: text for name, text in said.items() if text}


def _own(tags: FileTags) -> dict[str, str]:
    """What no format has a field for: under names of our own, the same in all of them."""
    return {
        "PROMPT": one_line(tags.prompt),
        "ENGINE": one_line(tags.engine),
        "LICENSE": one_line(tags.licence),
        "SEED": "" if tags.seed is None else str(tags.seed),
    }


def _bpm(tags: FileTags) -> str:
    """`120`, or `119.52` where it is not whole; a one-shot has no tempo."""
    if not tags.bpm or tags.one_shot:
        return ""
    return f"{tags.bpm:.2f}".rstrip("0").rstrip(".")


def _date(tags: FileTags) -> str:
    return tags.made_at.strftime("%Y-%m-%d") if tags.made_at else ""
