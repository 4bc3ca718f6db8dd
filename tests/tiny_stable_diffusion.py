"""Stable Diffusion's real classes at a tiny size with random weights, in files laid out as on the Hub."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WIDTHS = (32, 32)


def tiny_files(folder: Path) -> dict[str, bytes]:
    """Write the pipeline below ``folder``; returns {path: content} of all its files."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        sample_size=64,
        block_out_channels=WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=8,
        scaling_factor=0.18215,
    )
    pipeline = StableDiffusionImg2ImgPipeline(
        unet=unet,
        vae=vae,
        text_encoder=_text_encoder(),
        tokenizer=_tokenizer(folder / "words"),
        scheduler=PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    saved = folder / "saved"
    pipeline.to(torch.float16).save_pretrained(saved, variant="fp16", safe_serialization=True)
    _as_when_it_was_published(saved / "tokenizer", folder / "words")
    return {str(path.relative_to(saved)): path.read_bytes() for path in saved.rglob("*") if path.is_file()}


def _as_when_it_was_published(tokenizer: Path, words: Path) -> None:
    """Stable Diffusion 1.4 has the tokenizer's older files; transformers writes a newer one."""
    (tokenizer / "tokenizer.json").unlink()
    for path in words.iterdir():
        path.rename(tokenizer / path.name)
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    special = names | {"pad_token": "<|endoftext|>"}
    (tokenizer / "special_tokens_map.json").write_text(json.dumps(special))
    settings = special | {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(settings))


def _text_encoder() -> CLIPTextModel:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    return CLIPTextModel(CLIPTextConfig(vocab_size=1000, max_position_embeddings=77, bos_token_id=0, **sizes))


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """Letters only, each with and without the end of a word."""
    folder.mkdir(parents=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)
