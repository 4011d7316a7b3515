"""Models that transformers wrote: imported from their folder, loaded by our loader, equal to transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_musicgen import make_codec, maketext_encoder_in

from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.checkpoints import BadCheckpoint
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import model
from nur_studio.engines.musicgen.facts import UnknownModel
from nur_studio.engines.musicgen.loading import ModelFolders, MusicGenModel, load
from nur_studio.engines.musicgen.transformer import Transformer
from nur_studio.engines.weights import WeightStore

_NAMES = {"text": "musicgen-small", "stereo": "musicgen-stereo-small", "melody": "musicgen-melody"}
CPU = torch.device("cpu")


def save(folder: Path, family: str) -> Any:
    """A tiny model of a family as transformers saves it, with its tokenizer; the model itself."""
    from transformers import (
        EncodecModel,
        MusicgenForCausalLM,
        MusicgenForConditionalGeneration,
        MusicgenMelodyForCausalLM,
        MusicgenMelodyForConditionalGeneration,
        T5EncoderModel,
        T5Tokenizer,
    )
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig
    from transformers.models.musicgen_melody.configuration_musicgen_melody import MusicgenMelodyDecoderConfig

    torch.manual_seed(3)
    maketext_encoder_in(folder / "t5")
    make_codec(folder / "codec")
    stereo = family == "stereo"
    sizes: dict[str, Any] = {
        "vocab_size": 512, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "ffn_dim": 256,
        "num_codebooks": 8 if stereo else 4, "audio_channels": 2 if stereo else 1,
        "pad_token_id": 511, "bos_token_id": 511,
    }  # fmt: skip
    parts = {
        "text_encoder": T5EncoderModel.from_pretrained(folder / "t5"),
        "audio_encoder": EncodecModel.from_pretrained(folder / "codec"),
    }
    whole: Any
    if family == "melody":
        decoder: Any = MusicgenMelodyForCausalLM(MusicgenMelodyDecoderConfig(**sizes))
        whole = MusicgenMelodyForConditionalGeneration(**parts, decoder=decoder)
    else:
        decoder = MusicgenForCausalLM(MusicgenDecoderConfig(**sizes))
        whole = MusicgenForConditionalGeneration(**parts, decoder=decoder)
    with torch.no_grad():
        for name, weight in whole.named_parameters():
            if "decoder" in name and "audio_encoder" not in name and ("norm" in name or "bias" in name):
                weight.add_(0.1 * torch.randn_like(weight))
            elif name.startswith("decoder."):
                weight.mul_(3.0)
    target = folder / "disk" / _NAMES[family]
    whole.save_pretrained(target)
    T5Tokenizer.from_pretrained(folder / "t5").save_pretrained(target)
    return type(whole).from_pretrained(target, attn_implementation="eager").eval()  # as people load it


def load_imported(folder: Path, family: str) -> MusicGenModel:
    store = WeightStore(folder / "weights")
    info = model(_NAMES[family])
    assert import_folder(store, folder / "disk", ignore_progress, CancelToken()) == (info.name,)
    assert store.state(info) == "ready"
    store.verify(info, ignore_progress, CancelToken())
    paths = store.paths(info)
    folders = ModelFolders(paths.checkpoint, paths.text_encoder, paths.codec)
    return load(folders, CPU, "fp32", ignore_progress, CancelToken())


@pytest.mark.parametrize("family", list(_NAMES))
@torch.inference_mode()
def test_logits_equal_those_of_transformers(tmp_path: Path, family: str) -> None:
    theirs = save(tmp_path, family)
    ours = load_imported(tmp_path, family)
    assert ours.facts.stereo == (family == "stereo")
    assert ours.facts.melody == (family == "melody")
    conditions = ours.conditioner("calm piano")
    tokens = torch.randint(0, 512, (1, ours.facts.codebooks, 40))
    heard = Transformer(ours.language_model, conditions, 1, 40).hear(tokens)[:1]

    tokenizer: Any = ours.conditioner._provider.conditioners["description"].t5_tokenizer
    words = tokenizer(["calm piano"], return_tensors="pt")
    hidden = theirs.text_encoder(**words).last_hidden_state
    text = theirs.enc_to_dec_proj(hidden) * words["attention_mask"][..., None]
    if family == "melody":
        # The tune before the words is the same here and there: what the projections make of it is compared below.
        prefix = conditions.prefix[:1]
        assert torch.allclose(prefix[:, -text.shape[1] :], text, atol=1e-5)
        out = theirs.decoder(input_ids=tokens[0], encoder_hidden_states=prefix)
        logits = out.logits[:, -40:]
        weight = ours.conditioner._provider.conditioners["self_wav"].output_proj.weight
        assert torch.equal(weight, theirs.audio_enc_to_dec_proj.weight)
    else:
        assert torch.allclose(conditions.cross[:1], text, atol=1e-5)
        logits = theirs.decoder(input_ids=tokens[0], encoder_hidden_states=text).logits
    expected = logits.view(1, ours.facts.codebooks, 40, 512).transpose(1, 2)
    relative = float((heard - expected).norm() / expected.norm())
    assert relative <= 1e-5


@torch.inference_mode()
def test_the_codec_that_came_inside_is_the_codec(tmp_path: Path) -> None:
    theirs = save(tmp_path, "text")
    ours = load_imported(tmp_path, "text")
    from nur_studio.engines.musicgen.codec import decode_whole

    codes = torch.randint(0, 512, (1, 4, 60))
    (sound,) = decode_whole(ours.codec, codes)
    expected = theirs.audio_encoder.decode(codes[None], [None]).audio_values[0, 0]
    assert torch.allclose(torch.from_numpy(sound[:, 0]), expected, atol=1e-5)


@torch.inference_mode()
def test_a_model_saved_in_half_precision_works_in_single(tmp_path: Path) -> None:
    theirs = save(tmp_path, "text")
    theirs.half().save_pretrained(tmp_path / "disk" / "musicgen-small")
    ours = load_imported(tmp_path, "text")
    from nur_studio.engines.musicgen.codec import decode_whole

    (sound,) = decode_whole(ours.codec, torch.randint(0, 512, (1, 4, 20)))
    assert sound.dtype == "float32"
    assert ours.conditioner("calm piano").cross.dtype == torch.float32


def test_a_model_in_several_files_is_put_together(tmp_path: Path) -> None:
    theirs = save(tmp_path, "text")
    target = tmp_path / "disk" / "musicgen-small"
    (target / "model.safetensors").unlink()
    theirs.save_pretrained(target, max_shard_size="200KB")
    assert len(list(target.glob("model-*.safetensors"))) > 1
    load_imported(tmp_path, "text")


def test_what_is_not_a_musicgen_is_a_sentence(tmp_path: Path) -> None:
    save(tmp_path, "text")
    folders = _folders(tmp_path)
    config = folders.checkpoint / "config.json"
    whole = config.read_text("utf-8")
    for damage, error in (
        ("{", BadCheckpoint),
        ("[]", BadCheckpoint),
        (whole.replace('"num_hidden_layers": 3', '"num_hidden_layers": 2'), BadCheckpoint),
        (whole.replace('"num_hidden_layers": 3', '"num_hidden_layers": 99999999'), UnknownModel),
        (whole.replace('"activation_function": "gelu"', '"activation_function": "swish"'), UnknownModel),
        (whole.replace('"hidden_size": 64', '"hidden_size": 32'), BadCheckpoint),
        (whole.replace('"hidden_size": 64', '"hidden_size": 0'), BadCheckpoint),
        (whole.replace('"hidden_size": 64', '"hidden_size": Infinity'), BadCheckpoint),
        (whole.replace('"num_codebooks": 4', '"num_codebooks": 300000000'), BadCheckpoint),
        (whole.replace('"activation_function": "gelu"', '"activation_function": "${"'), BadCheckpoint),
    ):
        assert damage != whole
        config.write_text(damage, "utf-8")
        with pytest.raises(error) as caught:
            load(folders, CPU, "fp32", ignore_progress, CancelToken())
        assert str(caught.value).endswith(".")


def test_weights_cut_short_or_swapped_are_a_sentence(tmp_path: Path) -> None:
    save(tmp_path, "text")
    folders = _folders(tmp_path)
    weights = folders.checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    other = (folders.text_encoder / "model.safetensors").read_bytes()
    for damage in (whole[:-100], whole[:5], b"", b"\x80\x04K\x01.", other):
        weights.write_bytes(damage)
        with pytest.raises(BadCheckpoint):
            load(folders, CPU, "fp32", ignore_progress, CancelToken())


def _folders(tmp_path: Path) -> ModelFolders:
    store = WeightStore(tmp_path / "weights")
    import_folder(store, tmp_path / "disk", ignore_progress, CancelToken())
    paths = store.paths(model("musicgen-small"))
    return ModelFolders(paths.checkpoint, paths.text_encoder, paths.codec)
