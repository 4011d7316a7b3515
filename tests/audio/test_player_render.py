"""The audio callback's work, block by block, to the sample."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from numpy.typing import NDArray
from player_bench import PERIOD, RATE, Bench, MemorySource, noise, sine

from nur_studio.audio.player_render import CROSS_FRAMES, FADE_FRAMES, HERE, Order, Renderer
from nur_studio.audio.player_state import ENDED_SEQ, MAX_LANES, POLLS, SEGMENT, Block, heard_run, position_at
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.core.mix import Channel, Mix


def steepest(audio: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(audio, axis=0)).max())


NATURAL = steepest(sine(2 * PERIOD))
FADING = 0.5 * np.pi / 2 / FADE_FRAMES  # what the transport's fade adds to a sine of 0.5 at most
GLIDING = 0.5 * np.pi / 2 / BLOCK_FRAMES


def test_lanes_add_up_to_the_last_bit_and_the_end_is_the_end() -> None:
    lanes = {name: noise(5000, seed) for seed, name in enumerate(("drums", "bass", "vocals", "other"))}
    bench = Bench(lanes)
    bench.play()
    heard = bench.blocks(24)
    expected = sum(lanes.values(), np.zeros((5000, 2), np.float32))
    np.testing.assert_array_equal(heard[:5000], expected)
    assert not heard[5000:].any()
    assert bench.block.integers[ENDED_SEQ] == 1
    assert not bench.renderer.active
    assert bench.renderer.position == 5000


def test_a_seek_is_exact_after_a_fade_of_under_five_milliseconds() -> None:
    bench = Bench({"mix": noise(40000)})
    bench.play()
    bench.blocks(4)
    bench.seek(30000)
    heard = bench.blocks(4)
    assert FADE_FRAMES <= 0.005 * RATE
    audio = bench.source.audio[0]
    np.testing.assert_array_equal(
        heard[2 * FADE_FRAMES :], audio[30000 + FADE_FRAMES : 30000 + 4 * BLOCK_FRAMES - FADE_FRAMES]
    )
    fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, FADE_FRAMES + 1)[:, None] / FADE_FRAMES)
    np.testing.assert_allclose(
        heard[FADE_FRAMES : 2 * FADE_FRAMES], audio[30000 : 30000 + FADE_FRAMES] * fade, atol=1e-7
    )


@pytest.mark.parametrize("length", [64, 256, 1000, 11025])
def test_a_loop_repeats_to_the_sample(length: int) -> None:
    bench = Bench({"drums": noise(30000), "bass": noise(30000, 1)})
    start = 2000
    bench.order(loop=(start, start + length))
    bench.play()
    heard = bench.blocks(-(-(start + 5 * length) // BLOCK_FRAMES))
    both = bench.source.audio[0] + bench.source.audio[1]
    np.testing.assert_array_equal(heard[:start], both[:start])
    turns = heard[start : start + 5 * length].reshape(5, length, 2)
    for turn in turns:
        np.testing.assert_array_equal(turn, both[start : start + length])


@pytest.mark.parametrize(
    "mix",
    [
        Mix({"mix": Channel(mute=True)}),
        Mix({"drums": Channel(solo=True)}),
        Mix({"mix": Channel(gain_db=-60)}),
        Mix({"mix": Channel(gain_db=6)}),
        Mix({"mix": Channel(pan=-1)}),
        Mix(master_db=-60),
    ],
    ids=["mute", "solo", "closed", "raised", "panned", "master"],
)
def test_a_change_of_the_mix_acts_in_a_block_and_never_clicks(mix: Mix) -> None:
    bench = Bench({"mix": sine(40000), "drums": np.zeros((40000, 2), np.float32)})
    bench.play()
    heard = [bench.blocks(5)]
    bench.mix(mix)
    heard.append(bench.blocks(4))
    settled = heard[1][BLOCK_FRAMES:]
    first = 6 * BLOCK_FRAMES
    expected = bench.source.audio[0][first : first + len(settled)] * np.array(mix.gains("mix"), np.float32)
    np.testing.assert_allclose(settled, expected, atol=1e-7)
    bench.mix(Mix())
    heard.append(bench.blocks(4))
    loudest = max(1.0, *mix.gains("mix"))
    assert steepest(np.concatenate(heard)) <= loudest * NATURAL + GLIDING * 1.01
    np.testing.assert_array_equal(heard[2][-100:], bench.source.audio[0][13 * BLOCK_FRAMES - 100 : 13 * BLOCK_FRAMES])


def test_pause_and_play_lose_no_sample_and_do_not_click() -> None:
    bench = Bench({"mix": sine(40000)})
    bench.play()
    heard = [bench.blocks(5)]
    bench.order(playing=False)
    heard.append(bench.blocks(3))
    assert not heard[1][FADE_FRAMES:].any()
    assert bench.renderer.position == 5 * BLOCK_FRAMES + FADE_FRAMES
    bench.play()
    heard.append(bench.blocks(3))
    assert steepest(np.concatenate(heard)) <= NATURAL + FADING * 1.01
    at = 5 * BLOCK_FRAMES + 2 * FADE_FRAMES
    np.testing.assert_array_equal(
        heard[2][FADE_FRAMES:], bench.source.audio[0][at : at + 3 * BLOCK_FRAMES - FADE_FRAMES]
    )


def test_it_waits_where_the_audio_is_not_there_yet_and_goes_on_without_a_click() -> None:
    bench = Bench({"mix": sine(60000)})
    bench.source.ready = 10000
    bench.play()
    heard = [bench.blocks(60)]
    assert bench.renderer.waiting
    stood = bench.renderer.position
    assert 10000 - BLOCK_FRAMES - FADE_FRAMES - 1 <= stood <= 10000
    assert not heard[0][stood:].any()
    bench.source.ready = 12000  # too little to go on for long
    heard.append(bench.blocks(10))
    assert not heard[1].any()
    bench.source.ready = 60000
    heard.append(bench.blocks(10))
    assert not bench.renderer.waiting
    np.testing.assert_array_equal(
        heard[2][FADE_FRAMES:], bench.source.audio[0][stood + FADE_FRAMES : stood + 10 * BLOCK_FRAMES]
    )
    assert steepest(np.concatenate(heard)) <= NATURAL + FADING * 1.01


def test_what_is_taken_back_under_the_playhead_is_waited_for_without_a_click() -> None:
    bench = Bench({"mix": sine(60000)})
    bench.play()
    heard = [bench.blocks(100)]
    stood = bench.renderer.position
    bench.source.ready = 9000  # far behind what is heard already
    heard.append(bench.blocks(10))
    assert bench.renderer.waiting
    assert bench.renderer.position - stood <= FADE_FRAMES
    stood = bench.renderer.position
    for ready in (15000, stood, stood + FADE_FRAMES):
        bench.source.ready = ready
        heard.append(bench.blocks(5))
        assert not heard[-1].any()
    bench.source.ready = 60000
    heard.append(bench.blocks(10))
    assert not bench.renderer.waiting
    assert bench.renderer.position == stood + 10 * BLOCK_FRAMES, "it goes on where it stood"
    assert steepest(np.concatenate(heard)) <= NATURAL + FADING * 1.01


def test_it_plays_to_an_end_that_comes_while_it_waits() -> None:
    bench = Bench({"mix": noise(5000)})
    bench.source.ready = 4000
    bench.play()
    bench.blocks(30)
    assert bench.renderer.waiting and bench.renderer.active
    bench.source.ready = 5000
    bench.blocks(30)
    assert bench.renderer.position == 5000
    assert bench.block.integers[ENDED_SEQ] == 1


def test_no_order_of_orders_clicks() -> None:
    """Random orders at random moments, in blocks of random length: never a step that fade or glide do not explain."""
    chance = np.random.default_rng(7)
    bench = Bench({"drums": sine(200 * PERIOD, 0.25), "bass": sine(200 * PERIOD, 0.25)})
    heard = []
    for _ in range(600):
        match chance.integers(7):
            case 0:
                bench.play()
            case 1:
                bench.order(playing=False)
            case 2:
                bench.seek(int(chance.integers(200 * PERIOD)))
            case 3:
                start = int(chance.integers(150)) * PERIOD
                bench.order(loop=(start, start + int(chance.integers(1, 40)) * PERIOD))
            case 4:
                bench.order(loop=None)
            case 5:
                solo, mute = chance.random(2) < 0.3
                bench.mix(Mix({"drums": Channel(chance.uniform(-20, 0), chance.uniform(-1, 1), mute, solo)}))
            case 6:
                bench.order(hold=bool(chance.random() < 0.3))
        heard.append(bench.blocks(int(chance.integers(1, 4)), int(chance.integers(1, BLOCK_FRAMES + 1))))
    audio = np.concatenate(heard)
    assert np.abs(audio).max() > 0.4
    assert steepest(audio) <= NATURAL + FADING + GLIDING + 1e-4


def test_positions_are_those_heard_round_the_loop_too() -> None:
    bench = Bench({"mix": noise(40000)})
    bench.seek(900)
    bench.order(loop=(1000, 3000))
    bench.play()
    latency = 0.03
    for _ in range(40):
        out = np.zeros((BLOCK_FRAMES, 2), np.float32)
        handed_out = bench.frames
        bench.renderer.render(out, handed_out / RATE + latency)
        bench.frames += BLOCK_FRAMES
        anchor = bench.block.read_anchor()
        assert anchor is not None
        run = max(handed_out - round(latency * RATE) + 100, 0)
        heard = 900 + run if run < 2100 else 1000 + (run - 2100) % 2000
        assert abs(position_at(anchor, heard_run(anchor, (handed_out + 100) / RATE)) - heard) <= 1


def test_peaks_are_after_the_fader_and_since_the_last_look() -> None:
    bench = Bench({"drums": sine(40000, 0.5), "bass": sine(40000, 0.25)})
    bench.mix(Mix({"drums": Channel(pan=1.0)}))
    bench.play()
    bench.blocks(8)
    np.testing.assert_allclose(bench.block.peaks[0], (0.0, 0.5), atol=1e-3)
    np.testing.assert_allclose(bench.block.peaks[1], (0.25, 0.25), atol=1e-3)
    np.testing.assert_allclose(bench.block.peaks[MAX_LANES], (0.25, 0.75), atol=1e-3)
    bench.mix(Mix({"drums": Channel(mute=True)}))
    bench.blocks(2)
    bench.block.integers[POLLS] += 1
    bench.blocks(2)
    assert not bench.block.peaks[0].any()


SIX = ("drums", "bass", "vocals", "guitar", "piano", "rest")


def crossed(bench: Bench, lanes: dict[str, NDArray[np.float32]], blocks: int = 12) -> NDArray[np.float32]:
    """What is heard while `lanes` take over, starting with one block before."""
    before = bench.blocks(1)
    order = bench.renderer.order
    bench.source = MemorySource(lanes)
    bench.order(source=bench.source, load_seq=order.load_seq + 1, jump=order.jump + 1, jump_frame=HERE)
    bench.mix(Mix())
    after = bench.blocks(blocks)
    assert bench.renderer.source is bench.source and bench.renderer.leaving is None
    return np.concatenate((before, after))


def test_stems_take_over_from_their_sum_unheard_and_six_from_four() -> None:
    stems = {name: noise(40000, seed) for seed, name in enumerate(SIX)}
    mix = sum(stems.values(), np.zeros((40000, 2), np.float32))
    four = {**{name: stems[name] for name in SIX[:3]}, "other": stems["guitar"] + stems["piano"] + stems["rest"]}
    bench = Bench({"mix": mix})
    bench.play()
    heard = np.concatenate([bench.blocks(3), *(crossed(bench, lanes) for lanes in (four, stems, {"mix": mix}))])
    np.testing.assert_allclose(heard, mix[: len(heard)], atol=4e-7)


def test_another_sound_takes_over_in_a_crossfade_at_the_same_place() -> None:
    bench = Bench({"mix": sine(40000)})
    bench.order(loop=(0, 20 * PERIOD))
    bench.play()
    heard = [bench.blocks(20)]
    segment = bench.renderer.position
    before = bench.block.read_anchor()
    heard.append(crossed(bench, {"drums": -0.5 * sine(40000)}))
    anchor = bench.block.read_anchor()
    assert before is not None and anchor is not None
    assert anchor[SEGMENT] == before[SEGMENT], "the playhead does not notice"
    at = (segment + BLOCK_FRAMES + CROSS_FRAMES) % (20 * PERIOD)
    expected = np.resize(-0.5 * sine(PERIOD), (80000, 2))[at:]
    np.testing.assert_allclose(heard[1][BLOCK_FRAMES + CROSS_FRAMES :], expected[: 8 * BLOCK_FRAMES], atol=1e-6)
    assert steepest(np.concatenate(heard)) <= NATURAL + 0.75 * np.pi / 2 / CROSS_FRAMES


def test_a_source_that_is_not_far_enough_or_shorter_takes_over_without_a_click() -> None:
    bench = Bench({"mix": sine(40000)})
    bench.play()
    heard = [bench.blocks(4)]
    late = MemorySource({"drums": sine(40000)})
    late.ready = 1100  # enough for a moment, not for a crossfade
    bench.order(source=late, load_seq=2, jump=2, jump_frame=HERE)
    bench.block.gains[0, 0] = 1.0
    heard.append(bench.blocks(4))
    assert bench.renderer.source is late and bench.renderer.waiting
    late.ready = 40000
    heard.append(bench.blocks(4))
    ends = bench.renderer.position + BLOCK_FRAMES + 500
    short = MemorySource({"mix": sine(ends)})
    bench.order(source=short, load_seq=4, jump=3, jump_frame=HERE)
    heard.append(bench.blocks(1))
    bench.order(source=late, load_seq=6, jump=4, jump_frame=HERE)  # the next one comes before the first is through
    heard.append(bench.blocks(12))
    assert bench.renderer.source is late and not bench.renderer.waiting
    assert steepest(np.concatenate(heard)) <= NATURAL + FADING * 1.01


def test_a_change_of_the_loop_or_a_pause_does_not_move_what_is_heard() -> None:
    """Positions are those of the ear also while what was handed out before is still on its way."""
    bench = Bench({"mix": noise(80000)})
    bench.play()
    latency, heard, position = 0.03, [], 0
    for block in range(60):
        if block == 20:
            bench.order(loop=(1000, 9000))
        if block == 25:
            bench.order(loop=None)
        if block == 45:
            bench.order(playing=False)
        now = bench.frames / RATE
        bench.renderer.render(np.zeros((BLOCK_FRAMES, 2), np.float32), now + latency)
        bench.frames += BLOCK_FRAMES
        anchor = bench.block.read_anchor()
        assert anchor is not None
        position = position_at(anchor, heard_run(anchor, now))
        heard.append(position)
    handed_out = 45 * BLOCK_FRAMES + FADE_FRAMES
    expected = np.clip(np.arange(60) * BLOCK_FRAMES - latency * RATE, 0, handed_out)
    np.testing.assert_allclose(heard, expected, atol=2)


@pytest.mark.parametrize("frequency", [50, 110])
def test_what_a_change_adds_above_5_khz_is_inaudible(frequency: int) -> None:
    """Of a low sine, in the worst moment: the energy above 5 kHz is 100 dB under the sine's, −33 dB without a glide."""
    wave = 0.5 * np.cos(2 * np.pi * frequency * np.arange(60000) / RATE)
    bench = Bench({"mix": np.repeat(wave[:, None], 2, axis=1).astype(np.float32)})
    bench.play()
    before = bench.blocks(20)
    bench.mix(Mix({"mix": Channel(mute=True)}))
    after = bench.blocks(20)
    window = np.hanning(4096)
    change = np.concatenate((before, after))[20 * BLOCK_FRAMES - 2048 + 128 :][:4096, 0]
    high = np.fft.rfftfreq(4096, 1 / RATE) > 5000
    energy = np.abs(np.fft.rfft(change * window)) ** 2
    steady = np.abs(np.fft.rfft(before[:4096, 0] * window)) ** 2
    assert 10 * np.log10(energy[high].sum() / steady.sum()) < -100


def test_without_a_source_there_is_silence() -> None:
    block = Block.create(multiprocessing.get_context("spawn"))
    renderer = Renderer(block)
    renderer.order = Order(playing=True, play_seq=1)
    out = np.ones((BLOCK_FRAMES, 2), np.float32)
    renderer.render(out, 0.0)
    assert not out.any()
    assert not renderer.active
