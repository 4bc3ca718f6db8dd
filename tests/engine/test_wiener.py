"""The linear guess: exact without noise, nothing without signal, and the best that a linear filter can do between."""

import pytest
import torch

from magicfixup_demo.engine.wiener import _power, linear_guess


def drawn_pictures(count: int, height: int, width: int) -> torch.Tensor:
    """Normally distributed pictures with the filter's own spectrum: (count, 3, height, width)."""
    from magicfixup_demo.engine.wiener import OPPONENT

    generator = torch.Generator().manual_seed(0)
    waves = torch.fft.rfft2(torch.randn(count, 3, height, width, generator=generator))
    power = _power((height, width), torch.device("cpu"))
    return torch.einsum(
        "kc,bkhw->bchw", torch.tensor(OPPONENT), torch.fft.irfft2(waves * power.sqrt(), s=(height, width))
    )


def noised(clean: torch.Tensor, alpha: float) -> torch.Tensor:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    return alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise


def error(guess: torch.Tensor, clean: torch.Tensor) -> float:
    return (guess - clean).square().mean().item()


def test_without_noise_the_guess_is_the_picture():
    clean = drawn_pictures(2, 64, 96)
    assert torch.allclose(linear_guess(clean, torch.ones(2)), clean, atol=1e-4)


def test_without_signal_there_is_no_guess():
    assert linear_guess(torch.randn(1, 3, 64, 64), torch.zeros(1)).abs().max() == 0


@pytest.mark.parametrize("alpha", [0.2, 0.6, 0.9])
def test_it_is_nearer_than_the_best_single_weight_and_than_a_filter_for_another_noise(alpha):
    clean = drawn_pictures(4, 128, 96)
    noisy = noised(clean, alpha)
    guess = error(linear_guess(noisy, torch.full((4,), alpha)), clean)
    weight = (noisy * clean).sum() / noisy.square().sum()
    assert guess < 0.5 * error(weight * noisy, clean)
    for other in (0.5 * alpha, 1 - 0.3 * (1 - alpha)):
        scaled = noisy * (other / alpha) ** 0.5  # the signal as that noise level would have it
        assert guess < error(linear_guess(scaled, torch.full((4,), other)), clean)


def test_each_sample_has_its_own_noise_and_half_precision_stays():
    clean = drawn_pictures(2, 64, 64)
    both = linear_guess(clean, torch.tensor([1.0, 0.3]))
    assert torch.allclose(both[0], linear_guess(clean[:1], torch.ones(1))[0], atol=1e-5)
    assert not torch.allclose(both[1], clean[1], atol=1e-2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(linear_guess(clean, torch.tensor([1.0, 0.3])), both, atol=1e-4)
    assert linear_guess(clean.half(), torch.ones(2)).dtype == torch.float16
