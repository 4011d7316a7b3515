"""Demucs at work: what Demucs itself makes of it, in chunks, summing to the mix, stopped at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_demucs import make_network, noise

from nur_studio.audio.files import Encoding, read_audio, write_audio
from nur_studio.audio.peaks import load_peaks
from nur_studio.core.errors import Cancelled, FileProblem, GenerationFailed
from nur_studio.core.mix import SIX_LANES, STEMS
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.core.sound import Audio
from nur_studio.engines.demucs import separating
from nur_studio.engines.demucs.engine import DemucsEngine
from nur_studio.engines.demucs.probe import sizes
from nur_studio.engines.demucs.separating import Ensemble, consistent, separated
from nur_studio.engines.device import choose
from nur_studio.engines.forecast import forecast
from nur_studio.engines.models import separator_model
from nur_studio.engines.stem_files import StemFiles

MakeEngine = Callable[..., DemucsEngine]
SOURCES = ["drums", "bass", "other", "vocals"]
SEGMENT = 22050


def tiny_ensemble(*seeds: int, weights: torch.Tensor | None = None) -> Ensemble:
    networks = [make_network(SOURCES, seed).requires_grad_(False) for seed in seeds]
    rows = torch.ones(len(seeds), 4) if weights is None else weights
    return Ensemble(networks, rows / rows.sum(0), tuple(SOURCES), SEGMENT, torch.device("cpu"))


def run(ensemble: Ensemble, mix: Audio, block: int = 10_007) -> Audio:
    blocks = (mix[start : start + block] for start in range(0, len(mix), block))
    return np.concatenate(list(separated(blocks, len(mix), ensemble, lambda: None, CancelToken())))


@pytest.mark.parametrize("frames", [SEGMENT // 3, SEGMENT, 2 * SEGMENT + 1])
def test_chunks_give_what_demucs_gives(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks with weights, against `apply_model` without its shifts; what is missing is left out here."""
    from demucs.apply import BagOfModels, apply_model

    monkeypatch.setattr(separating, "consistent", lambda stems, mix, rest: stems)
    weights = torch.tensor([[1.0, 0.0, 2.0, 1.0], [1.0, 1.0, 1.0, 0.0]])
    ensemble = tiny_ensemble(0, 1, weights=weights)
    mix = noise(frames / 44100)
    bag = BagOfModels(list(ensemble.networks), weights.tolist())
    theirs = apply_model(bag, torch.from_numpy(mix.T)[None], shifts=0, overlap=separating.OVERLAP)[0]
    ours = run(ensemble, mix)
    assert ours.shape == (frames, 4, 2)
    assert np.abs(ours - theirs.permute(2, 0, 1).numpy()).max() < 1e-6 * np.abs(ours).max()
    assert np.abs(ours).max() > 0.01


def test_the_sum_is_the_mix_and_shares_follow_the_power() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(SEGMENT) / 44100
    low, high = (np.sin(2 * np.pi * hertz * time_s) for hertz in (100.0, 5000.0))
    stems = torch.from_numpy(np.stack([0.7 * low, 0.5 * high, 0 * low, 0 * low])[:, None].repeat(2, 1)).float()
    mix = torch.from_numpy(np.stack([low + high] * 2)).float()
    whole = consistent(stems, mix, rest=2)
    assert (whole.sum(0) - mix).abs().max() < 1e-5
    middle = slice(4096, -4096)
    assert (whole[0, 0, middle] - mix[0, middle] + torch.from_numpy(high).float()[middle]).abs().max() < 0.02
    assert (whole[1, 0, middle] - torch.from_numpy(high).float()[middle]).abs().max() < 0.02
    assert whole[2:].abs().max() < 0.02, "what belongs to others is no ghost in the rest"
    silent = consistent(torch.zeros(4, 2, SEGMENT), torch.from_numpy(rng.standard_normal((2, SEGMENT))).float(), rest=2)
    assert silent[[0, 1, 3]].abs().max() < 1e-3 * silent[2].abs().max()


def separate(engine: DemucsEngine, folder: Path, mix: Audio, rate: int, subtype: str = "") -> dict[str, Audio]:
    """The stems as their files hold them, and the mix as its own does."""
    file = folder / "mix.flac"
    write_audio(file, mix, rate, Encoding("flac", subtype))
    with StemFiles(folder, file, engine.info.lanes) as files:
        engine.separate(file, files.add, ignore_progress, CancelToken())
        files.check_whole()
    stems = {path.stem: read_audio(path)[0] for path in (folder / "stems").iterdir()}
    assert all(read_audio(folder / "stems" / f"{name}.flac")[1] == rate for name in stems)
    return {"mix": read_audio(file)[0], **stems}


def residual_db(parts: dict[str, Audio], lanes: tuple[str, ...]) -> float:
    mix = parts["mix"].astype(np.float64)
    missing = mix - sum(parts[lane].astype(np.float64) for lane in lanes)
    rms = float(np.sqrt((missing**2).mean()))
    return 20 * np.log10(max(rms, 1e-12) / max(float(np.sqrt((mix**2).mean())), 1e-12))


@pytest.mark.parametrize(
    ("name", "layout", "frames", "rate", "subtype"),
    [
        ("htdemucs", "torch", 40_001, 44100, "PCM_24"),
        ("htdemucs_6s", "safetensors", 30_011, 48000, "PCM_16"),
        ("htdemucs_ft", "safetensors", 7_919, 22050, "PCM_24"),
        ("htdemucs", "torch", 60_013, 96000, "PCM_24"),
    ],
)
def test_the_files_sum_to_the_mix_bit_by_bit(
    make_engine: MakeEngine, tmp_path: Path, name: str, layout: str, frames: int, rate: int, subtype: str
) -> None:
    engine = make_engine(name, layout)
    mix = noise(frames / rate, rate) + np.float32(0.02)  # with an offset, as some converters have it
    parts = separate(engine, tmp_path, mix, rate, subtype)
    assert {len(audio) for audio in parts.values()} == {frames}
    assert set(parts) == {"mix", "other", *engine.info.lanes}
    for lanes in {STEMS, engine.info.lanes}:
        assert residual_db(parts, lanes) < -200, "all the same down to the last bit"
    assert all(np.abs(parts[lane]).max() > 1e-4 for lane in engine.info.lanes), "none of them is empty"
    peaks = load_peaks(tmp_path / "peaks.npz")
    assert set(peaks) == set(parts)
    assert {peaks[lane].frames for lane in peaks} == {frames}


def test_without_the_last_lane_made_exact_the_sum_is_within_minus_60_db(tmp_path: Path) -> None:
    """What the separator itself hands over: the shares alone do it."""
    mix = noise(1.1)
    total = run(tiny_ensemble(0), mix).sum(axis=1)
    assert 20 * np.log10(np.sqrt(((total - mix) ** 2).mean()) / np.sqrt((mix**2).mean())) < -100


@pytest.mark.parametrize("kind", ["silence", "one sided", "opposite", "mono"])
def test_odd_mixes_are_finite_and_sum(make_engine: MakeEngine, tmp_path: Path, kind: str) -> None:
    mix = noise(0.7)
    mix = {"silence": 0 * mix, "one sided": mix * [1, 0], "opposite": mix[:, :1] * [1, -1], "mono": mix[:, :1]}[kind]
    parts = separate(make_engine(), tmp_path, mix.astype(np.float32), 44100)
    if kind == "mono":
        parts["mix"] = np.repeat(parts["mix"], 2, axis=1)
    if kind == "silence":
        assert all(not audio.any() for audio in parts.values())
    assert residual_db(parts, STEMS) < -200 or kind == "silence"
    assert {parts[lane].shape for lane in STEMS} == {(len(mix), 2)}


def test_more_than_two_channels_are_a_sentence(make_engine: MakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "surround.wav"
    write_audio(file, np.zeros((1000, 6), np.float32), 44100, Encoding("wav"))
    with pytest.raises(FileProblem, match="6 channels"):
        make_engine().separate(file, lambda _: None, ignore_progress, CancelToken())


def test_the_same_mix_gives_the_same_stems(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine, mix = make_engine(), noise(0.6)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = separate(engine, tmp_path / "a", mix, 44100), separate(engine, tmp_path / "b", mix, 44100)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_progress_goes_chunk_by_chunk_and_the_recipe_is_told_all(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine("htdemucs_ft")
    file = tmp_path / "mix.flac"
    write_audio(file, noise(0.8), 44100, Encoding("flac"))
    seen: list[Progress] = []
    separation = engine.separate(file, lambda _: None, seen.append, CancelToken())
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len([progress for progress in seen if progress.stage == "separating"]) == 1 + 3 * 4
    details = separation.details
    assert (details["model"], details["device"], details["precision"]) == ("htdemucs_ft", choose("cpu").title, "fp32")
    hashes = details["hashes"]
    assert isinstance(hashes, dict)
    assert len(hashes) == 5
    assert all(len(digest) == 64 for digest in hashes.values())


def test_cancel_ends_it_within_a_layer(make_engine: MakeEngine, tmp_path: Path) -> None:
    """In the midst of a network: the checks of a chunk count, and one of them is the person's."""
    engine = make_engine()
    engine.warm()
    file = tmp_path / "mix.flac"
    write_audio(file, noise(2.0), 44100, Encoding("flac"))

    class Later(CancelToken):
        looks = 0

        def check(self) -> None:
            self.looks += 1
            if self.looks == 12:
                self.cancel()
            super().check()

    token = Later()
    begun: list[Any] = []
    started = time.perf_counter()
    with pytest.raises(Cancelled):
        engine.separate(file, begun.append, ignore_progress, token)
    assert begun == [], "not even the first chunk was done"
    assert time.perf_counter() - started < 20
    network = engine._ready[0].networks[0] if engine._ready else None
    assert network is not None
    assert not network.encoder[0]._forward_pre_hooks, "nothing is left behind in the network"


def test_out_of_memory_says_what_helps_and_gives_it_back(
    make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine()
    engine.warm()
    file = tmp_path / "mix.flac"
    write_audio(file, noise(0.2), 44100, Encoding("flac"))

    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Ensemble, "separate", fail)
    with pytest.raises(GenerationFailed, match="not enough memory for Demucs"):
        engine.separate(file, lambda _: None, ignore_progress, CancelToken())
    assert engine._ready is None


def test_memory_does_not_grow_with_the_music() -> None:
    """No more of the mix is taken in than a chunk and what its neighbour needs."""
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1000
            yield np.zeros((1000, 2), np.float32)

    ensemble = tiny_ensemble(0)
    stems = separated(endless(), 10**9, ensemble, lambda: None, CancelToken())
    given = sum(len(block) for block in itertools.islice(stems, 2))
    assert given == 2 * ensemble.stride
    assert taken <= given + SEGMENT


def test_a_forecast_needs_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {"channels": 8, "growth": 1, "dconv_mode": 0, "t_layers": 1, "t_heads": 2, "segment": 1}
    monkeypatch.setattr("nur_studio.engines.demucs.probe.sizes", lambda info: {"sources": SOURCES, **tiny})
    one, four = (forecast(separator_model(name), "cpu") for name in ("htdemucs", "htdemucs_ft"))
    assert (one.model, one.precision, one.fits) == ("htdemucs", "fp32", True)
    assert four.seconds_per_minute > 1.5 * one.seconds_per_minute > 0
    assert four.memory_bytes > one.memory_bytes


@pytest.mark.parametrize("name", ["htdemucs", "htdemucs_6s"])
def test_the_catalogue_knows_the_true_sizes(name: str) -> None:
    from demucs.htdemucs import HTDemucs

    info = separator_model(name)
    with torch.device("meta"):
        network: Any = HTDemucs(**sizes(info), rescale=0, emb_smooth=False)
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(info.parameters, rel=0.001)
    assert info.download_bytes == pytest.approx(2 * info.parameters, rel=0.01)
    assert set(info.lanes) in (set(STEMS), set(SIX_LANES))
