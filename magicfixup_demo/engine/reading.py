"""How the extractor reads the photo during a run: once, afresh at every step, or with the photo's own noise."""

from collections.abc import Callable

import torch
from torch import Tensor

from magicfixup_demo.engine.codecs import Generators
from magicfixup_demo.engine.detail_transfer import Features, no_details
from magicfixup_demo.engine.feature_cache import Entry, FeatureCache, Reader, digest, half, own, split

READ_AT_ONCE = {"cuda": 4}  # timesteps in one pass of the extractor; a processor is as fast one by one, in less memory

FeaturesAt = Callable[[int], Features]  # timestep -> features


def read(
    pipeline,
    photo: Tensor,
    mask: Tensor,
    timesteps: Tensor,
    fresh: bool,
    generator: Generators,
    sparing: bool = False,
) -> FeaturesAt:
    """The features of photos (B, 3, H, W) for a run of a MagicFixupPipeline, by timestep.

    mask: (B, M, h, w) of the edit, 1 = content. ``fresh``: see samplers.Sampler; a fixed reference timestep rules it.
    ``sparing``: one timestep in one pass, wherever it runs.
    """
    if pipeline.config.reference_timestep is not None:
        return _once(pipeline, photo, mask, generator)
    if fresh:
        return _afresh(pipeline, photo, mask, generator)
    return _with_its_own_noise(pipeline, photo, mask, [int(t) for t in timesteps], sparing)


def read_nothing(pipeline, latent: Tensor) -> FeaturesAt:
    """For runs whose conditions are dropped: the extractor need not run. latent: (B, C, h, w)."""
    nothing = no_details(pipeline.synthesizer, latent)
    return lambda timestep: nothing


def noise_like(latent: Tensor, generator: Generators) -> Tensor:
    """Standard normal, drawn where the generator lives."""
    if isinstance(generator, list):
        return torch.cat([noise_like(one, own) for one, own in zip(latent.split(1), generator, strict=True)])
    device = generator.device if generator is not None else latent.device
    noise = torch.randn(latent.shape, generator=generator, device=device, dtype=latent.dtype)
    return noise.to(latent.device)


def _once(pipeline, photo: Tensor, mask: Tensor, generator: Generators) -> FeaturesAt:
    """One pass of the extractor for a photo, kept exactly as computed."""
    t = pipeline.config.reference_timestep

    def compute(which: list[int], times: list[int]) -> list[list[Features]]:
        latent = pipeline.codec.encode(photo[which], _of(generator, which))
        return split(pipeline.details(latent, mask[which]), len(times), len(which))

    features = Reader(compute, [t], 1, pipeline.cache, _entries(pipeline.cache, photo, (t,)))(t)
    return lambda timestep: features


def _afresh(pipeline, photo: Tensor, mask: Tensor, generator: Generators) -> FeaturesAt:
    """As published: new noise on the photo at every step, and the edit's mask."""
    latent = pipeline.codec.encode(photo, generator)  # (B, C, h, w)

    def features_at(t: int) -> Features:
        return pipeline.details(latent, mask, _times([t], latent), noise_like(latent, generator))

    return features_at


def _with_its_own_noise(
    pipeline, photo: Tensor, mask: Tensor, timesteps: list[int], sparing: bool = False
) -> FeaturesAt:
    """Latent and noise drawn from each photo's content, a whole-picture mask: the same for every edit of the photo."""
    entries = _entries(pipeline.cache, photo, tuple(timesteps))
    generators = [torch.Generator().manual_seed(int.from_bytes(digest(one)[:7], "little")) for one in photo.split(1)]
    noise = noise_like(
        torch.empty_like(mask[:, :1]).expand(-1, _channels(pipeline), -1, -1), generators
    )  # before the latents'
    unread = [i for i, entry in enumerate(entries) if entry.latent is None]
    if unread:
        latents = pipeline.codec.encode(photo[unread], _of(generators, unread))
        for i, one in zip(unread, latents.split(1), strict=True):
            entries[i].latent = own(one, len(unread))
    latent, whole = torch.cat([entry.latent for entry in entries]), torch.ones_like(mask)

    def compute(which: list[int], times: list[int]) -> list[list[Features]]:
        batch = [tensor[which].repeat(len(times), 1, 1, 1) for tensor in (latent, whole, noise)]
        features = pipeline.details(*batch[:2], _times(times, latent[which]), batch[2])
        return split(half(features), len(times), len(which))

    at_once = 1 if sparing else READ_AT_ONCE.get(latent.device.type, 1)
    return Reader(compute, timesteps, at_once, pipeline.cache, entries)


def _channels(pipeline) -> int:
    return pipeline.synthesizer.config.out_channels


def _times(times: list[int], latent: Tensor) -> Tensor:
    """(N B,): every timestep for the whole batch, one after the other."""
    return torch.tensor(times, device=latent.device).repeat_interleave(len(latent))


def _entries(cache: FeatureCache | None, photo: Tensor, timesteps: tuple[int, ...]) -> list[Entry]:
    """What is kept of each photo of a batch."""
    return [Entry() if cache is None else cache.entry(one, timesteps) for one in photo.split(1)]


def _of(generator: Generators, which: list[int]) -> Generators:
    """The generators of some of a batch."""
    return [generator[i] for i in which] if isinstance(generator, list) else generator
