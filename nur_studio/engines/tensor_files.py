"""Safetensors files by their bytes: checked, and taken apart, without any library that computes.

A file is eight bytes of length, a JSON header with each tensor's type, shape and place, then the tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nur_studio.core.errors import FileProblem

READ_BYTES = 1 << 20
_LONGEST_HEADER = 100 << 20
_METADATA = "__metadata__"
_AGAIN = "Copy it again from where it is whole."


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor's bytes lie: from `start` to `end` of the file at `path`."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file, by name. Raises `FileProblem` where the file is damaged, cut short or something else."""
    try:
        header, length = _header(path)
        tensors = {name: _tensor(path, 8 + length, entry) for name, entry in header.items() if name != _METADATA}
        if not tensors or path.stat().st_size != max(tensor.end for tensor in tensors.values()):
            raise ValueError("length")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileProblem(f"{path} is damaged, cut short or no safetensors file.", hint=_AGAIN) from error
    return tensors


def read_metadata(path: Path) -> dict[str, str]:
    """What a file says of itself beside its tensors. Raises `FileProblem` as `read_tensors` does."""
    try:
        entries = _header(path)[0].get(_METADATA, {})
        return {name: text for name, text in entries.items() if isinstance(text, str)}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise FileProblem(f"{path} is damaged, cut short or no safetensors file.", hint=_AGAIN) from error


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header and its length in bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _LONGEST_HEADER:
            raise ValueError("header")
        header: dict[str, Any] = json.loads(file.read(length))
    return header, length


def _tensor(path: Path, data: int, entry: dict[str, Any]) -> Tensor:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    whole = all(isinstance(number, int) and number >= 0 for number in (start, end, *shape))
    if not whole or end < start or not isinstance(entry["dtype"], str):
        raise ValueError("entry")
    return Tensor(path, entry["dtype"], shape, data + start, data + end)


def header_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The beginning of a file of these tensors, whose bytes follow in their order; only their sizes matter here."""
    header: dict[str, object] = {_METADATA: {"format": "pt", **metadata}}
    place = 0
    for name, tensor in tensors.items():
        size = tensor.end - tensor.start
        header[name] = {"dtype": tensor.kind, "shape": tensor.shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write_tensors(path: Path, tensors: dict[str, Tensor], on_bytes: Callable[[int], None]) -> dict[str, object]:
    """Write tensors of other files as one of their own; its size and SHA-256. `on_bytes` is told the bytes so far."""
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as target:
        for block in _blocks(header_of(tensors, {}), tensors.values()):
            digest.update(block)
            target.write(block)
            count += len(block)
            on_bytes(count)
    return {"bytes": count, "sha256": digest.hexdigest()}


def _blocks(header: bytes, tensors: Iterable[Tensor]) -> Iterable[bytes]:
    yield header
    for tensor in tensors:
        with tensor.path.open("rb") as source:
            source.seek(tensor.start)
            left = tensor.end - tensor.start
            while left:
                block = source.read(min(READ_BYTES, left))
                if not block:
                    raise FileProblem(f"{tensor.path} ended while it was read.", hint=_AGAIN)
                left -= len(block)
                yield block
