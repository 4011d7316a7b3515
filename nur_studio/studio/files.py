"""The studio's use cases that hand out files: parts, mixes, zips, files to drag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nur_studio.audio.files import Encoding
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.mix import STEMS, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, ignore_progress, metered
from nur_studio.core.settings import Settings
from nur_studio.library.library import Library
from nur_studio.studio import dragging, exporting, zipping
from nur_studio.studio.clicks import NO_CLICKS, Clicks
from nur_studio.studio.parts import MIX_PART, master, parts_of


class Files:
    """A part of `Studio`, which says what its methods promise."""

    directories: Directories
    settings: Settings
    library: Library

    def export(
        self,
        track_id: str,
        target: Path,
        *,
        part: str = "mix",
        encoding: Encoding | None = None,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write a part (one of `parts_of`), or with `mix` the stems as heard, to a file; where it is.

        `target` is a file, replaced in one step, or a folder, in which no file is ever replaced.
        Without `encoding` it is the take's own format.
        """
        track = self.library.get(track_id)
        encoding = encoding or Encoding(track.output_format)
        if mix is not None and part != MIX_PART and mix != Mix():
            raise InvalidRequest("part", part, "mix where a mix of the stems is asked for")
        piece = exporting.mix_of(track, mix) if part == MIX_PART else exporting.part(part)
        return exporting.export(track, target, piece, encoding, metered(on_progress), cancel or CancelToken())

    def parts(self, track_id: str) -> tuple[str, ...]:
        """The parts a track can be had in: "mix", its lanes, and "other" wherever there are any."""
        return parts_of(self.library.get(track_id))

    def export_stems(
        self,
        track_id: str,
        folder: Path,
        encoding: Encoding | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
        *,
        parts: Sequence[str] = (),
    ) -> list[Path]:
        """Write the lanes of a track, four or six, or only `parts`, into `folder` under names for people; all of them
        or none.
        """
        track = self.library.get(track_id)
        pieces = exporting.unlike(exporting.part(name) for name in parts) or exporting.stems_of(track)
        encoding = encoding or Encoding("wav")
        return exporting.export_all(track, pieces, folder, encoding, metered(on_progress), cancel or CancelToken())

    def export_without(
        self,
        track_id: str,
        target: Path,
        stems: Sequence[str],
        encoding: Encoding | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write the mix without these stems to a file, or under a name for people into a folder; where it is."""
        track = self.library.get(track_id)
        master(track, MIX_PART)
        piece, encoding = exporting.minus(track, stems), encoding or Encoding(track.output_format)
        return exporting.export(track, target, piece, encoding, metered(on_progress), cancel or CancelToken())

    def export_minus(
        self,
        track_id: str,
        folder: Path,
        without: Sequence[Sequence[str]],
        encoding: Encoding | None = None,
        *,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """Write a mix for each of `without`, with those stems left out, into `folder`; all of them or none.

        `[("vocals",), ("drums", "bass")]` gives two files. `mix`: how the rest is set, else as it was made.
        """
        track = self.library.get(track_id)
        master(track, MIX_PART)
        pieces = exporting.unlike(exporting.minus(track, stems, mix) for stems in without)
        encoding = encoding or Encoding(track.output_format)
        return exporting.export_all(track, pieces, folder, encoding, metered(on_progress), cancel or CancelToken())

    def export_zip(
        self,
        track_id: str,
        target: Path,
        encoding: Encoding | None = None,
        *,
        parts: Sequence[str] = (),
        without: Sequence[Sequence[str]] = (),
        mix: Mix | None = None,
        clicks: Clicks = NO_CLICKS,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write one zip with `parts`, with `mix` the lanes as heard, and a mix for each of `without`; where it is.

        Without any of these it holds the lanes. `clicks` are as in `export_clicked`. `target` is a file, replaced in
        one step, or a folder.
        """
        track = self.library.get(track_id)
        master(track, MIX_PART)
        pieces = [exporting.part(name) for name in parts]
        if mix is not None:
            pieces.append(exporting.as_heard(track, mix))
        pieces += [exporting.minus(track, stems) for stems in without]
        pieces = exporting.unlike(pieces) or exporting.stems_of(track)
        encoding = encoding or Encoding("wav")
        return zipping.export_zip(
            track, target, pieces, encoding, clicks, metered(on_progress), cancel or CancelToken()
        )

    def drag_files(
        self,
        track_id: str,
        parts: Sequence[str] = STEMS,
        encoding: Encoding | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """Files of these parts to hand to another program: whole on disk, made once, there until the take is purged.

        "stems" is every lane. "midi" is the take's notes, "midi bass" those of its bass (see `export_midi`). No two
        takes have files of one name.
        """
        return self._drag(track_id, parts, encoding, None, on_progress, cancel)

    def drag_clip(
        self,
        track_id: str,
        start_frame: int,
        end_frame: int,
        parts: Sequence[str] = ("mix",),
        encoding: Encoding | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """`drag_files` of a selection: of each part the frames from `start_frame` to just before `end_frame`."""
        return self._drag(track_id, parts, encoding, (start_frame, end_frame), on_progress, cancel)

    def ready_drag_files(
        self,
        track_id: str,
        parts: Sequence[str] = STEMS,
        encoding: Encoding | None = None,
        span: tuple[int, int] | None = None,
    ) -> list[Path] | None:
        """The files `drag_files` would give, or with `span` `drag_clip`, if they are all there; fast enough for the
        moment a drag starts.
        """
        track = self.library.get(track_id)
        return dragging.ready(self.directories.drags, track, parts, encoding or self._drag_encoding(), span)

    def _drag(
        self,
        track_id: str,
        parts: Sequence[str],
        encoding: Encoding | None,
        span: tuple[int, int] | None,
        on_progress: OnProgress,
        cancel: Cancel | None,
    ) -> list[Path]:
        track = self.library.get(track_id)
        encoding = encoding or self._drag_encoding()
        return dragging.make(
            self.directories.drags, track, parts, encoding, span, metered(on_progress), cancel or CancelToken()
        )

    def delivery(self, track_id: str, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None) -> Path:
        """The take in the format it was asked for, made at the first call."""
        encoding = Encoding(self.library.get(track_id).output_format)
        return self.drag_files(track_id, ("mix",), encoding, on_progress, cancel)[0]

    def ready_delivery(self, track_id: str) -> Path | None:
        """What `delivery` gives, if it is there already."""
        files = self.ready_drag_files(track_id, ("mix",), Encoding(self.library.get(track_id).output_format))
        return files[0] if files else None

    def _drag_encoding(self) -> Encoding:
        kind = self.settings.drag_format
        return Encoding(kind, self.settings.wav_subtype if kind == "wav" else "")
