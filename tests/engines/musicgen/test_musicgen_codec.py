"""The codec's decoder: the same sound as audiocraft's, in whatever chunks it is made."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from tiny_musicgen import reference_codec

from nur_studio.engines.musicgen.codec import Codec, SoundStream, decode_whole, to_audio


def random_codes(codec: Codec, frames: int, takes: int = 1, seed: int = 1) -> torch.Tensor:
    streams = codec.codebooks * (2 if codec.stereo else 1)
    return torch.randint(0, codec.card, (takes, streams, frames), generator=torch.Generator().manual_seed(seed))


def streamed(codec: Codec, codes: torch.Tensor, sizes: list[int]) -> list[torch.Tensor]:
    """The sound of codes that come in chunks of `sizes` frames, again and again."""
    stream, chunks, start = SoundStream(codec), [], 0
    for size in itertools.cycle(sizes):
        end = start + size
        chunks.append(stream.add(codes[..., start:end], last=end >= codes.shape[-1]))
        start = end
        if end >= codes.shape[-1]:
            assert stream.frames_made == codes.shape[-1]
            return chunks
    raise AssertionError


def error_db(sound: torch.Tensor, right: torch.Tensor) -> float:
    """The loudest difference against the loudest sample."""
    return 20 * math.log10(max(float((sound - right).abs().max() / right.abs().max()), 1e-12))


def test_one_decode_is_audiocrafts(family: Any) -> None:
    codec = family.model.codec
    codes = random_codes(codec, 120, takes=2)
    with torch.inference_mode():
        theirs = reference_codec(family.folders, family.model.facts.stereo).decode(codes)
    ours = SoundStream(codec).add(codes, last=True)
    assert ours.shape == (2, 120 * 640, 2 if codec.stereo else 1)
    assert float(theirs.std()) > 0.01
    assert error_db(ours.transpose(1, 2), theirs) < -110
    if codec.stereo:
        assert error_db(ours[..., :1], ours[..., 1:]) > -20  # left and right are not the same


@pytest.mark.parametrize("sizes", [[50], [1], [7, 0, 3, 40], [119, 1]])
def test_chunks_join_without_a_trace(family: Any, sizes: list[int]) -> None:
    codec = family.model.codec
    codes = random_codes(codec, 120, takes=2)
    whole = SoundStream(codec).add(codes, last=True)
    joined = torch.cat(streamed(codec, codes, sizes), dim=1)
    assert joined.shape == whole.shape
    assert error_db(joined, whole) < -110


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 10])
def test_music_shorter_than_the_look_ahead(text: Any, frames: int) -> None:
    codes = random_codes(text.model.codec, frames)
    with torch.inference_mode():
        theirs = reference_codec(text.folders, False).decode(codes)
    assert error_db(torch.cat(streamed(text.model.codec, codes, [1]), 1).transpose(1, 2), theirs) < -110


def test_too_little_of_the_neighbours_would_be_heard(text: Any) -> None:
    codec, codes = text.model.codec, random_codes(text.model.codec, 120)
    whole = SoundStream(codec).add(codes, last=True)
    for narrow in ({"head_reach": 2}, {"tail_reach": 0}):
        joined = torch.cat(streamed(dataclasses.replace(codec, **narrow), codes, [10]), dim=1)
        assert error_db(joined, whole) > -80


def test_no_frame_reaches_past_the_look_ahead(text: Any) -> None:
    codec = text.model.codec
    codes = random_codes(codec, 60)
    other = codes.clone()
    other[..., 40] = (other[..., 40] + 1) % codec.card
    difference = (SoundStream(codec).add(codes, last=True) - SoundStream(codec).add(other, last=True)).abs()[0, :, 0]
    heard = np.flatnonzero(difference.numpy() > 1e-6)
    assert 40 - codec.look_ahead <= heard[0] // 640 < 40
    assert codec.look_ahead <= 10  # 0.2 s: the first second is final when 1.2 s of tokens are


def test_the_first_second_does_not_wait_for_the_second(text: Any) -> None:
    codec = text.model.codec
    stream = SoundStream(codec)
    first = stream.add(random_codes(codec, 50 + codec.look_ahead))
    assert stream.frames_made == 50
    assert first.shape[1] == codec.sample_rate


def test_takes_sound_alike_alone_and_together(family: Any) -> None:
    codec = family.model.codec
    codes = random_codes(codec, 60, takes=3)
    together = decode_whole(codec, codes)
    for take, audio in enumerate(together):
        alone = decode_whole(codec, codes[take : take + 1])[0]
        assert audio.dtype == np.float32
        assert audio.shape == (60 * 640, 2 if codec.stereo else 1)
        assert error_db(torch.from_numpy(audio), torch.from_numpy(alone)) < -110


def test_audio_is_one_array_a_take() -> None:
    takes = to_audio(torch.arange(12, dtype=torch.float32).view(2, 3, 2))
    assert [take.tolist() for take in takes] == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]]
