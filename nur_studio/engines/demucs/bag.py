"""A bag: the small text file that says which networks a Demucs is made of, and how much each has to say about a stem.

`NAME.yaml` beside one file for each network: `SIGNATURE.safetensors`, as on the hub, or `SIGNATURE-CHECKSUM.th`, as in
Demucs' own local repositories, where the checksum is the beginning of the file's SHA-256.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nur_studio.engines.checkpoints import AGAIN, BadCheckpoint

SUFFIX = ".yaml"
_LARGEST = 1 << 16  # bytes; published ones have a hundred
_MOST_NETWORKS, _MOST_STEMS = 8, 16
_SIGNATURE = re.compile(r"[0-9A-Za-z_]{1,64}")
_TORCH_FILE = re.compile(r"([0-9A-Za-z_]{1,64})(?:-([0-9a-f]{8,64}))?\.th")


NAMED = frozenset(
    {
        "demucs.htdemucs HTDemucs",
        "fractions Fraction",
        "numpy dtype",
        "numpy.core.multiarray scalar",
        "numpy._core.multiarray scalar",
        "_codecs encode",
    }
)
"""What a network's pickle names beside tensors: `network` says who answers to it."""


@dataclass(frozen=True, slots=True)
class Bag:
    """`weights` has a row for each of `networks` and a column for each stem; None: they count alike.

    `segment_s` shortens what a network hears at a time; None leaves it as it was trained.
    """

    networks: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None = None
    segment_s: float | None = None


def read_bag(path: Path) -> Bag:
    """The bag in a file. Raises `BadCheckpoint` where it is missing, damaged, or none."""
    entries = _entries(path)
    networks = entries.get("models")
    if (
        not isinstance(networks, list)
        or not 1 <= len(networks) <= _MOST_NETWORKS
        or not all(isinstance(name, str) and _SIGNATURE.fullmatch(name) for name in networks)
    ):
        raise _no_bag(path)
    weights, segment = entries.get("weights"), entries.get("segment")
    if weights is not None and not _fit(weights, len(networks)):
        raise _no_bag(path)
    if segment is not None and not (_is_number(segment) and 0 < segment < 1000):
        raise _no_bag(path)
    rows = None if weights is None else tuple(tuple(float(value) for value in row) for row in weights)
    return Bag(tuple(networks), rows, None if segment is None else float(segment))


def network_file(names: Sequence[str], signature: str) -> str:
    """Which of the files in a folder holds the network of this signature; safetensors first, "" where none does."""
    if f"{signature}.safetensors" in names:
        return f"{signature}.safetensors"
    found = [name for name in names if (match := _TORCH_FILE.fullmatch(name)) and match[1] == signature]
    return min(found, default="")


def checksum_of(name: str) -> str:
    """What a file's name says its SHA-256 begins with, or ""."""
    match = _TORCH_FILE.fullmatch(name)
    return match[2] or "" if match else ""


def _entries(path: Path) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > _LARGEST:
            raise _no_bag(path)
        text = path.read_text("utf-8")
        # Nobody writes aliases by hand, and a few lines of them unfold to gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise _no_bag(path)
        entries = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path.name} is missing in {path.parent}.", hint=AGAIN) from error
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror or error}).", hint=AGAIN) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _no_bag(path) from error
    if not isinstance(entries, dict):
        raise _no_bag(path)
    return entries


def _fit(weights: object, networks: int) -> bool:
    """A rectangle of numbers from 0 on, in which no stem is left to nobody."""
    if not isinstance(weights, list) or len(weights) != networks or not all(isinstance(row, list) for row in weights):
        return False
    width = len(weights[0])
    if not 1 <= width <= _MOST_STEMS or any(len(row) != width for row in weights):
        return False
    values = [value for row in weights for value in row]
    return all(_is_number(value) and 0.0 <= value <= 1e6 for value in values) and all(
        sum(row[stem] for row in weights) > 0.0 for stem in range(width)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_bag(path: Path) -> BadCheckpoint:
    return BadCheckpoint(f"{path} does not say which networks the model is made of.", hint=AGAIN)
