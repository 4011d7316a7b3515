"""Measures separation against Demucs' own command line, on the same weights, in one run.

    python packaging/bench_separation.py [--seconds 60] [--model htdemucs] [--long 300]

The weights are made up by chance, of the published size and in the published format: time and memory do not depend on
what they say. Each program runs as a process of its own, loading included; memory is the peak of what it held. Then:
the peak for `--long` seconds, for which all but the first chunks are answered without computing (they would hold what
the first ones held), and how long a cancel takes in the midst of a chunk.
"""

from __future__ import annotations

import argparse
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
    parser.add_argument("--own", nargs=4, metavar=("MODELS", "MODEL", "MIX", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--chunks", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.own:
        models, model, mix, out = options.own
        separate(models, model, mix, out, computed=options.chunks)
        return
    info = separator_model(options.model)
    with tempfile.TemporaryDirectory(prefix="nur-bench-") as name:
        folder = Path(name)
        repository = make_repository(folder / "repository", info)
        store = WeightStore(folder / "models")
        import_folder(store, repository, ignore_progress, CancelToken())
        mix, long = folder / "mix.wav", folder / "long.wav"
        write_noise(mix, options.seconds)
        write_noise(long, options.long)
        own = [sys.executable, __file__, "--own", str(store.folder), info.name]
        theirs = [sys.executable, "-m", "demucs", "-n", info.name, "--repo", str(repository), "-d", "cpu"]
        rows = [
            (f"Demucs' own, {options.seconds:g} s", *measured([*theirs, "-o", str(folder / "theirs"), str(mix)])),
            (f"the studio, {options.seconds:g} s", *measured([*own, str(mix), str(folder / "ours")])),
        ]
        *_, peak = measured([*own, str(long), str(folder / "long"), "--chunks", str(COMPUTED_CHUNKS)])
        print(f"{info.title}, {info.parameters / 1e6:.0f} M weights, on the CPU\n")
        print(f"{'':<28}{'wall':>10}{'CPU':>10}{'peak memory':>14}")
        for title, wall, cpu, memory in rows:
            print(f"{title:<28}{wall:>8.1f} s{cpu:>8.1f} s{memory / 1e6:>11.0f} MB")
        print(f"{f'the studio, {options.long:g} s':<28}{'':>20}{peak / 1e6:>11.0f} MB")
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
