"""DAWproject: one file with mix, markers, tempo and the sound itself, which Bitwig, Studio One and Cubase open.

The format is Bitwig's and PreSonus' (github.com/bitwig/dawproject, version 1.0): a zip of project.xml, metadata.xml and
the audio.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import nur_studio
from nur_studio.audio.files import audio_channels
from nur_studio.audio.session import Session, SessionTrack
from nur_studio.audio.whole import replacing, system_fault
from nur_studio.core.mix import to_linear
from nur_studio.core.names import one_line, safe_file_stem
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress

_BLOCK = 1 << 20
_LOUDEST = 2.0  # +6 dB, the top of the studio's faders, as the format's own example has it
_NO_XML = {0xFFFE: None, 0xFFFF: None}


def write_dawproject(
    path: Path, session: Session, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
) -> None:
    """Write `session` with the audio of its tracks in it, whole or not at all. Raises `FileProblem` and `Cancelled`.

    Audio is warped to the beat by two points, its first and last frame: it plays as it is at the session's tempo, and
    follows where that is changed. Where the audio has no tempo it lies in seconds, and follows none.
    """
    cancel = cancel or CancelToken()
    names = _names_inside([track.file for track in session.tracks])
    project, metadata = _project(session, names), _metadata(session)
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.xml", _xml(project))
        archive.writestr("metadata.xml", _xml(metadata))
        total, done = max(1, sum(_size(track.file) for track in session.tracks)), 0
        for track, name in zip(session.tracks, names, strict=True):
            for length in _store(archive, track.file, name):
                cancel.check()
                done += length
                on_progress(Progress("packing", min(1.0, done / total)))


def _project(session: Session, names: Sequence[str]) -> Element:
    project = Element("Project", version="1.0")
    SubElement(project, "Application", name="NUR Studio", version=nur_studio.__version__)
    transport = SubElement(project, "Transport")
    _real(transport, "Tempo", session.tempo, "bpm", 20.0, 666.0, "tempo")
    SubElement(transport, "TimeSignature", id="metre", numerator=str(session.beats_per_bar), denominator="4")
    structure = SubElement(project, "Structure")
    for number, track in enumerate(session.tracks, 1):
        strip = SubElement(
            structure, "Track", id=f"track{number}", name=_text(track.name), contentType="audio", loaded="true"
        )
        if track.color:
            strip.set("color", track.color)
        _channel(strip, f"channel{number}", track, "regular", "master")
    master = SubElement(structure, "Track", id="mastertrack", name="Master", contentType="audio notes", loaded="true")
    _channel(master, "master", SessionTrack("Master", Path(), gain_db=session.master_db), "master")
    arrangement = SubElement(project, "Arrangement", id="arrangement")
    lanes = SubElement(arrangement, "Lanes", id="lanes", timeUnit="beats" if session.has_tempo else "seconds")
    for number, (track, name) in enumerate(zip(session.tracks, names, strict=True), 1):
        lane = SubElement(lanes, "Lanes", id=f"lane{number}", track=f"track{number}")
        clips = SubElement(lane, "Clips", id=f"clips{number}")
        if session.has_tempo:
            _clip(clips, number, session, track, name)
        else:
            _loose_clip(clips, number, session, track, name)
    if session.markers:
        markers = SubElement(arrangement, "Markers", id="markers", timeUnit="beats")
        for marker in session.markers:
            SubElement(markers, "Marker", time=_number(session.beat_of(marker)), name=_text(marker.name))
    return project


def _channel(parent: Element, name: str, strip: SessionTrack, role: str, destination: str = "") -> None:
    channel = SubElement(parent, "Channel", id=name, role=role, audioChannels="2", solo=_truth(strip.solo))
    if destination:
        channel.set("destination", destination)
    SubElement(channel, "Mute", id=f"{name}-mute", name="Mute", value=_truth(strip.mute))
    _real(channel, "Pan", (strip.pan + 1.0) / 2.0, "normalized", 0.0, 1.0, f"{name}-pan")
    _real(channel, "Volume", to_linear(strip.gain_db), "linear", 0.0, _LOUDEST, f"{name}-volume")


def _clip(clips: Element, number: int, session: Session, track: SessionTrack, name: str) -> None:
    """The whole file as one clip; within it the file itself, tied to the beat at both ends."""
    length = _number(session.duration_beats)
    outer = SubElement(
        clips, "Clip", name=_text(track.name), time=_number(session.start_beat), duration=length, playStart="0.0"
    )
    inner = SubElement(
        SubElement(outer, "Clips", id=f"content{number}"),
        "Clip", time="0.0", duration=length, playStart="0.0", contentTimeUnit="beats",
    )  # fmt: skip
    warps = SubElement(inner, "Warps", id=f"warps{number}", timeUnit="beats", contentTimeUnit="seconds")
    _audio(warps, number, session, track, name, "stretch")
    SubElement(warps, "Warp", time="0.0", contentTime="0.0")
    SubElement(warps, "Warp", time=length, contentTime=_number(session.duration_s))


def _loose_clip(clips: Element, number: int, session: Session, track: SessionTrack, name: str) -> None:
    """The whole file as one clip in seconds, which no tempo moves or stretches."""
    clip = SubElement(
        clips, "Clip", name=_text(track.name), time="0.0", duration=_number(session.duration_s), playStart="0.0",
        contentTimeUnit="seconds",
    )  # fmt: skip
    _audio(clip, number, session, track, name, "raw")


def _audio(parent: Element, number: int, session: Session, track: SessionTrack, name: str, algorithm: str) -> None:
    audio = SubElement(
        parent, "Audio", id=f"audio{number}", duration=_number(session.duration_s),
        sampleRate=str(session.sample_rate), channels=str(audio_channels(track.file)), algorithm=algorithm,
    )  # fmt: skip
    SubElement(audio, "File", path=name)


def _metadata(session: Session) -> Element:
    metadata = Element("MetaData")
    comment = " · ".join(text for text in (session.key, session.remark, session.comment) if text)
    said = {"Title": session.title, "Genre": session.genre, "Copyright": session.licence, "Comment": comment}
    for name, text in said.items():
        if text:
            SubElement(metadata, name).text = _text(text)
    return metadata


def _real(parent: Element, name: str, value: float, unit: str, low: float, high: float, identity: str) -> None:
    SubElement(
        parent, name, id=identity, name=name, unit=unit, value=_number(value), min=_number(low), max=_number(high)
    )


def _names_inside(files: Iterable[Path]) -> list[str]:
    """`audio/drums.wav`: the files' own names, numbered where two are the same on some file system."""
    taken: set[str] = set()
    names = []
    for file in files:
        stem, number = safe_file_stem(file.stem), 1
        name = PurePath(f"{stem}{file.suffix}")
        while name.name.casefold() in taken:
            number += 1
            name = PurePath(f"{stem} {number}{file.suffix}")
        taken.add(name.name.casefold())
        names.append(f"audio/{name.name}")
    return names


def _store(archive: zipfile.ZipFile, source: Path, name: str) -> Iterable[int]:
    """Copy a file in, uncompressed, telling the bytes of every block. What cannot be read is the source's fault."""
    try:
        entry = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
        file = source.open("rb")
    except OSError as error:
        raise system_fault(error, "read", source) from error
    entry.compress_type = zipfile.ZIP_STORED
    with file, archive.open(entry, "w") as target:
        while True:
            try:
                block = file.read(_BLOCK)
            except OSError as error:
                raise system_fault(error, "read", source) from error
            if not block:
                return
            target.write(block)
            yield len(block)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise system_fault(error, "read", file) from error


def _xml(root: Element) -> bytes:
    indent(root)
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True))


def _text(text: str) -> str:
    return one_line(text).translate(_NO_XML)


def _number(value: float) -> str:
    return repr(float(value))


def _truth(value: bool) -> str:
    return "true" if value else "false"
