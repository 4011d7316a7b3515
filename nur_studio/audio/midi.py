"""Standard MIDI files: tempo, metre, key and sections in a first track, then a track for every line of notes.

Ticks are 1/960 of a beat: a note stands within half of one (0.26 ms at 120 BPM) of its place, and never drifts from the
beat. MIDI counts tempo in whole microseconds a beat: against the audio's own grid that is at most half a microsecond a
beat, less than 0.6 ms after 300 s at 220 BPM, and nothing where 60,000,000 is a multiple of the tempo (96, 100, 120 …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.audio.whole import replacing
from nur_studio.core.keys import signature
from nur_studio.core.names import one_line
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote

if TYPE_CHECKING:
    from mido import MetaMessage, MidiTrack

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
