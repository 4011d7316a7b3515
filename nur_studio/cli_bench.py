"""`nur-studio bench`: how fast MusicGen is here, beside audiocraft, transformers and what memory allows."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nur_studio.console import Interrupts, answer, answer_json, progress_bar
from nur_studio.core.errors import EngineUnavailable, InvalidRequest
from nur_studio.core.timing import format_time
from nur_studio.engines.models import music_model
from nur_studio.engines.musicgen.bench_weights import FOLDER, BenchWeights
from nur_studio.engines.weights import gigabytes

if TYPE_CHECKING:
    from nur_studio.engines.musicgen.bench import Row, Table
    from nur_studio.studio.studio import Studio

_SECONDS = (1, 30)  # what a window can be


def bench_here(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Measure and print; 0, or what it raises: `InvalidRequest`, `StudioError`, `Cancelled`."""
    weights = BenchWeights(studio.directories.cache / FOLDER)
    if arguments.forget:
        return _forget(weights, arguments.json)
    lengths = arguments.seconds or [5, 30]
    for seconds in lengths:
        if not isinstance(seconds, int) or not _SECONDS[0] <= seconds <= _SECONDS[1]:
            raise InvalidRequest("seconds", seconds, f"a whole number from {_SECONDS[0]} to {_SECONDS[1]}")
    info = music_model(arguments.model)
    try:
        from nur_studio.engines.musicgen.bench import bench
    except ImportError as error:
        raise EngineUnavailable(
            f"MusicGen needs {error.name}, not installed here.", hint="`nur-studio doctor` says what would mend it."
        ) from error
    shown: list[dict[str, Any]] = []
    with interrupts.gently() as cancel, progress_bar(arguments.quiet) as on_progress:
        device = studio.settings.device
        tables = bench(info, weights, device, lengths, arguments.quick, not arguments.alone, on_progress, cancel)
        for table in tables:
            shown.append(fields(table))
            if not arguments.json:
                for line in lines(table):
                    answer(line)
    if arguments.json:
        answer_json(shown)
    return 0


def lines(table: Table) -> list[str]:
    """The table for people."""
    steps = "every step of it" if table.whole else "steps in its middle, which stand for the mean of all"
    told = [
        f"{table.model} on {table.device}, {table.threads} threads, {table.seconds:g} s of music: {steps}",
        f"{'ms a step':34} {'median':>7} {'quarters':>15} {'best':>7} {'x real':>7} {'ours is':>8} "
        f"{'÷floor':>7} {'best÷':>7}",
    ]
    ours = table.rows[0]
    for row in table.rows:
        quarters = f"{row.low_ms:.1f} to {row.high_ms:.1f}"
        floor = ""
        if row.bytes:
            floor = f"{row.median_ms / table.floor_ms(row):7.2f} {row.best_ms / table.best_floor_ms(row):7.2f}"
        beside = "" if row is ours else f"{row.median_ms / ours.median_ms:7.2f}x"
        told.append(
            f"{_named(row):34} {row.median_ms:7.1f} {quarters:>15} {row.best_ms:7.1f} {row.times_real:7.2f} "
            f"{beside:>8} {floor}".rstrip()
        )
    floors = ", ".join(f"{table.floor_ms(row):.1f} ms ({row.precision})" for row in table.rows if row.bytes)
    told.append(
        f"memory read beside them: {table.read_gb_s:.1f} GB/s, at best {table.best_read_gb_s:.1f}; "
        f"the floor of ours by the former: {floors}"
    )
    told.append(f"a minute of music takes about {format_time(table.per_minute_s)[:-3]} (min:s)")
    told.extend(table.remarks)
    size = gigabytes(table.weights_bytes)
    told.append(f"the random weights, {size}, are kept in {table.weights}; `nur-studio bench --forget` deletes them")
    return told


def fields(table: Table) -> dict[str, Any]:
    """The table for programs, ratios included."""
    found = asdict(table)
    for row, shown in zip(table.rows, found["rows"], strict=True):
        shown["times_real"] = row.times_real
        shown["floor_ms"] = table.floor_ms(row) if row.bytes else None
        shown["best_floor_ms"] = table.best_floor_ms(row) if row.bytes else None
        shown["ratio_to_ours"] = row.median_ms / table.rows[0].median_ms
    return found


def _forget(weights: BenchWeights, as_json: bool) -> int:
    freed = weights.forget()
    if as_json:
        answer_json({"folder": str(weights.folder), "deleted_bytes": freed})
    elif freed:
        answer(f"Deleted the random weights in {weights.folder}: {gigabytes(freed)}.")
    else:
        answer(f"There are no random weights in {weights.folder}.")
    return 0


def _named(row: Row) -> str:
    return f"{row.name}, {row.precision}"
