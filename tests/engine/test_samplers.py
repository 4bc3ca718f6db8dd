"""Samplers on a problem whose solution is known: normally distributed pictures, and the perfect network for them."""

import pytest
import torch
from diffusers import DDIMScheduler

from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.engine.samplers import (
    PUBLISHED_STEPS,
    SAMPLERS,
    clean_prediction,
    noise_to_signal,
    sampler_names,
    solver_timesteps,
)
from magicfixup_demo.limits import SAMPLER_NAMES

MEAN, VARIANCE = 0.4, 0.3
SOLVERS = ("dpm++", "unipc")
EPSILON, SAMPLE = "magicfixup", "small"  # what the network predicts: the noise, or the clean picture


def schedule_of(preset: str) -> DDIMScheduler:
    return DDIMScheduler(**PRESETS[preset].scheduler)


def perfect(schedule: DDIMScheduler, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The best guess of the clean picture, or of the noise, for x = sqrt(a) clean + sqrt(1 - a) noise."""
    alpha = schedule.alphas_cumprod[t].double()
    surprise = (x - alpha.sqrt() * MEAN) / (alpha * VARIANCE + 1 - alpha)
    if schedule.config.prediction_type == "sample":
        return MEAN + alpha.sqrt() * VARIANCE * surprise
    return (1 - alpha).sqrt() * surprise


def error(name: str, preset: str, steps: int, strength: float = 1.0) -> float:
    """Of a run's end, against the exact solution of its ordinary differential equation; largest of some starts."""
    schedule = schedule_of(preset)
    run = SAMPLERS[name].start(schedule, steps, strength)
    alpha = schedule.alphas_cumprod[run.timesteps[0]].double()
    place = torch.linspace(-2, 2, 9, dtype=torch.float64).view(
        1, 1, 3, 3
    )  # in deviations; it stays, along the solution
    x = alpha.sqrt() * MEAN + (alpha * VARIANCE + 1 - alpha).sqrt() * place
    for t in run.timesteps:
        x = run.step(perfect(schedule, x, t), t, x, None)
    return (x - (MEAN + VARIANCE**0.5 * place)).abs().max().item()


@pytest.mark.parametrize(("preset", "strength"), [(EPSILON, 1.0), (EPSILON, 0.4), (SAMPLE, 1.0), (SAMPLE, 0.2)])
@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_come_to_the_exact_solution_in_few_steps(name, preset, strength):
    assert error(name, preset, 10, strength) < 0.05
    assert error(name, preset, 20, strength) < 0.005


@pytest.mark.parametrize("name", SOLVERS)
def test_ten_solver_steps_are_nearer_than_forty_of_ddim(name):
    assert error(name, EPSILON, 10) < error("ddim", EPSILON, 40)


@pytest.mark.parametrize("preset", [EPSILON, SAMPLE])
def test_every_noise_level_is_finite_and_falls(preset):
    schedule = schedule_of(preset)
    everywhere = noise_to_signal(schedule, torch.arange(1000))
    assert everywhere.isfinite().all() and (everywhere.diff() > 0).all()
    for name in SOLVERS:
        for steps in (1, 2, 8, 20, 50):
            sigmas = SAMPLERS[name].start(schedule, steps, 1.0)._scheduler.sigmas
            assert sigmas.isfinite().all() and (sigmas.diff() < 0).all() and sigmas[-1] == 0


def test_published_steps_that_do_not_divide_the_schedule_are_as_many_as_fit():
    """../shared/parity/README.md, 1.5."""
    start = SAMPLERS["published"].start
    counts = {steps: len(start(schedule_of(EPSILON), steps, 1.0).timesteps) for steps in (1, 3, 10, 30, 50)}
    assert counts == {1: 1, 3: 3, 10: 10, 30: 31, 50: 50}
    assert start(schedule_of(EPSILON), 30, 1.0).timesteps[[0, 1, -1]].tolist() == [991, 958, 1]


@pytest.mark.parametrize("preset", [EPSILON, SAMPLE])
def test_most_steps_at_the_least_strength_run_to_the_end(preset):
    schedule = schedule_of(preset)
    for name in SAMPLERS:
        run, x = SAMPLERS[name].start(schedule, 100, 0.05), torch.zeros(1, 1, 2, 2)
        assert len(set(run.timesteps.tolist())) == 100, name
        for t in run.timesteps:
            x = run.step(torch.zeros_like(x), t, x, torch.Generator().manual_seed(0))
        assert x.isfinite().all(), name


def test_solvers_begin_where_the_published_fifty_steps_do():
    published = SAMPLERS["published"].start(schedule_of(EPSILON), PUBLISHED_STEPS, 1.0).timesteps
    assert (published[0], published[-1], len(published)) == (981, 1, 50)
    for steps in (1, 8, 20):
        timesteps = solver_timesteps(schedule_of(EPSILON), steps, 1.0)
        assert timesteps[0] == 981 and len(set(timesteps.tolist())) == steps
    assert solver_timesteps(schedule_of(SAMPLE), 2, 0.2).tolist() == [199, 1]


@pytest.mark.parametrize("name", SAMPLERS)
def test_runs_do_not_disturb_each_other(name):
    schedule = schedule_of(EPSILON)

    def advance(run, x, i, seed):
        t = run.timesteps[i]
        return run.step(perfect(schedule, x, t).float(), t, x, torch.Generator().manual_seed(seed))

    def alone(steps: int) -> torch.Tensor:
        run, x = SAMPLERS[name].start(schedule, steps, 1.0), torch.full((1, 1, 2, 2), 0.7)
        for i in range(steps):
            x = advance(run, x, i, i)
        return x

    first, second = (SAMPLERS[name].start(schedule, steps, 1.0) for steps in (5, 10))
    x, y = torch.full((1, 1, 2, 2), 0.7), torch.full((1, 1, 2, 2), 0.7)
    for i in range(10):
        x = advance(first, x, i, i) if i < 5 else x
        y = advance(second, y, i, i)
    assert torch.equal(x, alone(5)) and torch.equal(y, alone(10))


@pytest.mark.parametrize("preset", [EPSILON, SAMPLE])
def test_the_clean_prediction_is_what_the_noisy_picture_was_made_of(preset):
    schedule = schedule_of(preset)
    clean, noise = torch.randn(2, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([700])
    noisy = schedule.add_noise(clean, noise, t)
    told = noise if preset == EPSILON else clean
    torch.testing.assert_close(clean_prediction(schedule, told, t, noisy), clean, atol=1e-4, rtol=1e-4)


def test_only_a_model_that_rereads_its_photo_offers_the_published_sampler():
    assert sampler_names("dpm++", rereads=True) == ("dpm++", "published", "ddim", "unipc")
    assert sampler_names("ddim", rereads=False) == ("ddim", "dpm++", "unipc")


def test_the_command_line_offers_every_sampler():
    assert tuple(SAMPLERS) == SAMPLER_NAMES
