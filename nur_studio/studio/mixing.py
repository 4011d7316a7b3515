"""The lanes of a take summed as a mixer sets them: read lane by lane, so that memory holds one sound, not seven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nur_studio.audio.files import Encoding, audio_frames, read_blocks, write_audio
from nur_studio.audio.mixdown import mixdown
from nur_studio.core.errors import FileProblem
from nur_studio.core.mix import Channel, Mix
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.track import Track
from nur_studio.studio.parts import MIX_PART, lanes_of, master

if TYPE_CHECKING:
    from nur_studio.audio.tags import FileTags

_MIXING_SHARE = 0.7  # of the progress bar; the rest is limiting and writing
CEILING_DBTP = -1.0


def lanes(track: Track) -> tuple[str, ...]:
    """What is summed: the stems whose sum is the mix, or the mix itself where there are none."""
    return track.lanes or (MIX_PART,)


def heard(track: Track, mix: Mix) -> Mix:
    """`mix` for the lanes there are: strips of others, left over from other stems, are dropped, as a solo there would
    silence everything. Raises `FileProblem` where a take without stems shall be mixed from them.
    """
    if not track.lanes:
        for stem, strip in mix.channels.items():
            if stem != MIX_PART and strip != Channel():
                lanes_of(track, stem)
    return Mix({lane: mix.channel(lane) for lane in lanes(track)}, mix.master_db)


def is_plain(track: Track, mix: Mix) -> bool:
    """Whether `mix` leaves every lane as it is: its sum is the master then."""
    return all(mix.gains(lane) == (1.0, 1.0) for lane in lanes(track))


def write_mix(
    track: Track,
    target: Path,
    encoding: Encoding,
    mix: Mix,
    tags: FileTags,
    on_progress: OnProgress,
    cancel: Cancel,
) -> None:
    """Write the lanes as heard with `mix`, limited to −1 dBTP where its gains would clip the file."""
    audio, sample_rate = sound_as_heard(track, mix, encoding, ranged(on_progress, 0.0, _MIXING_SHARE), cancel)
    write_sound(target, audio, sample_rate, encoding, tags, ranged(on_progress, _MIXING_SHARE, 1.0), cancel)


def sound_as_heard(
    track: Track, mix: Mix, encoding: Encoding, on_progress: OnProgress, cancel: Cancel
) -> tuple[Audio, int]:
    """The lanes as heard with `mix`, and their sample rate; at most −1 dBTP where `encoding` cannot hold more."""
    audio, sample_rate = _mixed(track, heard(track, mix), on_progress, cancel)
    cancel.check()
    return (audio if encoding.subtype == "FLOAT" else limited(audio, sample_rate)), sample_rate


def write_sound(
    target: Path,
    audio: Audio,
    sample_rate: int,
    encoding: Encoding,
    tags: FileTags,
    on_progress: OnProgress,
    cancel: Cancel,
) -> None:
    """Write one file of `audio`, replaced in one step."""
    on_progress(Progress("writing", 0.0))

    def on_block(frames: int) -> None:
        cancel.check()
        on_progress(Progress("writing", frames / len(audio)))

    write_audio(target, audio, sample_rate, encoding, on_block, tags)


def limited(audio: Audio, sample_rate: int) -> Audio:
    """`audio` at or under −1 dBTP: itself where it is that already."""
    gain = limiting_gain(audio, sample_rate)
    if gain is None:
        return audio
    turned_down: Audio = audio * gain[:, None]
    return turned_down


def limiting_gain(audio: Audio, sample_rate: int, ceiling_dbtp: float = CEILING_DBTP) -> Audio | None:
    """The factor per frame that keeps `audio` at or under a true peak, None where it needs none."""
    highest = max(float(audio.max(initial=0.0)), -float(audio.min(initial=0.0)))
    if highest < 0.5 * 10.0 ** (ceiling_dbtp / 20.0):  # no true peak is 6 dB above its samples
        return None
    from nur_studio.audio.loudness import limiter_gain, true_peak_dbtp

    return None if true_peak_dbtp(audio) <= ceiling_dbtp else limiter_gain(audio, sample_rate, ceiling_dbtp)


def _mixed(track: Track, mix: Mix, on_progress: OnProgress, cancel: Cancel) -> tuple[Audio, int]:
    frames, sample_rate = audio_frames(master(track, MIX_PART))
    total: Audio = np.zeros((frames, 2), np.float32)
    audible = [lane for lane in lanes(track) if mix.audible(lane)]
    for index, lane in enumerate(audible):
        done = 0
        for block in read_blocks(master(track, lane)):
            cancel.check()
            if len(block) > frames - done:
                raise FileProblem(f"The {lane} of {track.title!r} are longer than its mix: the take is damaged.")
            total[done : done + len(block)] += mixdown({lane: block}, mix)
            done += len(block)
            on_progress(Progress("mixing", (index + done / frames) / len(audible)))
    return total, sample_rate
