"""MagicFixupPipeline: the method in numbered steps, at two sizes from one code path."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline, UNet2DConditionModel
from torch import Tensor

from magicfixup_demo.engine.codecs import Generators, LatentCodec, PixelCodec
from magicfixup_demo.engine.detail_transfer import Features, extract_details, scale_features, synthesize
from magicfixup_demo.engine.feature_cache import FeatureCache
from magicfixup_demo.engine.previews import previewer
from magicfixup_demo.engine.reading import noise_like, read, read_nothing
from magicfixup_demo.engine.samplers import SAMPLERS, Sampler, clean_prediction
from magicfixup_demo.engine.schedule import add_noise
from magicfixup_demo.engine.wiener import linear_guess


@dataclass(frozen=True)
class Conditions:
    """What the synthesizer is told besides the noisy picture.

    coarse: (B, C, h, w) the filled coarse edit; mask: (B, M, h, w), 1 = content; features: of the photo;
    keep: (B,) 1.0 where the conditions are given, 0.0 where they are dropped (then the others are zero);
    all_kept: True where that is known beforehand to be 1.0 throughout.
    """

    coarse: Tensor
    mask: Tensor
    features: Features
    keep: Tensor
    all_kept: bool = True

    def where(self, keep: Tensor) -> "Conditions":
        """Drop all conditions of the samples whose ``keep`` (B,) is 0: SDEdit's view of the same network."""
        column = keep.view(-1, 1, 1, 1)
        return Conditions(
            self.coarse * column,
            self.mask * column,
            scale_features(self.features, keep),
            self.keep * keep,
            all_kept=False,
        )


class MagicFixupPipeline(DiffusionPipeline):
    """Photo and coarse edit in, photo out (arXiv 2403.13044).

    ``prediction``: what the synthesizer's output means. "epsilon": the noise (the published network). "residual": the
    difference between the clean picture and an anchor, which is the coarse edit, or, where the conditions are dropped,
    the best linear guess from the noisy picture (wiener.linear_guess; the c_skip of EDM, arXiv 2206.00364, table 1, for
    each frequency).
    ``reference_timestep``: None noises the photo afresh at each step with that step's timestep (the published network);
    a number keeps it fixed, so that the photo is read once per photo (``small``).
    ``reach``: a residual acts in holes and so many pixels around them; None lets it act everywhere.

    ``cache`` is None until somebody sets one: features are then kept across calls. Weights must not change afterwards.
    """

    cache: FeatureCache | None = None

    def __init__(
        self,
        extractor: UNet2DConditionModel,
        synthesizer: UNet2DConditionModel,
        scheduler: DDIMScheduler,
        vae: AutoencoderKL | None = None,
        prediction: str = "epsilon",
        reference_timestep: int | None = None,
        reach: int | None = None,
    ):
        super().__init__()
        self.register_modules(extractor=extractor, synthesizer=synthesizer, scheduler=scheduler, vae=vae)
        self.register_to_config(prediction=prediction, reference_timestep=reference_timestep, reach=reach)
        self.codec = PixelCodec() if vae is None else LatentCodec(vae)

    @torch.no_grad()
    def __call__(
        self,
        photo: Tensor,
        coarse: Tensor,
        mask: Tensor,
        *,
        steps: int,
        strength: float = 1.0,
        sampler: Sampler = SAMPLERS["ddim"],
        generator: Generators = None,
        drop_conditions: bool = False,
        on_step: Callable[[int, int], None] | None = None,
        preview: Callable[[Tensor], None] | None = None,
        sparing: bool = False,
    ) -> Tensor:
        """Fix up a batch.

        photo, coarse: (B, 3, H, W) in -1..1, coarse with its holes filled; mask: (B, 1, H, W), 1 = content. H and W are
        multiples of the networks' total stride. ``strength`` in (0, 1]: the start is noised to that fraction of the
        schedule, and ``sampler`` (of samplers.SAMPLERS) leads from there to the picture. With a list of B generators
        each picture is what it is alone with its own. ``drop_conditions`` gives SDEdit (arXiv 2108.01073) with the same
        network, start and seed.
        ``on_step(done, of)`` is called before each step and may raise to stop; ``preview`` gets a rough picture
        (B, 3, h', w') after each step but the last. ``sparing`` does no more at once than it must, to save memory.
        Returns (B, 3, H, W), about -1..1.
        """
        run = sampler.start(self.scheduler, steps, strength)

        # 1. Pictures into the space of the networks
        coarse_latent = self.codec.encode(coarse, generator)  # (B, C, h, w)
        mask_latent = self.codec.encode_mask(mask)  # (B, M, h, w)
        show = previewer(self.codec, coarse, coarse_latent) if preview else None

        # 2. Read the photo (at each step's timestep, or once, where it is fixed)
        if drop_conditions:
            features_at = read_nothing(self, coarse_latent)
        else:
            features_at = read(self, photo, mask_latent, run.timesteps, sampler.fresh, generator, sparing)

        # 3. Start from the coarse edit, noised
        noise = noise_like(coarse_latent, generator)
        noisy = add_noise(self.scheduler, coarse_latent, noise, run.timesteps[:1].to(noise.device))
        keep = torch.full((len(noisy),), 0.0 if drop_conditions else 1.0, device=noisy.device, dtype=noisy.dtype)
        column = keep.view(-1, 1, 1, 1)

        # 4. Denoise
        for i, timestep in enumerate(run.timesteps):
            if on_step:
                on_step(i, len(run.timesteps))
            t = timestep.to(noisy.device).expand(len(noisy))
            conditions = Conditions(
                coarse_latent * column, mask_latent * column, features_at(int(timestep)), keep, not drop_conditions
            )
            prediction = self.predict(noisy, t, conditions)
            if show and i + 1 < len(run.timesteps) and is_sound(prediction):
                preview(show(clean_prediction(self.scheduler, prediction, t, noisy)))
            noisy = run.step(prediction, timestep, noisy, generator)

        # 5. Back to a picture
        return self.codec.decode(noisy)

    def details(
        self, photo_latent: Tensor, mask_latent: Tensor, t: Tensor | None = None, noise: Tensor | None = None
    ) -> Features:
        """Run the extractor on [noised photo | photo | mask]; with a fixed reference timestep on [photo | photo | 1].

        The whole-picture mask makes the features depend on the photo alone.
        """
        if self.config.reference_timestep is not None:
            t = torch.full((len(photo_latent),), self.config.reference_timestep, device=photo_latent.device)
            noised, mask_latent = photo_latent, torch.ones_like(mask_latent)
        else:
            noised = add_noise(self.scheduler, photo_latent, noise, t)
        sample = torch.cat([noised, photo_latent, mask_latent], dim=1)  # (B, 2C + M, h, w)
        return extract_details(self.extractor, sample.to(self.extractor.dtype), t)

    def predict(self, noisy: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """What the scheduler expects: the noise ("epsilon") or the clean picture ("residual"). noisy (B, C, h, w)."""
        sample = torch.cat([noisy, conditions.coarse, conditions.mask], dim=1)  # (B, 2C + M, h, w)
        dtype = self.synthesizer.dtype  # the schedule stays in single precision whatever the networks compute in
        features = {name: tokens.to(dtype) for name, tokens in conditions.features.items()}
        output = synthesize(self.synthesizer, sample.to(dtype), t, features).to(noisy.dtype)  # (B, C, h, w)
        if self.config.prediction == "epsilon":
            return output
        if self.config.reach is not None:  # dropped conditions have a mask of zeros: everything is a hole
            output = output * self.codec.around_holes(conditions.mask, self.config.reach).to(output.dtype)
        if conditions.all_kept:
            return output + conditions.coarse
        return output + conditions.coarse + self._guess_without(noisy, t, conditions.keep)

    def _guess_without(self, noisy: Tensor, t: Tensor, keep: Tensor) -> Tensor:
        """The anchor of samples whose conditions are dropped, (B, C, h, w); zero for the others. keep (B,)."""
        alpha = self.scheduler.alphas_cumprod.to(t.device)[t]
        guess = self.codec.encode(linear_guess(self.codec.decode(noisy), alpha))
        return (1 - keep).view(-1, 1, 1, 1).to(noisy.dtype) * guess


def is_sound(picture: Tensor) -> bool:
    """Whether all of it are numbers: networks in half precision may overflow, and damaged ones make nothing else."""
    return bool(torch.isfinite(picture).all())
