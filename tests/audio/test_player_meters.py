"""The meters as the window reads them, of blocks played without a device."""

from __future__ import annotations

import numpy as np
import pytest
from player_bench import RATE, Bench, MemorySource, sine

from nur_studio.audio import player_meters
from nur_studio.audio.player_meters import RMS_S, MeterReader
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.core.mix import Channel, Mix

HALF_POWER = 2**-0.5
BLOCKS_A_SECOND = -(-RATE // BLOCK_FRAMES)


@pytest.fixture
def bench() -> Bench:
    bench = Bench({"drums": sine(10 * RATE, 0.5), "bass": sine(10 * RATE, 0.25)})
    bench.mix(Mix({"drums": Channel(pan=1.0)}))
    bench.play()
    return bench


def test_peaks_and_rms_are_after_the_fader(bench: Bench) -> None:
    reader = MeterReader(bench.block)
    for _ in range(60):
        bench.blocks(3)
        levels = reader.read(2, 1)
    # Between two looks lies less than a period of the sine, so peaks may fall short of its own.
    np.testing.assert_allclose(levels.rms, [(0.0, 0.5 * HALF_POWER), (0.25 * HALF_POWER,) * 2], rtol=0.01)
    np.testing.assert_allclose(levels.master_rms, (0.25 * HALF_POWER, 0.75 * HALF_POWER), rtol=0.01)
    bench.blocks(8)
    levels = reader.read(2, 1)
    np.testing.assert_allclose(levels.peaks, [(0.0, 0.5), (0.25, 0.25)], atol=1e-3)
    np.testing.assert_allclose(levels.master_peaks, (0.25, 0.75), atol=1e-3)


def test_rms_forgets_after_its_window_however_often_it_is_read(bench: Bench) -> None:
    reader = MeterReader(bench.block)
    bench.blocks(BLOCKS_A_SECOND)
    np.testing.assert_allclose(reader.read(2, 1).rms[1], (0.25 * HALF_POWER,) * 2, rtol=0.01)  # all since the start
    bench.mix(Mix({"bass": Channel(mute=True)}))
    bench.blocks(1)  # the glide
    reader.read(2, 1)
    for _ in range(int(RMS_S * RATE / BLOCK_FRAMES) // 2):
        bench.blocks(1)
        levels = reader.read(2, 1)
    # Half of the window is over.
    assert levels.rms[1][0] == pytest.approx(0.25 * HALF_POWER, rel=0.4)
    for _ in range(BLOCKS_A_SECOND // 3 + 2):
        bench.blocks(1)
        levels = reader.read(2, 1)
    assert levels.rms[1] == (0.0, 0.0)
    assert levels.master_rms[0] == pytest.approx(0.5 * HALF_POWER, rel=0.02)


def test_the_listening_volume_is_not_metered_but_the_masters_gain_is(bench: Bench) -> None:
    reader = MeterReader(bench.block)
    bench.block.volume[0] = 0.1
    heard = bench.blocks(BLOCKS_A_SECOND)
    assert np.abs(heard[BLOCK_FRAMES:]).max() == pytest.approx(0.075, rel=0.01)
    assert reader.read(2, 1).master_peaks[1] == pytest.approx(0.75, abs=1e-3)
    tapped = bench.renderer.tap.read(0, len(heard))
    np.testing.assert_allclose(heard[BLOCK_FRAMES:], tapped[BLOCK_FRAMES:] * np.float32(0.1), atol=1e-7)
    bench.mix(Mix({"drums": Channel(pan=1.0)}, master_db=-20.0))
    bench.blocks(1)
    reader.read(2, 1)
    bench.blocks(8)
    assert reader.read(2, 1).master_peaks[1] == pytest.approx(0.075, abs=1e-3)


def test_lanes_are_metered_once_they_sound(bench: Bench) -> None:
    reader = MeterReader(bench.block)
    bench.blocks(20)
    levels = reader.read(3, 2)
    assert levels.peaks == levels.rms == ((0.0, 0.0),) * 3, "load 2 does not sound yet"
    assert levels.master_peaks[1] > 0.7
    lanes = {name: sine(10 * RATE, 0.1 * number) for number, name in enumerate(("a", "b", "c"))}
    bench.block.gains[0] = 1.0
    bench.order(source=MemorySource(lanes), load_seq=2, jump=2, jump_frame=-1)
    bench.blocks(20)
    reader.read(3, 2)
    bench.blocks(8)
    levels = reader.read(3, 2)
    np.testing.assert_allclose(levels.peaks, [(0.1 * n,) * 2 for n in range(3)], atol=1e-3)
    np.testing.assert_allclose(levels.rms, [(0.1 * n * HALF_POWER,) * 2 for n in range(3)], rtol=0.05)


def test_without_a_stream_all_falls_to_zero(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(player_meters, "CLOCK", lambda: now[0])
    reader = MeterReader(bench.block)
    bench.blocks(50)
    assert reader.read(2, 1).master_rms[1] > 0.4
    now[0] += RMS_S / 2  # devices ask in bursts: nothing new is not yet nothing
    levels = reader.read(2, 1)
    assert levels.master_rms[1] > 0.4 and levels.master_peaks == (0.0, 0.0)
    now[0] += RMS_S
    levels = reader.read(2, 1)
    assert levels.master_rms == (0.0, 0.0) and levels.rms == ((0.0, 0.0),) * 2
