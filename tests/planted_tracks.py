"""Finished tracks put into a library by hand, with whatever lanes a test needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from nur_studio.audio.files import Encoding, write_audio
from nur_studio.audio.masters import stem_path, write_masters
from nur_studio.core.mix import LANES, SIX_LANES
from nur_studio.core.sound import Audio
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.library.library import Library


def tone(frequency: float, seconds: float, rate: int = 44100, level: float = 0.1) -> Audio:
    """A stereo sine."""
    time_s = np.arange(round(seconds * rate)) / rate
    return np.repeat((level * np.sin(2 * np.pi * frequency * time_s))[:, None], 2, axis=1).astype(np.float32)


def clicks(tempo: float, seconds: float, rate: int = 44100, offset_s: float = 0.0) -> Audio:
    """A click on every beat, the first at `offset_s`, of one sample each."""
    audio = np.zeros((round(seconds * rate), 2), np.float32)
    beat = 0
    while (frame := round((offset_s + beat * 60.0 / tempo) * rate)) < len(audio):
        audio[frame] = 0.5
        beat += 1
    return audio


def plant(library: Library, lanes: Mapping[str, Audio], mix: Audio | None = None, **facts: Any) -> Track:
    """A finished track whose mix is the sum of `lanes`; six of them bring `other` along."""
    track_id = new_track_id()
    fields: dict[str, Any] = {
        "title": "Planted", "prompt": "a planted track", "genre": "lo-fi", "tempo": 120, "output_format": "wav",
        "engine": "fake", "seed": 1, "licence": "for tests", "key": "A minor", "sample_rate": 44100,
    } | facts  # fmt: skip
    rate = fields["sample_rate"]
    total = mix if mix is not None else np.sum(list(lanes.values()), axis=0, dtype=np.float32)
    track = Track(
        id=track_id,
        status=Status.PENDING,
        duration_s=len(total) / rate,
        created_at=datetime.now(UTC),
        folder=library.folder(track_id),
        group_id=track_id,
        frames=len(total),
        **fields,
    )
    library.add(track)
    staging = library.staging(track_id)
    write_masters(staging, total, lanes, rate)
    if set(lanes) == set(SIX_LANES):
        other = lanes["guitar"] + lanes["piano"] + lanes["rest"]
        write_audio(stem_path(staging, "other"), other, rate, Encoding("flac", "PCM_24"))
    return library.complete(track_id, staging, lanes=tuple(lane for lane in LANES if lane in lanes))
