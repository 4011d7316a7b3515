"""The studio's use cases for those who go on in another program: sessions, notes, loops, clips, clicks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nur_studio.audio.files import Encoding
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, ignore_progress, metered
from nur_studio.studio import clicks as clicking
from nur_studio.studio import clips, exporting, scores, sessions
from nur_studio.studio.clicks import NO_CLICKS, Clicks
from nur_studio.studio.clips import Loop
from nur_studio.studio.files import Files


class HandOff(Files):
    """A part of `Studio`, which says what its methods promise."""

    def export_session(
        self,
        track_id: str,
        target: Path,
        kind: str,
        clicks: Clicks = NO_CLICKS,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write a take as a session of `kind`: "dawproject", "reaper" or "folder"; the file or folder to open.

        A track per lane with the strip it was left with, tempo, metre, sections as markers, 24-bit wavs, the score as
        MIDI where there is one. `target`: a folder, in which a new name is found; or of a DAWproject a file, replaced
        in one step, of the others a folder that is not there yet. What has no tempo lies there by its time.
        """
        track = self.library.get(track_id)
        return sessions.export_session(track, target, kind, clicks, metered(on_progress), cancel or CancelToken())

    def has_score(self, track_id: str) -> bool:
        """Whether the notes of a take are known as they were played: then its MIDI is no transcription."""
        return scores.has_score(self.library.get(track_id))

    def why_no_midi(self, track_id: str, part: str = "mix") -> str:
        """Why there can be no MIDI of this part, in a sentence; "" where there can. Quick."""
        return scores.why_no_midi(self.library.get(track_id), part)

    def why_no_notes(self, track_id: str) -> dict[str, str]:
        """`why_no_midi` of the mix and of every lane. Takes a moment: it reads the score, where there is one."""
        return scores.why_no_notes(self.library.get(track_id))

    def export_midi(
        self,
        track_id: str,
        target: Path,
        part: str = "mix",
        *,
        quantise: bool = False,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write the notes of a take ("mix"), or of one of its stems, as a MIDI file; where it is.

        They are its score, else a transcription, which file name and track names say: made in a process of its own,
        where Basic Pitch is installed. `quantise`: to sixteenths. `target` is a file, or a folder, in which no file is
        replaced. Raises `EngineUnavailable` with what to install, and `StudioError` where no notes are heard.
        """
        return self.export_notes(track_id, target, (part,), quantise=quantise, on_progress=on_progress, cancel=cancel)[
            0
        ]

    def export_notes(
        self,
        track_id: str,
        target: Path,
        parts: Sequence[str],
        *,
        quantise: bool = False,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """`export_midi` of several parts, a file for each, into a folder; all of them or none."""
        track = self.library.get(track_id)
        return scores.export_midi(track, target, parts, quantise, metered(on_progress), cancel or CancelToken())

    def export_clip(
        self,
        track_id: str,
        target: Path,
        start_frame: int,
        end_frame: int,
        *,
        part: str = "mix",
        encoding: Encoding | None = None,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Write a selection, from `start_frame` to just before `end_frame` (of the take's `sample_rate`), as a file of
        exactly those frames; the rest as `export` does.
        """
        return self.export_clips(
            track_id,
            target,
            start_frame,
            end_frame,
            parts=(part,),
            encoding=encoding,
            mix=mix,
            on_progress=on_progress,
            cancel=cancel,
        )[0]

    def export_clips(
        self,
        track_id: str,
        target: Path,
        start_frame: int,
        end_frame: int,
        *,
        parts: Sequence[str] = ("mix",),
        encoding: Encoding | None = None,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """`export_clip` of several parts into a folder; all of them or none. ("stems",) is every lane."""
        track, encoding = self.library.get(track_id), encoding or Encoding("wav")
        pieces = exporting.pieces_of(track, parts, exporting.mix_of(track, mix))
        return clips.export_clips(
            track, target, start_frame, end_frame, pieces, encoding, metered(on_progress), cancel or CancelToken()
        )

    def look_at_loop(
        self, track_id: str, start_bar: int, bars: int, mix: Mix | None = None, cancel: Cancel | None = None
    ) -> Loop:
        """How well `bars` bars from `start_bar` (0-based) on would loop, before anything is written. Takes a moment."""
        return clips.look_at_loop(self.library.get(track_id), start_bar, bars, mix, cancel or CancelToken())

    def export_loop(
        self,
        track_id: str,
        target: Path,
        start_bar: int,
        bars: int,
        *,
        parts: Sequence[str] = ("mix",),
        encoding: Encoding | None = None,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Loop:
        """Write `bars` bars (1 to 64) from `start_bar` (0-based) on as a loop per part: files, and how its ends meet.

        Each has exactly round(bars × beats × 60 / tempo × sample rate) frames; stems add up to the mix. `mix`: how the
        lanes are set in "mix". ("stems",) is every lane; several need a folder as `target`. Raises `StudioError` for a
        take without a tempo, or with fewer bars.
        """
        track, encoding = self.library.get(track_id), encoding or Encoding("wav")
        return clips.export_loop(
            track, target, start_bar, bars, parts, encoding, mix, metered(on_progress), cancel or CancelToken()
        )

    def export_clicked(
        self,
        track_id: str,
        target: Path,
        clicks: Clicks,
        *,
        parts: Sequence[str] = ("mix",),
        without: Sequence[Sequence[str]] = (),
        encoding: Encoding | None = None,
        mix: Mix | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> list[Path]:
        """Write parts with a file of clicks beside them, or after a bar of clicks; the files, that of clicks last.

        ("stems",) is every lane. `without`: in place of parts a mix for each of these, as `export_minus` writes them.
        `mix`: how the lanes are set in mixes. One part may go to a file, several need a folder. Raises `StudioError`
        for a take without a tempo.
        """
        track = self.library.get(track_id)
        encoding = encoding or Encoding(track.output_format)
        if without:
            pieces = exporting.unlike(exporting.minus(track, stems, mix) for stems in without)
        else:
            pieces = exporting.pieces_of(track, parts, exporting.mix_of(track, mix))
        return clicking.export_clicked(
            track, target, pieces, encoding, clicks, metered(on_progress), cancel or CancelToken()
        )
