"""The published models: what each is for, what it weighs, under which licence, and which files it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from nur_studio.core.errors import UnknownEngine
from nur_studio.core.mix import SIX_LANES, STEMS

WEIGHTS_LICENCE = "weights CC BY-NC 4.0: what is made with them is not for sale"
"""Said before a download, on each take and in each exported file."""

SEPARATOR_LICENCE = "MIT, code and weights; trained on MUSDB18-HQ and 800 songs that are not published"
"""What is published with Demucs, and what is said of its training. Whose the music is, separating does not change."""

_GB = 1_000_000_000
_MB = 1_000_000
_TEXT_ENCODER_PARAMETERS, _CODEC_PARAMETERS = 110_000_000, 57_000_000
_RUNTIME_BYTES = 900 * _MB  # torch and what it needs to work, measured on Linux
_WINDOW_POSITIONS = 1600  # 30 s of frames, the delays, and the words before them
_CHUNK_BYTES = 900 * _MB  # 7.8 s of stereo in all layers of a Demucs, measured on a CPU

Purpose = Literal["music", "stems"]


@dataclass(frozen=True, slots=True)
class PartFile:
    """One file of a part. `bytes` is about what it weighs: the exact size, like its checksum, is the publisher's, taken
    when it is downloaded and kept in the manifest.
    """

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """Files that belong together, downloaded once, whichever models share them. `name` is their folder's."""

    name: str
    repository: str
    files: tuple[PartFile, ...]
    licence: str

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


TEXT_ENCODER = Part(
    "t5-base",
    "google-t5/t5-base",
    (
        PartFile("config.json", 1_208),
        PartFile("spiece.model", 791_656),
        PartFile("tokenizer.json", 1_389_353),
        PartFile("model.safetensors", 892 * _MB),
    ),
    "Apache 2.0",
)
CODEC = Part(
    "encodec_32khz",
    "facebook/encodec_32khz",
    (PartFile("config.json", 1_000), PartFile("model.safetensors", 236 * _MB)),
    "CC BY-NC 4.0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model as people see it, whatever it is for. `sellable`: whether its licence lets people sell what it makes."""

    name: str
    title: str
    summary: str
    purpose: Purpose
    parameters: int
    parts: tuple[Part, ...]
    licence: str
    sellable: bool

    @property
    def own(self) -> Part:
        """What only this model needs."""
        return self.parts[0]

    @property
    def download_bytes(self) -> int:
        """About what all of its parts weigh."""
        return sum(part.bytes for part in self.parts)

    def memory_bytes(self, bytes_per_weight: int) -> int:
        """About what it takes while it works, torch itself included."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicModel(ModelInfo):
    """A MusicGen; `parameters` counts the language model's alone."""

    purpose: Purpose = "music"
    licence: str = WEIGHTS_LICENCE
    sellable: bool = False
    dim: int
    layers: int
    heads: int
    codebooks: int
    stereo: bool
    melody: bool

    def memory_bytes(self, bytes_per_weight: int) -> int:
        """Weights, text encoder, codec, cache, and torch itself, while it makes one take."""
        cache = (
            2 * 2 * self.layers * _WINDOW_POSITIONS * self.dim * 4
        )  # processors remember in fp32 whatever they multiply
        helpers = 4 * (_TEXT_ENCODER_PARAMETERS + _CODEC_PARAMETERS)
        return self.parameters * bytes_per_weight + cache + helpers + _RUNTIME_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparatorModel(ModelInfo):
    """A Demucs: `networks` of `parameters` in all, each named by its signature; `lanes` are the stems it makes."""

    purpose: Purpose = "stems"
    licence: str = SEPARATOR_LICENCE
    sellable: bool = True
    networks: tuple[str, ...]
    lanes: tuple[str, ...]

    def memory_bytes(self, bytes_per_weight: int) -> int:
        """Weights, what a chunk of sound takes on its way through, and torch itself. Always in single precision."""
        return 4 * self.parameters + _CHUNK_BYTES + _RUNTIME_BYTES


def _sizes(size: str) -> tuple[int, int, int, int]:
    """Parameters, dim, layers, heads."""
    return {
        "small": (420_000_000, 1024, 24, 16),
        "medium": (1_840_000_000, 1536, 48, 24),
        "large": (3_260_000_000, 2048, 48, 32),
    }[size]


def _model(name: str, size: str, summary: str, weights_bytes: int, *, stereo: bool = False) -> MusicModel:
    melody = "melody" in name
    parameters, dim, layers, heads = _sizes(size)
    if melody:  # no cross-attention: text and tune stand before the music instead
        parameters -= layers * 4 * dim * dim
    own = Part(
        f"musicgen-{name}",
        f"facebook/musicgen-{name}",
        (PartFile("state_dict.bin", weights_bytes), PartFile("compression_state_dict.bin", 1_200)),
        "CC BY-NC 4.0",
    )
    return MusicModel(
        name=f"musicgen-{name}",
        title="MusicGen " + name.replace("-", " "),
        summary=summary,
        parameters=parameters,
        dim=dim,
        layers=layers,
        heads=heads,
        codebooks=8 if stereo else 4,
        stereo=stereo,
        melody=melody,
        parts=(own, TEXT_ENCODER, CODEC),
    )


MODELS = (
    _model("small", "small", "The quickest, for sketches and modest machines. Mono.", 841 * _MB),
    _model("medium", "medium", "Better sound and structure at a quarter of the speed. Mono.", 3_680 * _MB),
    _model("large", "large", "The best sound, for strong graphics cards. Mono.", 6_510 * _MB),
    _model("melody", "medium", "Follows the tune of audio you give it. Mono.", 2_770 * _MB),
    _model("melody-large", "large", "Follows the tune of audio you give it, at its best. Mono.", 4_900 * _MB),
    _model("stereo-small", "small", "As small, in true stereo.", 850 * _MB, stereo=True),
    _model("stereo-medium", "medium", "As medium, in true stereo.", 3_710 * _MB, stereo=True),
    _model("stereo-large", "large", "As large, in true stereo.", 6_550 * _MB, stereo=True),
    _model("stereo-melody", "medium", "As melody, in true stereo.", 2_810 * _MB, stereo=True),
    _model("stereo-melody-large", "large", "As melody large, in true stereo.", 4_940 * _MB, stereo=True),
)
"""Every published MusicGen, the quickest first."""


def _separator(
    name: str, title: str, summary: str, networks: tuple[str, ...], lanes: tuple[str, ...]
) -> SeparatorModel:
    """Published on the hub with one safetensors file, in half precision, for each network."""
    parameters = 27_410_000 if lanes == SIX_LANES else 41_980_000
    repository = "adefossez/HTDemucs" + name.removeprefix("htdemucs").replace("_", "-")
    weights = tuple(PartFile(f"{network}.safetensors", 2 * parameters) for network in networks)
    return SeparatorModel(
        name=name,
        title=title,
        summary=summary,
        parameters=len(networks) * parameters,
        parts=(Part(name, repository, (PartFile(f"{name}.yaml", 200), *weights), "MIT"),),
        networks=networks,
        lanes=lanes,
    )


SEPARATORS = (
    _separator("htdemucs", "Demucs", "Takes any audio apart into drums, bass, vocals and other.", ("955717e8",), STEMS),
    _separator(
        "htdemucs_ft",
        "Demucs fine-tuned",
        "The same four stems, cleaner, at a quarter of the speed: a network for each of them.",
        ("f7e0c4bc", "d12395a8", "92cfc3b6", "04573f0d"),
        STEMS,
    ),
    _separator(
        "htdemucs_6s",
        "Demucs six stems",
        "Experimental: guitar and piano as stems of their own; the piano is often not clean.",
        ("5c90dfd2",),
        SIX_LANES,
    ),
)
"""Every published separator that is offered, the usual one first."""

ALL_MODELS: tuple[ModelInfo, ...] = (*MODELS, *SEPARATORS)

AnyModel = TypeVar("AnyModel", bound=ModelInfo)


def model(name: str) -> ModelInfo:
    """The model called `name`, with or without `musicgen-` before it. Raises `UnknownEngine`."""
    return _named(name, ALL_MODELS)


def music_model(name: str) -> MusicModel:
    """The MusicGen called `name`. Raises `UnknownEngine`."""
    return _named(name, MODELS)


def separator_model(name: str) -> SeparatorModel:
    """The separator called `name`. Raises `UnknownEngine`."""
    return _named(name, SEPARATORS)


def _named(name: str, known: tuple[AnyModel, ...]) -> AnyModel:
    wanted = name.strip().casefold()
    for info in known:
        if wanted in (info.name, info.name.removeprefix("musicgen-")):
            return info
    raise UnknownEngine(f"There is no model {name!r}; known: {', '.join(info.name for info in known)}.")
