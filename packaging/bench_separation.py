"""Measures separation against Demucs' own command line, on the same weights, in one run.

    python packaging/bench_separation.py [--seconds 60] [--model htdemucs] [--long 300] [--rounds 3] [--halves]

The weights are made up by chance, of the published size and in the published format: time and memory do not depend on
what they say. Each program runs as a process of its own, loading included; memory is the peak of what it held. Then:
the peak for `--long` seconds, for which all but the first chunks are answered without computing (they would hold what
the first ones held), and how long a cancel takes in the midst of a chunk.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.audio.files import Encoding, write_audio
from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import SeparatorModel, separator_model
from nur_studio.engines.process import EngineProcess
from nur_studio.engines.weights import WeightStore

RATE = 44100
COMPUTED_CHUNKS = 2  # of the long one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", default="htdemucs")
    parser.add_argument("--long", type=float, default=300.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--halves", action="store_true")
    parser.add_argument("--forward-only", action="store_true")
    parser.add_argument("--threads", type=int, default=0, help="for the table of forwards; 0: as many as there are")
    parser.add_argument("--own", nargs=4, metavar=("MODELS", "MODEL", "MIX", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--chunks", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.own:
        models, model, mix, out = options.own
        separate(models, model, mix, out, computed=options.chunks)
        return
    info = separator_model(options.model)
    if not options.forward_only:
        compare_programs(info, options.seconds, options.long)
    if options.rounds:  # last: a program's peak counts what its parent held when it began
        compare_forwards(info, options.rounds, options.threads, halves=options.halves)


def compare_programs(info: SeparatorModel, seconds: float, long_s: float) -> None:
    """Demucs' command and the studio, each from its start to the files."""
    with tempfile.TemporaryDirectory(prefix="nur-bench-") as name:
        folder = Path(name)
        repository = make_repository(folder / "repository", info)
        store = WeightStore(folder / "models")
        import_folder(store, repository, ignore_progress, CancelToken())
        mix, long = folder / "mix.wav", folder / "long.wav"
        write_noise(mix, seconds)
        write_noise(long, long_s)
        own = [sys.executable, __file__, "--own", str(store.folder), info.name]
        theirs = [sys.executable, "-m", "demucs", "-n", info.name, "--repo", str(repository), "-d", "cpu"]
        rows = [
            (f"Demucs' own, {seconds:g} s", *measured([*theirs, "-o", str(folder / "theirs"), str(mix)])),
            (f"the studio, {seconds:g} s", *measured([*own, str(mix), str(folder / "ours")])),
        ]
        *_, peak = measured([*own, str(long), str(folder / "long"), "--chunks", str(COMPUTED_CHUNKS)])
        print(f"{info.title}, {info.parameters / 1e6:.0f} M weights, on the CPU\n")
        print(f"{'':<28}{'wall':>10}{'CPU':>10}{'peak memory':>14}")
        for title, wall, cpu, memory in rows:
            print(f"{title:<28}{wall:>8.1f} s{cpu:>8.1f} s{memory / 1e6:>11.0f} MB")
        print(f"{f'the studio, {long_s:g} s':<28}{'':>20}{peak / 1e6:>11.0f} MB")
        print(f"\nours to theirs: wall {rows[1][1] / rows[0][1]:.2f}, CPU {rows[1][2] / rows[0][2]:.2f}", flush=True)
        print(f"a cancel in the midst of a chunk takes {cancel_latency(store.folder, info, mix, folder) * 1000:.0f} ms")


def measured(command: list[str]) -> tuple[float, float, float]:
    """Seconds a program runs, on the clock and of CPU (what else runs disturbs these less), and the most bytes it held.

    Only where there is `wait4`.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(told.decode(errors="replace"))
    cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - started, cpu, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def separate(models: str, model: str, mix: str, out: str, computed: int = 0) -> None:
    """What the engine process does, alone in this one. `computed`: chunks after which no network is asked any more."""
    from nur_studio.engines.demucs import separating
    from nur_studio.engines.demucs.engine import DemucsEngine
    from nur_studio.engines.stem_files import StemFiles

    folder = Path(out)
    folder.mkdir()
    engine = DemucsEngine(model, models, "cpu")
    whole = separating.Ensemble.separate
    asked = 0

    def few(self: Any, chunk: Any, on_network: Any, cancel: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked <= computed:
            return whole(self, chunk, on_network, cancel)
        return np.repeat(chunk[:, None] / len(self.sources), len(self.sources), axis=1)

    if computed:
        separating.Ensemble.separate = few  # type: ignore[method-assign]
    with StemFiles(folder, Path(mix), engine.info.lanes) as files:
        engine.separate(Path(mix), files.add, ignore_progress, CancelToken())
        files.check_whole()


def cancel_latency(models: Path, info: SeparatorModel, mix: Path, folder: Path) -> float:
    """Seconds from a cancel to the answer, half a second into the first chunk, through the engine process."""
    engine = EngineInfo(
        info.name, info.title, info.summary, info.licence, "nur_studio.engines.demucs.engine:demucs",
        options={"model": info.name, "folder": str(models), "device": "cpu"}, lanes=info.lanes,
    )  # fmt: skip
    process, token = EngineProcess(folder / "engine.log"), CancelToken()
    stopped = [0.0]

    def stop() -> None:
        stopped[0] = time.perf_counter()
        token.cancel()

    def tell(progress: Progress) -> None:
        if progress.stage == "separating" and not timer.is_alive() and not token.is_set():
            timer.start()

    timer = threading.Timer(0.5, stop)
    (folder / "cancelled").mkdir()
    try:
        process.separate(engine, mix, folder / "cancelled", tell, token)
    except Cancelled:
        return time.perf_counter() - stopped[0]
    finally:
        process.close()
    raise SystemExit("it was done before it could be cancelled")


def compare_forwards(info: SeparatorModel, rounds: int, threads: int, *, halves: bool) -> None:
    """Print a row for each way to compute a network, after `rounds` of turns."""
    import torch
    from demucs.transformer import LayerScale

    from nur_studio.engines.demucs.forward import PLAIN, Forward
    from nur_studio.engines.demucs.network import SAMPLE_RATE, new_network
    from nur_studio.engines.demucs.probe import sizes

    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = new_network(sizes(info))
    for part in network.modules():
        if isinstance(part, LayerScale):  # made so faint that whole branches would not be heard in the errors
            part.scale.uniform_(0.05, 0.5)
    mix = torch.from_numpy(sketched(int(network.segment * SAMPLE_RATE)).T)[None]
    blocks = Forward(in_blocks=True)
    ways: dict[str, tuple[Forward, bool, Any]] = {
        "as Demucs does": (PLAIN, False, None),
        "memory kept": (PLAIN, True, None),
        "+ attention in blocks": (blocks, True, None),  # as the studio does
        "+ channels last": (blocks, True, torch.channels_last),
    }
    if halves:
        ways |= {"the same in bf16": (blocks, True, torch.bfloat16), "the same in fp16": (blocks, True, torch.float16)}
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    errors: dict[str, list[float]] = {}
    plain: Any = None
    for turn in range(rounds + 1):
        for name, (forward, keeping, more) in ways.items():
            if isinstance(more, torch.dtype) and turn > 1:
                continue
            stems, *figures = one_forward(network, mix, forward, keeping, more)
            plain = stems if plain is None else plain
            errors[name] = [decibels_off(ours, theirs) for ours, theirs in zip(stems, plain, strict=True)]
            if turn:  # the first is a rehearsal
                taken[name].append((figures[0], figures[1], figures[2]))
    print(
        f"one chunk of {float(network.segment):g} s by {info.title}, {torch.get_num_threads()} threads, {rounds} turns"
    )
    heads = "   ".join(("wall", "best", "  is", " CPU", "best", "  is", "   held"))
    print(f"{'':<24}{heads}   error in dB: {', '.join(network.sources)}")
    first = [min(column) for column in list(zip(*taken["as Demucs does"], strict=True))]
    for name, rows in taken.items():
        wall, cpu, held = zip(*rows, strict=True)
        speeds = "   ".join(
            f"{np.median(times):4.1f}   {min(times):4.1f}   {min(times) / best:4.2f}"
            for times, best in ((wall, first[0]), (cpu, first[1]))
        )
        told = ", ".join(f"{error:.0f}" for error in errors[name])
        print(f"{name:<24}{speeds}  {max(held) / 1e6:5.0f} MB   {told}", flush=True)
    print()


def one_forward(network: Any, mix: Any, forward: Any, keeping: bool, more: Any) -> tuple[Any, float, float, float]:
    """Stems (sources, 2, frames), seconds on the clock and of CPU, and bytes held at most (0 where it is not Linux).

    `more`: a layout of the weights, a precision, or None.
    """
    from contextlib import nullcontext

    import torch

    from nur_studio.engines.demucs.memory import kept

    network.to(memory_format=more if isinstance(more, torch.memory_format) else torch.contiguous_format)
    half = torch.autocast("cpu", more) if isinstance(more, torch.dtype) else nullcontext()
    forget_peak()
    with torch.inference_mode(), kept() if keeping else nullcontext(), forward.at_work(), half:
        wall, cpu = time.perf_counter(), time.process_time()
        stems = network(mix)[0].float()
        return stems, time.perf_counter() - wall, time.process_time() - cpu, peak_bytes()


def decibels_off(ours: Any, theirs: Any) -> float:
    """The power of a difference over the power of what it should be."""
    difference = float((ours - theirs).double().square().mean())
    return float(10 * np.log10(max(difference, 1e-30) / max(float(theirs.double().square().mean()), 1e-30)))


def forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> float:
    """What this process held at most since `forget_peak`."""
    try:
        told = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return 1024.0 * int(told.split("VmHWM:")[1].split()[0])


def sketched(frames: int) -> Any:
    """So many frames (frames, 2) of music that Sketch makes, at Demucs' rate."""
    import soxr

    from nur_studio.core.prompt import read_prompt
    from nur_studio.engines.base import MusicTask, Unheard
    from nur_studio.engines.sketch.engine import sketch

    prompt = "Bright pop song with plucks and a catchy hook, 110 bpm"
    reading = read_prompt(prompt)
    task = MusicTask(prompt, frames / RATE + 1, reading.tempo, 1234, reading)
    music = sketch().generate(task, ignore_progress, Unheard(), CancelToken())
    return soxr.resample(music.mix, music.sample_rate, RATE, quality="VHQ")[:frames].astype(np.float32)


def make_repository(folder: Path, info: SeparatorModel) -> Path:
    """A local repository of Demucs with networks of the published size, written by Demucs itself."""
    from demucs import states
    from demucs.htdemucs import HTDemucs
    from omegaconf import OmegaConf

    from nur_studio.engines.demucs.probe import sizes

    folder.mkdir()
    arguments: Any = sizes(info)
    writing: Any = states  # has no types
    for signature in info.networks:
        network = HTDemucs(**arguments)
        writing.save_with_checksum(writing.serialize_model(network, OmegaConf.create({})), folder / f"{signature}.th")
    (folder / f"{info.name}.yaml").write_text(json.dumps({"models": list(info.networks)}))
    return folder


def write_noise(path: Path, seconds: float) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal((round(seconds * RATE), 2)).astype(np.float32)
    write_audio(path, sound, RATE, Encoding("wav", "PCM_16"))


if __name__ == "__main__":
    main()
