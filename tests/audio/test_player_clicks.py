"""The metronome beside the music: to the sample, round loops, at any rate, and not in the meters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from paper_sound_card import PaperSoundCard, alsa_config
from player_bench import RATE, Bench, noise, sounding, wait_for

from nur_studio.audio.clicks import click_track, ping
from nur_studio.audio.player import Player
from nur_studio.audio.player_clicks import BeatTable
from nur_studio.audio.player_render import FADE_FRAMES
from nur_studio.audio.player_state import MAX_LANES, heard_run, position_at
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.core.timing import Grid

GRID = Grid(171.3, 3, 0.21)
FRAMES = 4 * RATE


def bench(audio: NDArray[np.float32], *, on: bool = True, grid: Grid = GRID) -> Bench:
    made = Bench({"mix": audio})
    made.source.beats = BeatTable(grid, RATE, len(audio), RATE)
    made.block.clicks[:] = (1.0 if on else 0.0, 1.0)
    return made


def silence(frames: int = FRAMES) -> NDArray[np.float32]:
    return np.zeros((frames, 2), np.float32)


def struck(frames: int, starts: list[int], accents: list[bool]) -> NDArray[np.float32]:
    """Clicks that begin at these frames, each ringing out over whatever follows."""
    out = np.zeros((frames + RATE, 2), np.float32)
    for start, accent in zip(starts, accents, strict=True):
        click = ping(accent, RATE)
        out[start : start + len(click)] += click[:, None]
    return out[:frames]


def test_clicks_are_those_of_an_exported_click_track_beside_untouched_music() -> None:
    music = noise(FRAMES)
    made = bench(music)
    made.play()
    heard = made.blocks(FRAMES // BLOCK_FRAMES)
    clicks = click_track(FRAMES, RATE, GRID)[: len(heard)]
    np.testing.assert_array_equal(heard, music[: len(heard)] + clicks)
    assert (clicks != 0.0).any()


def test_off_is_off_and_a_click_under_way_rings_out() -> None:
    music = noise(FRAMES)
    made = bench(music, on=False)
    made.play()
    np.testing.assert_array_equal(made.blocks(40), music[: 40 * BLOCK_FRAMES])
    first = made.source.beats.starts[3 + 3]  # of the table's: a bar lies before the track's first
    count = (first - made.frames) // BLOCK_FRAMES + 1  # into the middle of it
    made.block.clicks[0] = 0.5
    made.blocks(count)
    made.block.clicks[0] = 0.0
    at = made.frames
    heard = made.blocks(60) - music[at : at + 60 * BLOCK_FRAMES]
    click = 0.5 * ping(made.source.beats.accents[6], RATE)[at - first :]
    np.testing.assert_allclose(heard[: len(click), 0], click, atol=1e-7)
    assert not np.abs(heard[len(click) :]).max() > 1e-7


def test_clicks_go_round_with_the_loop_and_ring_over_its_seam() -> None:
    made = bench(silence())
    beats = made.source.beats
    start, end = beats.starts[6], beats.starts[9] + 700  # ends while its last click rings
    made.order(loop=(start, end))
    made.seek(start)
    made.play()
    heard = made.blocks(400)
    length = end - start
    turns = len(heard) // length + 1
    starts = [turn * length + beats.starts[n] - start for turn in range(turns) for n in range(6, 10)]
    expected = struck(len(heard), starts, beats.accents[6:10] * turns)
    np.testing.assert_array_equal(heard, expected)


def test_a_seek_begins_no_click_in_its_middle_and_a_pause_cuts_none_off() -> None:
    made = bench(silence())
    beats = made.source.beats
    made.seek(beats.starts[6] + 10)
    made.play()
    assert not made.blocks(4).any()
    made.seek(beats.starts[8])
    heard = made.blocks(2)
    made.order(playing=False)
    heard = np.concatenate((heard, made.blocks(20)))
    begun = int(np.flatnonzero(heard.any(axis=1))[0])
    assert begun == FADE_FRAMES
    click = ping(beats.accents[8], RATE)
    np.testing.assert_array_equal(heard[begun : begun + len(click), 0], click)
    assert not heard[begun + len(click) :].any()


def test_meters_and_loudness_hear_none_of_it_and_the_volume_all() -> None:
    made = bench(silence())
    made.block.volume[0] = 0.25
    made.play()
    heard = made.blocks(100)
    clicks = click_track(FRAMES, RATE, GRID)[: len(heard)]
    np.testing.assert_allclose(heard, 0.25 * clicks, atol=1e-8)
    assert not made.block.peaks[: MAX_LANES + 1].any()
    assert not made.renderer.tap.read(0, len(heard)).any()


@pytest.mark.parametrize(("beat", "on"), [(0.0, True), (3.0, False), (4.4, True)])
def test_a_bar_is_counted_in_and_the_music_begins_on_its_beat(beat: float, on: bool) -> None:
    music = noise(FRAMES)
    made = bench(music, on=on)
    beats = made.source.beats
    position = GRID.frame_of(beat, RATE)
    made.seek(position)
    made.order(count_in=True)
    made.play()
    next_one = next(n for n, start in enumerate(beats.starts) if start >= position)
    first = next_one - GRID.beats_per_bar
    lead = position - beats.starts[first]
    whole = beat == int(beat)
    bar = GRID.bar_frames(1, RATE)
    assert abs(lead - bar) <= 1 if whole else bar - GRID.bar_s / 3 * RATE < lead < bar
    heard = made.blocks(300)
    last = len(beats.starts) if on else next_one
    starts = [start - position + lead for start in beats.starts[first:last] if start - position + lead < len(heard)]
    clicks = struck(len(heard), starts, beats.accents[first : first + len(starts)])
    np.testing.assert_array_equal(heard[:lead], clicks[:lead])
    sure = lead + FADE_FRAMES
    np.testing.assert_array_equal(heard[sure:], music[position + FADE_FRAMES :][: len(heard) - sure] + clicks[sure:])
    made.order(playing=False)
    made.blocks(2)
    for wanted, gain in ((False, 1.0), (True, 0.0)):
        made.block.clicks[1] = gain
        made.order(count_in=wanted)
        made.play()
        assert made.blocks(1).any(), "no count for a play that wants none, nor a silent one"
        made.order(playing=False)
        made.blocks(2)


def test_a_seek_in_the_middle_of_the_count_begins_it_again_and_a_loop_is_counted_once() -> None:
    music = noise(FRAMES)
    made = bench(music, on=False, grid=Grid(120.0, 2))
    beat = RATE // 2
    made.order(count_in=True, loop=(0, 2 * beat))
    made.play()
    made.blocks(100)
    made.seek(beat)
    heard = made.blocks(700)
    clicks = struck(len(heard), [0, beat], [False, True])
    np.testing.assert_array_equal(heard[: 2 * beat], clicks[: 2 * beat])
    np.testing.assert_array_equal(heard[3 * beat : 5 * beat], music[: 2 * beat])


def test_the_playhead_stands_while_it_counts_and_then_is_where_the_music_is() -> None:
    made = bench(noise(FRAMES), grid=Grid(120.0, 2))
    latency, bar = 0.03, RATE
    made.seek(bar)
    made.order(count_in=True)
    made.play()
    for _ in range(300):
        now = made.frames / RATE
        made.renderer.render(np.zeros((BLOCK_FRAMES, 2), np.float32), now + latency)
        made.frames += BLOCK_FRAMES
        anchor = made.block.read_anchor()
        assert anchor is not None
        expected = bar + max(0.0, now - latency - 1.0) * RATE
        assert abs(position_at(anchor, heard_run(anchor, now)) - expected) <= 1


@pytest.fixture
def player() -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


@pytest.mark.parametrize("device_rate", [44100, 48000])
def test_captured_clicks_are_on_the_grid_to_the_sample_at_any_rate(
    player: Player, tmp_path: Path, device_rate: int
) -> None:
    card = PaperSoundCard(tmp_path, device_rate)
    path = tmp_path / "silence.flac"
    soundfile.write(path, silence(), RATE, subtype="PCM_24")
    position = GRID.frame_of(3, RATE)
    with alsa_config(card.config):
        player.set_metronome(True, -6.0, count_in=True)
        player.load([("mix", path)], RATE, FRAMES, grid=GRID)
        wait_for(player, lambda s: s.ready_frames == FRAMES)
        player.seek(position)
        player.play()
        wait_for(player, lambda s: s.ended)
        heard = sounding(card.played())
    begins = np.flatnonzero(np.abs(heard[:, 0]) > 0.1)
    starts = begins[np.flatnonzero(np.diff(begins, prepend=-RATE) > RATE // 10)]
    beats = [round(GRID.frame_of(beat, RATE) * device_rate / RATE) for beat in range(9)]
    assert starts.tolist()[:9] == [frame - beats[0] for frame in beats]
    loudness = np.abs(heard[starts[:9], 0])
    assert loudness == pytest.approx([10 ** (-6 / 20) * (0.5 if n % 3 == 0 else 0.25) for n in range(9)], rel=1e-5)


def test_captured_music_is_the_same_to_the_bit_beside_the_clicks_and_alone_when_off(
    player: Player, paper_sound_card: PaperSoundCard, tmp_path: Path
) -> None:
    path = tmp_path / "noise.flac"
    soundfile.write(path, noise(FRAMES), RATE, subtype="PCM_24")
    music = soundfile.read(path, dtype="float32")[0]
    player.load([("mix", path)], RATE, FRAMES, grid=GRID)
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    for on in (True, False):
        player.set_metronome(on)
        player.play()
        wait_for(player, lambda s: s.ended)
        heard = sounding(paper_sound_card.played())[-FRAMES:]
        clicks = click_track(FRAMES, RATE, GRID) if on else silence()
        np.testing.assert_array_equal(heard, music + clicks)
    player.set_metronome(True, count_in=True)
    player.load([("mix", path)], RATE, FRAMES)  # no grid is claimed: neither clicks nor a count
    wait_for(player, lambda s: s.ready_frames == FRAMES)
    player.play()
    wait_for(player, lambda s: s.ended)
    np.testing.assert_array_equal(sounding(paper_sound_card.played())[-FRAMES:], music)
