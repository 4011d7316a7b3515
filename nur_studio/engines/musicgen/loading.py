"""Loads a MusicGen model from folders on this machine: nothing is asked of the network, nothing in a file is run."""

from __future__ import annotations

import json
import logging
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.checkpoints import BadCheckpoint, read_package
from nur_studio.engines.musicgen.checkpoint import CODEC_FILE, LM_FILE, Weights, best_state, read_config
from nur_studio.engines.musicgen.codec import Codec, take_apart
from nur_studio.engines.musicgen.compiled import compiled
from nur_studio.engines.musicgen.conditions import Conditioner
from nur_studio.engines.musicgen.facts import ModelFacts, UnknownModel, read_facts
from nur_studio.engines.musicgen.published import WEIGHTS_FILE, is_published, read_published
from nur_studio.engines.musicgen.shim import audiocraft
from nur_studio.engines.musicgen.weights import LanguageModel, Tell, read_language_model

log = logging.getLogger(__name__)

_HINT = "Import the model again."
_STAGE = "loading the model"
_POLL_S = 0.05
_IMPORTED, _TEXT_READY, _CODEC_READY = 0.5, 0.65, 0.7  # rough shares of a first load of the small model


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Where a model's parts lie. `text_encoder` holds a T5 encoder and its tokenizer, `codec` an EnCodec, both in
    transformers' layout; `codec` is needed only where the checkpoint does not bring its own.
    """

    checkpoint: Path
    text_encoder: Path
    codec: Path | None = None


@dataclass(frozen=True, slots=True)
class MusicGenModel:
    """A model ready to make music."""

    facts: ModelFacts
    language_model: LanguageModel
    conditioner: Conditioner
    codec: Codec

    @property
    def window_frames(self) -> int:
        """The longest window the model was trained on, in frames."""
        return int(self.facts.window_s * self.codec.frame_rate)


def load(
    folders: ModelFolders,
    device: torch.device,
    precision: str,
    on_progress: OnProgress,
    cancel: Cancel,
) -> MusicGenModel:
    """Load a model for `device`, its transformer's products in `precision` (fp32, bf16, fp16 or int8).

    Raises `BadCheckpoint` or `UnknownModel` for files that cannot be used, `EngineUnavailable` where a package is
    missing, `Cancelled`.
    """

    def tell(fraction: float) -> None:
        cancel.check()
        on_progress(Progress(_STAGE, fraction))

    tell(0.0)
    # The checkpoints first: what is wrong with a file is known in milliseconds, and the imports take seconds.
    if is_published(folders.checkpoint):
        path = folders.checkpoint / WEIGHTS_FILE
        config, state = read_published(folders.checkpoint)
        facts, weights = read_facts(config), Weights(state, path)
        codec_package: dict[str, Any] = {"pretrained": "encodec_32khz"}
    else:
        path = folders.checkpoint / LM_FILE
        package = read_package(path)
        config = read_config(package, path)
        facts, weights = read_facts(config), Weights(best_state(package, path), path)
        codec_package = read_package(folders.checkpoint / CODEC_FILE)
    words = weights.take_group("condition_provider.")
    # The weights are read beside the imports: those take one processor, and seconds.
    with _Beside(
        lambda told: compiled(read_language_model(weights, facts, device, precision, told)), cancel
    ) as reading:
        audiocraft()
        tell(_IMPORTED)
        conditioner = _conditioner(config, facts, words, folders.text_encoder, device)
        tell(_TEXT_READY)
        codec = _codec(codec_package, facts, folders, device)
        tell(_CODEC_READY)
        model = reading.result(lambda share: tell(_CODEC_READY + (1.0 - _CODEC_READY) * share))
    weights.check_empty()
    return MusicGenModel(facts, model, conditioner, codec)


class _Beside:
    """A piece of loading on a thread of its own; leaving the block before its end stops it."""

    def __init__(self, work: Callable[[Tell], LanguageModel], cancel: Cancel) -> None:
        self._cancel = cancel
        self._left = threading.Event()
        self._share = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._future = self._pool.submit(work, self._note)

    def __enter__(self) -> _Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._pool.shutdown()

    def _note(self, share: float) -> None:
        """In the thread: reports cross to the studio from one thread only."""
        self._cancel.check()
        if self._left.is_set():
            raise Cancelled
        self._share = share

    def result(self, tell: Tell) -> LanguageModel:
        """What the work returned, or raises what it raised; `tell` hears its share meanwhile, and may raise."""
        tell(self._share)
        while not wait([self._future], timeout=_POLL_S).done:
            tell(self._share)
        model = self._future.result()
        tell(1.0)
        return model


def _conditioner(
    config: Any, facts: ModelFacts, state: dict[str, torch.Tensor], text_encoder: Path, device: torch.device
) -> Conditioner:
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.device = "cpu"  # words and chroma take a tenth of a second there, and are the same on every machine
    for name in (
        "conditioners.self_wav.chroma_stem.cache_path",
        "conditioners.args.merge_text_conditions_p",
        "conditioners.args.drop_desc_p",
    ):
        parent, _, child = name.rpartition(".")
        node = OmegaConf.select(config, parent)
        if node is not None:
            node.pop(child, None)
    if set(config.conditioners) - {"description", "self_wav", "args"} or "description" not in config.conditioners:
        raise UnknownModel(
            f"The checkpoint is conditioned on {', '.join(config.conditioners)}, which is not known here."
        )
    if config.conditioners.description.model != "t5":
        raise UnknownModel("The checkpoint reads its descriptions with something else than T5.")
    with text_encoder_in(text_encoder) as name, without_separator():
        config.conditioners.description.t5.name = name
        provider = builders.get_conditioner_provider(facts.dim, config)
    try:
        odd = provider.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise BadCheckpoint(f"The text encoder in {text_encoder} is not the one the model was trained with.") from error
    # Tables that are computed, a melody's filters, are weights to audiocraft and not to transformers.
    lacking = sorted(set(odd.missing_keys) & {name for name, _ in provider.named_parameters()})
    if lacking or odd.unexpected_keys:
        raise BadCheckpoint(f"The checkpoint's conditions are not MusicGen's ({[*lacking, *odd.unexpected_keys][0]}).")
    if facts.melody:
        melody: Any = provider.conditioners["self_wav"]
        melody._get_stemmed_wav = lambda wav, sample_rate: wav.mean(1, keepdim=True)  # comes without drums and bass
    text: Any = provider.conditioners["description"]
    _own(text.t5)
    provider.eval()
    return Conditioner(provider, builders.get_condition_fuser(config), facts, device)


def _own(module: torch.nn.Module) -> None:
    """Copy a module's weights into memory: transformers leaves them mapped, and they would vanish with their disk.

    In single precision, whatever they were saved in: text and codec work on the CPU's own terms.
    """

    def copied(weight: torch.Tensor) -> torch.Tensor:
        return weight.data.to(torch.float32 if weight.is_floating_point() else weight.dtype, copy=True)

    for weight in module.parameters():
        weight.data = copied(weight)
    for part in module.modules():
        for name, buffer in part.named_buffers(recurse=False):
            # A new one: a buffer may be a view, which holds on to the mapped file whatever its data is.
            part._buffers[name] = copied(buffer)


@contextmanager
def text_encoder_in(folder: Path) -> Iterator[str]:
    """Makes audiocraft take T5 from a folder, under the name that comes out: it knows published ones by name only."""
    from audiocraft.modules.conditioners import T5Conditioner

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        dim = int(config["d_model"])
    except FileNotFoundError as error:
        raise BadCheckpoint(f"There is no text encoder in {folder}.", hint=_HINT) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"The text encoder in {folder} is damaged.", hint=_HINT) from error
    name = str(folder.resolve())
    models, dims = T5Conditioner.MODELS, T5Conditioner.MODELS_DIMS
    T5Conditioner.MODELS, T5Conditioner.MODELS_DIMS = [*models, name], {**dims, name: dim}
    try:
        yield name
    except (StudioError, MemoryError):
        raise
    except Exception as error:  # transformers, tokenizers and safetensors each have errors of their own
        log.exception("loading the text encoder failed")
        raise BadCheckpoint(f"The text encoder in {folder} is damaged or incomplete.", hint=_HINT) from error
    finally:
        T5Conditioner.MODELS, T5Conditioner.MODELS_DIMS = models, dims


class _NoSeparator:
    """Stands where audiocraft wants Demucs for melodies: here stems are made before, by whoever has the separator."""

    sources = ("drums", "bass", "other", "vocals")

    def to(self, _: object) -> _NoSeparator:
        return self


@contextmanager
def without_separator() -> Iterator[None]:
    """Keeps the melody conditioner from downloading a separator it will not use."""
    with _replaced_module("demucs"), _replaced_module("demucs.pretrained", get_model=lambda _: _NoSeparator()):
        yield


@contextmanager
def _replaced_module(name: str, **contents: Callable[..., object]) -> Iterator[None]:
    before = sys.modules.get(name)
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _codec(package: dict[str, Any], facts: ModelFacts, folders: ModelFolders, device: torch.device) -> Codec:
    if "pretrained" in package:
        model = _codec_from_folder(folders.codec, str(package["pretrained"]))
    else:
        model = _codec_from_package(package, folders.checkpoint / CODEC_FILE)
    codebooks = facts.codebooks // (2 if facts.stereo else 1)
    try:
        model.set_num_codebooks(codebooks)
    except (ValueError, AssertionError) as error:
        raise BadCheckpoint(
            f"The codec cannot decode the model's {codebooks} codebooks: they do not belong together."
        ) from error
    codec = take_apart(model.to(device).eval(), facts.stereo)
    if codec.card != facts.card or codec.sample_rate != facts.sample_rate:
        raise BadCheckpoint(
            f"The codec knows {codec.card} tokens at {codec.sample_rate} Hz and the model {facts.card} at "
            f"{facts.sample_rate} Hz: they do not belong together.",
            hint="Import the model again, with the codec it was published with.",
        )
    return codec


def _codec_from_folder(folder: Path | None, name: str) -> Any:
    from audiocraft.models.encodec import HFEncodecCompressionModel
    from transformers import EncodecModel

    if folder is None or not (folder / "config.json").is_file():
        raise BadCheckpoint(f"The model needs the codec {name}, which is not on this machine.", hint=_HINT)
    try:
        model = EncodecModel.from_pretrained(folder, local_files_only=True)
        _own(model)
        return HFEncodecCompressionModel(model)
    except MemoryError:
        raise
    except Exception as error:  # transformers and safetensors have errors of their own
        log.exception("loading the codec failed")
        raise BadCheckpoint(f"The codec in {folder} is damaged or incomplete.", hint=_HINT) from error


def _codec_from_package(package: dict[str, Any], path: Path) -> Any:
    from audiocraft.models import builders

    config = read_config(package, path)
    try:
        config.device = "cpu"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # audiocraft uses torch's older weight_norm
            model = builders.get_compression_model(config)
        model.load_state_dict(best_state(package, path))
    except (StudioError, MemoryError):
        raise
    except Exception as error:  # a configuration from a file can break the builders in any way
        raise BadCheckpoint(f"{path} is not the codec it says it is.", hint=_HINT) from error
    return model
