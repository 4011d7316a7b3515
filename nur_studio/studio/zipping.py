"""The parts of a take in one zip file: whole under its name, or not there at all."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from nur_studio.audio.files import Encoding
from nur_studio.audio.whole import system_fault, workspace_beside
from nur_studio.core.names import file_name
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.track import Track
from nur_studio.studio.clicks import Clicks, Lead
from nur_studio.studio.exporting import Piece, free_paths, is_folder, person_name
from nur_studio.studio.parts import master

_BLOCK = 1 << 20


def export_zip(
    track: Track,
    target: Path,
    pieces: Sequence[Piece],
    encoding: Encoding,
    clicks: Clicks,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Path:
    """Write `pieces`, and their `clicks`, as one zip, its files under their names for people; where it is.

    A folder as `target` gets a new name, never an old file's; a file is replaced in one step. Files are stored as they
    are: deflating a wav takes ten times as long and saves little, flac saves more. Beside the zip the disk holds one of
    its files at a time.
    Raises `StudioError` and `Cancelled`; then there is nothing new.
    """
    for piece in pieces:
        master(track, piece.part)
    lead = Lead(track, clicks)
    click = lead.click_label(pieces)
    labels = [*(piece.label for piece in pieces), *([click] if click else [])]
    if is_folder(target):
        (target,) = free_paths(target, [file_name(track.title, track.tempo, track.key, "stems", "zip")])
    with workspace_beside(target) as workspace:
        packed = workspace / "packed.zip"
        try:
            with packed.open("xb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    for index, label in enumerate(labels):
                        share = ranged(on_progress, index / len(labels), (index + 1) / len(labels))
                        source, writing = workspace / person_name(track, label, encoding), ranged(share, 0.0, 0.8)
                        if index == len(pieces):
                            lead.write_clicks(source, encoding, writing, cancel)
                        else:
                            lead.write(pieces[index], source, encoding, writing, cancel, counted=not click)
                        _pack(archive, source, ranged(share, 0.8, 1.0), cancel)
                        source.unlink()
                file.flush()
                os.fsync(file.fileno())
            cancel.check()
            packed.replace(target)
        except OSError as error:
            raise system_fault(error, "written", target) from error
    return target


def _pack(archive: zipfile.ZipFile, source: Path, on_progress: OnProgress, cancel: Cancel) -> None:
    info = zipfile.ZipInfo(source.name, time.localtime()[:6])
    info.external_attr = 0o644 << 16
    info.file_size = source.stat().st_size  # what tells zipfile when 32 bits do not suffice
    done = 0
    with source.open("rb") as reading, archive.open(info, "w") as writing:
        while block := reading.read(_BLOCK):
            cancel.check()
            writing.write(block)
            done += len(block)
            on_progress(Progress("packing", done / info.file_size))
