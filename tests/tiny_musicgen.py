"""Makes MusicGen checkpoints in the published format, small enough to make and load in a second.

Every file has the layout and the configuration of the published ones; only the sizes are smaller and the weights
random. audiocraft's own builders make the weights, and `reference_lm` loads them as audiocraft does.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import torch

from nur_studio.engines.musicgen.loading import ModelFolders, text_encoder_in, without_separator
from nur_studio.engines.musicgen.shim import audiocraft

CARD = 512
_WORDS = ("a", "the", "calm", "happy", "sad", "piano", "guitar", "drums", "bass", "jazz", "rock", "with", "at", "bpm")


def make_musicgen(folder: Path, family: str, *, own_codec: bool = False, seed: int = 0, **sizes: int) -> ModelFolders:
    """A checkpoint of a family ("text", "stereo", "melody", "stereo-melody") in `folder`, with text encoder and codec.

    `own_codec` stores the codec in audiocraft's format beside the model, as people's own trainings do; else it is named
    only, as in published models, and lies in a folder of its own. `sizes` replace those of the transformer.
    """
    audiocraft()
    from audiocraft.models import builders
    from omegaconf import OmegaConf

    torch.manual_seed(seed)
    folders = ModelFolders(folder / family, folder / "t5-base", None if own_codec else folder / "encodec_32khz")
    folders.checkpoint.mkdir(parents=True)
    if not folders.text_encoder.exists():
        maketext_encoder_in(folders.text_encoder)
    config = OmegaConf.create(_lm_config(family, sizes))
    model = _build_lm(config, folders)
    with torch.no_grad():  # audiocraft starts biases and norms where half of a comparison would not notice them
        for name, weight in model.named_parameters():
            if "norm" in name or "bias" in name:
                weight.add_(0.1 * torch.randn_like(weight))
    state = {name: weight.half() for name, weight in model.state_dict().items()}
    _save(folders.checkpoint / "state_dict.bin", {"best_state": state, "xp.cfg": OmegaConf.to_yaml(config)})
    target = folders.checkpoint / "compression_state_dict.bin"
    if own_codec:
        codec_config = OmegaConf.create(_codec_config())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weight_norm
            codec = builders.get_compression_model(codec_config)
        _louder(codec.decoder)
        for layer in codec.quantizer.vq.layers:
            layer._codebook.embed.normal_()
            layer._codebook.inited.fill_(1)
        _save(target, {"best_state": codec.state_dict(), "xp.cfg": OmegaConf.to_yaml(codec_config)})
    else:
        assert folders.codec is not None
        if not folders.codec.exists():
            make_codec(folders.codec)
        _save(target, {"pretrained": "facebook/encodec_32khz"})
    return folders


def maketext_encoder_in(folder: Path) -> None:
    """A T5 encoder and its tokenizer, in transformers' layout."""
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{word}", -3.0) for word in _WORDS]
    pieces += [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    T5EncoderModel(T5Config(vocab_size=128, **sizes)).save_pretrained(folder)


def make_codec(folder: Path) -> None:
    """An EnCodec in transformers' layout: 32 kHz, 50 frames a second, four codebooks, not causal."""
    from transformers import EncodecConfig, EncodecModel

    config = EncodecConfig(
        target_bandwidths=[4 * 50 * math.log2(CARD) / 1000],
        sampling_rate=32000,
        audio_channels=1,
        normalize=False,
        hidden_size=16,
        num_filters=4,
        upsampling_ratios=[8, 5, 4, 4],
        norm_type="weight_norm",
        use_causal_conv=False,
        num_lstm_layers=2,
        codebook_size=CARD,
        codebook_dim=16,
        use_conv_shortcut=False,
    )
    model = EncodecModel(config)
    _louder(model.decoder)
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    model.save_pretrained(folder)


def reference_lm(folders: ModelFolders) -> Any:
    """The language model as audiocraft itself loads it, in float32."""
    from omegaconf import OmegaConf

    package = torch.load(folders.checkpoint / "state_dict.bin", weights_only=True)
    model = _build_lm(OmegaConf.create(package["xp.cfg"]), folders)
    model.load_state_dict(package["best_state"])
    return model.eval()


def reference_codec(folders: ModelFolders, stereo: bool) -> Any:
    """The codec as audiocraft itself loads it."""
    from audiocraft.models.encodec import CompressionModel, HFEncodecCompressionModel, InterleaveStereoCompressionModel
    from audiocraft.models.loaders import load_compression_model
    from transformers import EncodecModel

    codec: CompressionModel
    if folders.codec is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weight_norm
            codec = load_compression_model(folders.checkpoint)
    else:
        codec = HFEncodecCompressionModel(EncodecModel.from_pretrained(folders.codec, local_files_only=True)).eval()
    return InterleaveStereoCompressionModel(codec) if stereo else codec


def _build_lm(config: Any, folders: ModelFolders) -> Any:
    from audiocraft.models import builders

    config = config.copy()
    with text_encoder_in(folders.text_encoder) as name, without_separator():
        config.conditioners.description.t5.name = name
        config.device, config.dtype = "cpu", "float32"
        model = builders.get_lm_model(config)
    if "self_wav" in config.conditioners:
        melody = model.condition_provider.conditioners["self_wav"]
        melody._get_stemmed_wav = lambda wav, sample_rate: wav.mean(1, keepdim=True)
    return model


def _louder(decoder: torch.nn.Module) -> None:
    """Random decoders whisper; scaled up, what an edge of a chunk does wrong is far above rounding."""
    with torch.no_grad():
        for name, weight in decoder.named_parameters():
            if "lstm" in name:
                weight.mul_(3.0)
            elif name.endswith(("original0", "weight_g")):
                weight.mul_(2.0)


def _save(path: Path, package: dict[str, object]) -> None:
    torch.save({**package, "version": "1.3.0", "exported": True}, path)


def _lm_config(family: str, sizes: dict[str, int]) -> dict[str, Any]:
    stereo, melody = "stereo" in family, "melody" in family
    t5 = {"name": "t5-base", "finetune": False, "word_dropout": 0.3, "normalize_text": False}
    conditioners: dict[str, Any] = {
        "args": {"merge_text_conditions_p": 0.25, "drop_desc_p": 0.5},
        "description": {"model": "t5", "t5": t5},
    }
    if melody:
        chroma = {"sample_rate": 32000, "n_chroma": 12, "radix2_exp": 14, "argmax": True, "match_len_on_eval": True}
        conditioners["self_wav"] = {"model": "chroma_stem", "chroma_stem": {**chroma, "cache_path": "/nowhere"}}
    delays = [0, 0, 1, 1, 2, 2, 3, 3] if stereo else [0, 1, 2, 3]
    return {
        "solver": "musicgen",
        "device": "cuda",
        "dtype": "float16",
        "sample_rate": 32000,
        "channels": 2 if stereo else 1,
        "compression_model_checkpoint": "//pretrained/facebook/encodec_32khz",
        "compression_model_n_q": 4 if stereo else None,
        "interleave_stereo_codebooks": {"use": stereo, "per_timestep": False},
        "lm_model": "transformer_lm",
        "dataset": {"segment_duration": 30},
        "classifier_free_guidance": {"training_dropout": 0.2, "inference_coef": 3.0},
        "attribute_dropout": {"args": {"active_on_eval": False}, "text": {}, "self_wav": {}},
        "fuser": {
            "cross_attention_pos_emb": False,
            "cross_attention_pos_emb_scale": 1,
            "sum": [],
            "prepend": ["self_wav", "description"] if melody else [],
            "cross": [] if melody else ["description"],
            "input_interpolate": [],
        },
        "conditioners": conditioners,
        "codebooks_pattern": {
            "modeling": "delay",
            "delay": {"delays": delays, "flatten_first": 0, "empty_initial": 0},
            "unroll": {"flattening": [0, 1, 2, 3], "delays": [0, 0, 0, 0]},
        },
        "transformer_lm": {
            "n_q": len(delays),
            "card": CARD,
            "dim": 64,
            "num_heads": 4,
            "num_layers": 3,
            "hidden_scale": 4,
            "dropout": 0.0,
            "emb_lr": None,
            "activation": "gelu",
            "norm_first": True,
            "bias_ff": False,
            "bias_attn": False,
            "bias_proj": False,
            "past_context": None,
            "causal": True,
            "custom": False,
            "memory_efficient": True,
            "attention_as_float32": False,
            "layer_scale": None,
            "positional_embedding": "sin",
            "xpos": False,
            "checkpointing": "torch",
            "weight_init": "gaussian",
            "depthwise_init": "current",
            "zero_bias_init": True,
            "norm": "layer_norm",
            "cross_attention": False,
            "qk_layer_norm": False,
            "qk_layer_norm_cross": False,
            "attention_dropout": None,
            "kv_repeat": 1,
            "two_step_cfg": False,
            **sizes,
        },
    }


def _codec_config() -> dict[str, Any]:
    return {
        "solver": "compression",
        "device": "cpu",
        "sample_rate": 32000,
        "channels": 1,
        "compression_model": "encodec",
        "encodec": {
            "autoencoder": "seanet",
            "quantizer": "rvq",
            "sample_rate": 32000,
            "channels": 1,
            "causal": False,
            "renormalize": False,
        },
        "seanet": {
            "dimension": 16,
            "channels": 1,
            "causal": False,
            "n_filters": 4,
            "n_residual_layers": 1,
            "ratios": [8, 5, 4, 4],
            "activation": "ELU",
            "activation_params": {"alpha": 1.0},
            "norm": "weight_norm",
            "norm_params": {},
            "kernel_size": 7,
            "residual_kernel_size": 3,
            "last_kernel_size": 7,
            "dilation_base": 2,
            "pad_mode": "constant",
            "true_skip": True,
            "compress": 2,
            "lstm": 2,
            "disable_norm_outer_blocks": 0,
            "decoder": {"trim_right_ratio": 1.0, "final_activation": None, "final_activation_params": None},
            "encoder": {},
        },
        "rvq": {
            "n_q": 4,
            "q_dropout": False,
            "bins": CARD,
            "decay": 0.99,
            "kmeans_init": True,
            "kmeans_iters": 50,
            "threshold_ema_dead_code": 2,
            "orthogonal_reg_weight": 0.0,
            "orthogonal_reg_active_codes_only": False,
            "orthogonal_reg_max_codes": None,
        },
    }
