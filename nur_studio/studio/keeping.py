"""How a finished track enters the library: whole, with what was measured in it; or it leaves nothing behind."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nur_studio.audio.masters import Masters
from nur_studio.core.errors import FileProblem, StudioError
from nur_studio.core.mix import LANES
from nur_studio.core.track import Track
from nur_studio.library.library import Library


@contextmanager
def arriving(library: Library, track: Track) -> Iterator[Path]:
    """A folder for the masters of a pending `track` that is not in the library yet; it stands there as being made until
    the block has called `library.complete`. Whatever goes wrong, or a cancel, leaves neither row nor files.
    """
    library.add(track)
    try:
        library.processing(track.id)
        yield library.staging(track.id)
    except OSError as error:
        raise file_problem(error, library.directory) from error
    except MemoryError as error:
        raise StudioError("There is not enough memory for this.", hint="Close other programs, or take less.") from error
    finally:
        library.discard(track.id)  # a finished one stays


def measured(masters: Masters) -> dict[str, Any]:
    """The fields of a `Track` that its masters say."""
    return {
        "duration_s": masters.frames / masters.sample_rate,
        "sample_rate": masters.sample_rate,
        "frames": masters.frames,
        "lanes": tuple(lane for lane in LANES if lane in masters.stems),
        "tempo_measured": masters.tempo_measured,
        "loudness_lufs": _finite(masters.loudness_lufs),
        "true_peak_dbtp": _finite(masters.true_peak_dbtp),
    }


def file_problem(error: OSError, directory: Path) -> FileProblem:
    """An operating system's refusal to keep a track, said for people."""
    if error.errno == errno.ENOSPC:
        return FileProblem("The disk is full: the take could not be kept.", hint=f"Free some space for {directory}.")
    return FileProblem(f"The take could not be kept in {directory}: {error.strerror or error}.")


def _finite(value: float | None) -> float | None:
    """Silence has a loudness of −inf, which JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None
