"""Standard MIDI files, written and read back: tempo, metre, key and sections in a first track, then one for every line.

Ticks are 1/960 of a beat: a note stands within half of one (0.26 ms at 120 BPM) of its place, and never drifts from the
beat. MIDI counts tempo in whole microseconds a beat: against the audio's own grid that is at most half a microsecond a
beat, less than 0.6 ms after 300 s at 220 BPM, and nothing where 60,000,000 is a multiple of the tempo (96, 100, 120 …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.audio.whole import replacing, system_fault
from nur_studio.core.errors import FileProblem
from nur_studio.core.keys import signature
from nur_studio.core.names import one_line
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.timing import Section

if TYPE_CHECKING:
    from mido import MetaMessage, MidiFile, MidiTrack

TICKS_PER_BEAT = 960

_DRUM_CHANNEL = 9  # counted from 0: General MIDI's channel 10
_MELODY_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_OFF, _ON = 0, 1  # where both fall on one tick, the key goes up first


def write_midi(path: Path, sheet: NoteSheet) -> None:
    """Write `sheet` as a MIDI file of format 1, whole or not at all. Tick 0 is beat 0 of bar 1. Raises `FileProblem`.

    Names are in UTF-8. Drums go on channel 10, every other line on a channel of its own; past fifteen of them, lines
    go to further ports of sixteen channels. A note lasts a tick at least, and ends where its key is struck anew.
    """
    from mido import MidiFile

    file = MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    end = max([_tick(sheet.beats), *(_tick(n.beat + n.duration) for line in sheet.lines for n in line.notes)])
    file.tracks.append(_conductor(sheet, end))
    melodies = 0
    for line in sheet.lines:
        port, place = (0, 0) if line.drums else divmod(melodies, len(_MELODY_CHANNELS))
        melodies += not line.drums
        channel = _DRUM_CHANNEL if line.drums else _MELODY_CHANNELS[place]
        file.tracks.append(_track(line, channel, port, end))
    with replacing(path) as target:
        file.save(file=target)


def read_midi(path: Path) -> NoteSheet:
    """The sheet that `write_midi` wrote to `path`, its notes to the tick, by their start.

    `key` is "": a signature is that of several keys. Raises `FileProblem` where it is no such file.
    """
    from mido import MidiFile

    try:
        with path.open("rb") as opened:
            file = MidiFile(file=opened, charset="utf-8")
        return _sheet(file)
    except OSError as error:
        if error.errno is not None:
            raise system_fault(error, "read", path) from error
        raise _no_sheet(path) from error  # so mido says that it is no MIDI file
    except (ValueError, LookupError, EOFError) as error:
        raise _no_sheet(path) from error


def _no_sheet(path: Path) -> FileProblem:
    return FileProblem(f"“{path.name}” is damaged or no MIDI file of the studio's.")


def _sheet(file: MidiFile) -> NoteSheet:
    from mido import tempo2bpm

    said = {message.type: message for message in file.tracks[0]}
    if file.ticks_per_beat != TICKS_PER_BEAT:
        raise ValueError(f"{file.ticks_per_beat} ticks a beat")
    beats_per_bar = int(said["time_signature"].numerator)
    beats = sum(message.time for message in file.tracks[0]) / TICKS_PER_BEAT
    now, starts = 0, []
    for message in file.tracks[0]:
        now += message.time
        if message.type == "marker":
            starts.append((now // (TICKS_PER_BEAT * beats_per_bar), message.text))
    ends = [*(float(bar) for bar, _ in starts[1:]), beats / beats_per_bar]
    sections = tuple(Section(name, bar, end - bar) for (bar, name), end in zip(starts, ends, strict=False))
    return NoteSheet(
        title=said["track_name"].name,
        tempo=float(tempo2bpm(said["set_tempo"].tempo)),
        beats_per_bar=beats_per_bar,
        beats=beats,
        lines=tuple(_line(track) for track in file.tracks[1:]),
        sections=sections,
        remark=said["text"].text if "text" in said else "",
    )


def _line(track: MidiTrack) -> NoteLine:
    said = {message.type: message for message in track}
    now, sounding, notes = 0, {}, []
    for message in track:
        now += message.time
        if message.type == "note_on":
            sounding[message.note] = (now, message.velocity / 127.0)
        elif message.type == "note_off":
            start, velocity = sounding.pop(message.note)
            beat, length = start / TICKS_PER_BEAT, (now - start) / TICKS_PER_BEAT
            notes.append(PlayedNote(beat, length, message.note, velocity))
    return NoteLine(
        name=said["track_name"].name,
        stem=said["instrument_name"].name if "instrument_name" in said else "",
        program=said["program_change"].program,
        notes=tuple(sorted(notes, key=lambda note: (note.beat, note.pitch))),
        drums=said["program_change"].channel == _DRUM_CHANNEL,
    )


def _conductor(sheet: NoteSheet, end: int) -> MidiTrack:
    from mido import MetaMessage, bpm2tempo

    events: list[tuple[int, MetaMessage]] = [
        (0, MetaMessage("track_name", name=one_line(sheet.title))),
        (0, MetaMessage("set_tempo", tempo=bpm2tempo(sheet.tempo))),
        (0, MetaMessage("time_signature", numerator=sheet.beats_per_bar, denominator=4)),
    ]
    if sheet.remark:
        events.append((0, MetaMessage("text", text=one_line(sheet.remark))))
    key = signature(sheet.key)
    if key:
        events.append((0, MetaMessage("key_signature", key=key)))
    events += [
        (_tick(section.start_bar * sheet.beats_per_bar), MetaMessage("marker", text=one_line(section.name)))
        for section in sheet.sections
    ]
    return _in_order(events, end)


def _track(line: NoteLine, channel: int, port: int, end: int) -> MidiTrack:
    from mido import Message, MetaMessage

    opening = [MetaMessage("track_name", name=one_line(line.name))]
    if line.stem:
        opening.append(MetaMessage("instrument_name", name=one_line(line.stem)))
    if port:
        opening.append(MetaMessage("midi_port", port=port))
    opening.append(Message("program_change", channel=channel, program=line.program))
    events = [(0, message) for message in opening]
    for tick, kind, pitch, velocity in sorted(_strokes(line.notes)):
        name = "note_on" if kind == _ON else "note_off"
        events.append((tick, Message(name, channel=channel, note=pitch, velocity=velocity)))
    return _in_order(events, end)


def _strokes(notes: Iterable[PlayedNote]) -> Iterator[tuple[int, int, int, int]]:
    """(tick, on or off, pitch, velocity) of every key. Two strokes of a key on one tick are one, the louder."""
    by_key: dict[int, dict[int, PlayedNote]] = {}
    for note in notes:
        struck = by_key.setdefault(note.pitch, {})
        tick = max(0, _tick(note.beat))
        if tick not in struck or struck[tick].velocity < note.velocity:
            struck[tick] = note
    for pitch, struck in by_key.items():
        starts = sorted(struck)
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            note = struck[start]
            stop = max(start + 1, _tick(note.beat + note.duration))
            yield start, _ON, pitch, min(127, max(1, round(note.velocity * 127)))
            yield stop if following is None else min(stop, following), _OFF, pitch, 0


def _in_order(events: Iterable[tuple[int, MetaMessage]], end: int) -> MidiTrack:
    """A track of these events, which are in order of their ticks, ending with the piece."""
    from mido import MetaMessage, MidiTrack

    track, now = MidiTrack(), 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=max(0, end - now)))
    return track


def _tick(beat: float) -> int:
    return round(beat * TICKS_PER_BEAT)
