"""REAPER projects (.rpp): plain text that names the audio files lying beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nur_studio
from nur_studio.audio.session import Session, SessionTrack
from nur_studio.audio.whole import replacing
from nur_studio.core.mix import to_linear
from nur_studio.core.names import one_line

_SOURCES = {".wav": "WAVE", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS"}
_OWN_COLOR = 0x1000000  # without this bit REAPER takes its theme's


def write_reaper(path: Path, session: Session) -> None:
    """Write `session` as a REAPER project, whole or not at all. Files below its folder are named relative to it, so
    that the folder can be moved; others by their full path. Raises `FileProblem`.
    """
    text = "\n".join(_lines(session, path.parent)) + "\n"
    with replacing(path) as file:
        file.write(text.encode())


def _lines(session: Session, folder: Path) -> Iterator[str]:
    yield f'<REAPER_PROJECT 0.1 "7.0/NUR Studio {nur_studio.__version__}" 0'
    yield f"  TITLE {_quoted(session.title)}"
    said = (session.key, session.remark, session.genre, session.licence, session.comment)
    notes = [line for line in said if line]
    if notes:
        yield "  <NOTES 0 2"
        yield from (f"    |{one_line(note)}" for note in notes)
        yield "  >"
    yield "  PANLAW 1"  # 0 dB in the middle, as the studio's own balance
    yield "  PANMODE 3"
    yield f"  TIMEMODE {1 if session.has_tempo else 0} 5 -1 30 0 0 -1"  # the ruler counts bars, or minutes
    yield f"  SAMPLERATE {session.sample_rate} 1 0"
    yield f"  TEMPO {_number(session.tempo)} {session.beats_per_bar} 4"
    yield f"  MASTER_VOLUME {_number(to_linear(session.master_db))} 0 -1 -1 1"
    for number, marker in enumerate(session.markers, 1):
        place = session.beat_of(marker) * session.grid.beat_s
        yield f"  MARKER {number} {_number(place)} {_quoted(marker.name)} 0"
    for track in session.tracks:
        yield from _track(session, track, folder)
    yield ">"


def _track(session: Session, track: SessionTrack, folder: Path) -> Iterator[str]:
    yield "  <TRACK"
    yield f"    NAME {_quoted(track.name)}"
    if track.color:
        red, green, blue = (int(track.color[place : place + 2], 16) for place in (1, 3, 5))
        yield f"    PEAKCOL {_OWN_COLOR | blue << 16 | green << 8 | red}"
    yield f"    VOLPAN {_number(to_linear(track.gain_db))} {_number(track.pan)} -1 -1 1"
    yield f"    MUTESOLO {int(track.mute)} {int(track.solo)} 0"
    if not session.has_tempo:
        yield "    BEAT 0"  # its items stay where they are in time, whatever the tempo
    yield "    NCHAN 2"
    yield "    <ITEM"
    yield f"      POSITION {_number(session.start_beat * session.grid.beat_s)}"
    yield f"      LENGTH {_number(session.duration_s)}"
    yield "      LOOP 0"
    yield f"      NAME {_quoted(track.name)}"
    yield f"      <SOURCE {_SOURCES.get(track.file.suffix.lower(), 'WAVE')}"
    yield f"        FILE {_quoted(_place(track.file, folder))}"
    yield "      >"
    yield "    >"
    yield "  >"


def _place(file: Path, folder: Path) -> str:
    absolute = file.absolute()  # not resolved: a link is where the person put it
    base = folder.absolute()
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else str(absolute)


def _quoted(text: str) -> str:
    """REAPER's strings have no escapes, but three kinds of quotes: the first that is not in the text is taken."""
    plain = one_line(text)
    quote = next((mark for mark in "\"'`" if mark not in plain), "`")
    return quote + (plain.replace("`", "'") if quote == "`" else plain) + quote


def _number(value: float) -> str:
    """At most 15 digits, never an exponent, which REAPER does not read."""
    return f"{value:.12f}".rstrip("0").rstrip(".")
