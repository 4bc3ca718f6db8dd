"""DetailExtractor -> features -> Synthesizer: the transfer of Magic Fixup (arXiv 2403.13044, section 3.2).

Both networks are plain diffusers ``UNet2DConditionModel``s. In each transformer block of the extractor the normalised
tokens that enter its self-attention are exported; the block of the same name in the synthesizer attends to them in the
place of text. The features travel as values, in a dictionary that lives as long as one call: the networks hold no
state, so several threads may share them.
"""

import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

Features = dict[str, Tensor]  # name of a transformer block -> tokens (B, h*w, C), row-major


def _attend(attn: nn.Module, queries: Tensor, context: Tensor) -> Tensor:
    """Multi-head attention with the weights of a diffusers Attention; queries (B, N, C), context (B, M, C')."""

    def heads(tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (attn.heads, -1)).transpose(1, 2)  # (B, heads, N, C / heads)

    mixed = F.scaled_dot_product_attention(
        heads(attn.to_q(queries)), heads(attn.to_k(context)), heads(attn.to_v(context))
    )
    return attn.to_out[0](mixed.transpose(1, 2).flatten(2))  # (B, N, C)


class ExportAndAttend:
    """Self-attention of the extractor: hands out the tokens that enter it under the block's name."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, features=None):
        features[self.name] = hidden_states
        return _attend(attn, hidden_states, hidden_states)


class SelfAttend:
    """Self-attention of the synthesizer; accepts the features that every processor is given, and ignores them."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, features=None):
        return _attend(attn, hidden_states, hidden_states)


class AttendToDetails:
    """Cross-attention of the synthesizer: its context is the extractor's features of the block of the same name."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, features=None):
        return _attend(attn, hidden_states, features[self.name])


def build_extractor(config: dict) -> UNet2DConditionModel:
    """A UNet that exports features. What no feature depends on (cross-attention, the output side) is left out."""
    unet = export_details(UNet2DConditionModel(**config))
    drop_output_side(unet)
    return unet


def export_details(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Make a UNet export features; its cross-attention, which nothing calls, is removed. Returns the same UNet."""
    for name, block in transformer_blocks(unet).items():
        block.attn1.set_processor(ExportAndAttend(name))
        block.attn2 = block.norm2 = None
    return unet


def build_synthesizer(config: dict, extractor: UNet2DConditionModel) -> UNet2DConditionModel:
    """A UNet whose cross-attention reads the features of ``extractor`` (its widths need not be the same)."""
    unet = UNet2DConditionModel(cross_attention_dim=tuple(extractor.config.block_out_channels), **config)
    for name, block in transformer_blocks(unet).items():
        block.attn1.set_processor(SelfAttend())
        block.attn2.set_processor(AttendToDetails(name))
    return unet


def extract_details(extractor: UNet2DConditionModel, sample: Tensor, timesteps: Tensor) -> Features:
    """Read the photo. sample (B, C, h, w); timesteps (B,). Returns the features of all blocks."""
    features: Features = {}
    extractor(sample, timesteps, encoder_hidden_states=None, cross_attention_kwargs={"features": features})
    return features


def no_details(synthesizer: UNet2DConditionModel, like: Tensor) -> Features:
    """What stands for dropped features (zeros) without running the extractor: one empty token (B, 1, C) a block.

    Its value is zero, so attending to it gives exactly what attending to any number of such tokens gives.
    """
    widths = {name: block.attn2.to_k.in_features for name, block in transformer_blocks(synthesizer).items()}
    return {name: like.new_zeros(len(like), 1, width) for name, width in widths.items()}


def synthesize(synthesizer: UNet2DConditionModel, sample: Tensor, timesteps: Tensor, features: Features) -> Tensor:
    """One pass of the synthesizer. sample (B, C, h, w); timesteps (B,). Returns (B, C_out, h, w)."""
    done = synthesizer(sample, timesteps, encoder_hidden_states=None, cross_attention_kwargs={"features": features})
    return done.sample


def transformer_blocks(unet: UNet2DConditionModel) -> dict[str, nn.Module]:
    """The transformer blocks by their module names, which are the same in both networks."""
    return {name: module for name, module in unet.named_modules() if type(module).__name__ == "BasicTransformerBlock"}


def scale_features(features: Features, factor: Tensor | float) -> Features:
    """Multiply all features by a number or by one number per sample, (B,)."""
    if isinstance(factor, Tensor):
        factor = factor.view(-1, 1, 1)
    return {name: tokens * factor for name, tokens in features.items()}


def drop_output_side(unet: UNet2DConditionModel) -> None:
    """Remove the up blocks after the last transformer block, and the head: the extractor's own output is not used."""
    last = max(i for i, block in enumerate(unet.up_blocks) if getattr(block, "has_cross_attention", False))
    del unet.up_blocks[last + 1 :]
    unet.up_blocks[last].upsamplers = None
    unet.conv_norm_out = None
    unet.conv_out = nn.Identity()
