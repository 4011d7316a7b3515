"""Random weights of a model's true size, made once and kept on disk for the bench: they are no music.

One safetensors file a model, in halves and by audiocraft's names, so that it is read as a published checkpoint is:
mapped, and packed layer by layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.audio.whole import replacing, system_fault
from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.models import MusicModel
from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.probe import facts_of
from nur_studio.engines.tensor_files import Tensor, header_of, read_metadata, read_tensors
from nur_studio.engines.weights import WeightStore

if TYPE_CHECKING:
    import torch

FOLDER = "bench"
"""Below the studio's cache."""
_FORMAT = 1
_MADE_BY, _MARK = "made_by", "nur-studio bench"
_SPREAD = 0.02  # of a matrix' numbers; embeddings have 1
_HALF_BYTES = 2


@dataclass(frozen=True, slots=True)
class BenchWeights:
    """The random weights in `folder`, which nothing else is kept in."""

    folder: Path

    def path(self, info: MusicModel) -> Path:
        """Where a model's are, or would be."""
        return self.folder / f"{info.name}-{_FORMAT}.safetensors"

    def prepare(self, info: MusicModel, on_progress: OnProgress, cancel: Cancel) -> str:
        """Make a model's weights where they are not here. A sentence where a file had to be replaced, else "".

        A file is taken for right where its length, names, shapes and mark are: any numbers would do. Raises
        `FileProblem` where the disk is full or the file cannot be written, `Cancelled`.
        """
        path = self.path(info)
        wanted = _tensors(path, facts_of(info, info.layers))
        remark = ""
        if path.exists():
            if _is_whole(path, wanted):
                return ""
            remark = f"{path} was damaged or something else, and was made anew."
        size = sum(tensor.end - tensor.start for tensor in wanted.values())
        try:
            WeightStore(self.folder).room_for(size)
        except OSError as error:
            raise system_fault(error, "written", path) from error
        _make(path, wanted, size, on_progress, cancel)
        return remark

    def model(
        self, info: MusicModel, device: torch.device, precision: str, layers: int | None = None, *, cancel: Cancel
    ) -> Any:
        """A `LanguageModel` of the prepared weights, with the first `layers` of its layers or all of them.

        Raises `BadCheckpoint` where they went away meanwhile, `Cancelled`.
        """
        from nur_studio.engines.musicgen.checkpoint import Weights
        from nur_studio.engines.musicgen.compiled import compiled
        from nur_studio.engines.musicgen.weights import read_language_model

        path = self.path(info)
        facts = facts_of(info, info.layers if layers is None else layers)
        weights = Weights(self.read(info), path)
        return compiled(read_language_model(weights, facts, device, precision, lambda _: cancel.check()))

    def read(self, info: MusicModel) -> dict[str, torch.Tensor]:
        """The prepared weights by audiocraft's names, mapped from disk. Raises `BadCheckpoint`."""
        from nur_studio.engines.musicgen.published import read_mapped

        return read_mapped(self.path(info))

    def disk_bytes(self, path: Path) -> int:
        """What a file weighs, 0 where it is not there."""
        try:
            return path.stat().st_size
        except OSError:
            return 0

    def forget(self) -> int:
        """Delete all of them, and what a bench that was killed left behind; the bytes freed. Raises `FileProblem`."""
        freed = 0
        for path in sorted([*self.folder.glob("*.safetensors"), *self.folder.glob(".*.part")]):
            size = self.disk_bytes(path)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise system_fault(error, "deleted", path) from error
            freed += size
        return freed


def _is_whole(path: Path, wanted: Mapping[str, Tensor]) -> bool:
    try:
        found = read_tensors(path)
        return read_metadata(path).get(_MADE_BY) == _MARK and {
            name: (tensor.kind, tensor.shape, tensor.end - tensor.start) for name, tensor in found.items()
        } == {name: (tensor.kind, tensor.shape, tensor.end - tensor.start) for name, tensor in wanted.items()}
    except FileProblem:
        return False


def _make(path: Path, wanted: Mapping[str, Tensor], size: int, on_progress: OnProgress, cancel: Cancel) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    done = 0
    with replacing(path) as file:
        file.write(header_of(wanted, {_MADE_BY: _MARK}))
        for name, tensor in wanted.items():
            cancel.check()
            on_progress(Progress("making random weights", done / size))
            file.write(_random(name, tensor.shape, generator))
            done += tensor.end - tensor.start


def _random(name: str, shape: tuple[int, ...], generator: torch.Generator) -> bytes:
    import torch

    if len(shape) == 1:  # a norm's
        numbers = torch.full(shape, float(name.endswith("weight")))
    else:
        numbers = torch.randn(shape, generator=generator)
        if not name.startswith("emb."):
            numbers *= _SPREAD
    return numbers.half().numpy().astype("<f2", copy=False).tobytes()


def _tensors(path: Path, facts: ModelFacts) -> dict[str, Tensor]:
    tensors, place = {}, 0
    for name, shape in _shapes(facts).items():
        end = place + _HALF_BYTES * prod(shape)
        tensors[name] = Tensor(path, "F16", shape, place, end)
        place = end
    return tensors


def _shapes(facts: ModelFacts) -> dict[str, tuple[int, ...]]:
    dim, wide, books = facts.dim, facts.feed_forward, range(facts.codebooks)
    shapes: dict[str, tuple[int, ...]] = {f"emb.{book}.weight": (facts.card + 1, dim) for book in books}
    matrices: dict[str, tuple[int, ...]] = {
        "self_attn.in_proj_weight": (3 * dim, dim),
        "self_attn.out_proj.weight": (dim, dim),
        "linear1.weight": (wide, dim),
        "linear2.weight": (dim, wide),
    }
    norms = ["norm1", "norm2"]
    if facts.cross:
        matrices |= {"cross_attention.in_proj_weight": (3 * dim, dim), "cross_attention.out_proj.weight": (dim, dim)}
        norms.append("norm_cross")
    for index in range(facts.layers):
        prefix = f"transformer.layers.{index}."
        shapes |= {prefix + name: shape for name, shape in matrices.items()}
        shapes |= {f"{prefix}{norm}.{part}": (dim,) for norm in norms for part in ("weight", "bias")}
    shapes |= {f"out_norm.{part}": (dim,) for part in ("weight", "bias")}
    return shapes | {f"linears.{book}.weight": (facts.card, dim) for book in books}
