"""The critic: what it sees, and that its losses push the right way."""

import torch

from magicfixup_demo.training.discriminator import PatchDiscriminator, hinge_real_and_fake, realism


def test_scores_are_local_and_depend_on_the_mask():
    torch.manual_seed(0)
    critic = PatchDiscriminator(16).eval()
    picture, mask = torch.rand(1, 3, 128, 128), torch.ones(1, 1, 128, 128)
    scores = critic(picture, mask)
    assert scores.shape == (1, 1, 16, 16)
    other = picture.clone()
    other[..., :8, :8] = 1 - other[..., :8, :8]
    changed = (critic(other, mask) != scores)[0, 0]
    assert changed[0, 0] and not changed[8:].any() and not changed[:, 8:].any()
    assert not torch.equal(critic(picture, mask * 0), scores)


def test_only_weighted_places_count():
    real, fake = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    fake[:, :, 0, 0] = 5.0
    weight = torch.zeros(2, 1, 32, 32)
    weight[1, :, :8, :8] = 1.0
    assert hinge_real_and_fake(real, fake, weight).tolist() == [0.0, 7.0]
    assert realism(fake, weight).tolist() == [0.0, -5.0]


def test_the_critic_learns_to_tell_noise_from_flat_grey():
    torch.manual_seed(0)
    critic = PatchDiscriminator(8)
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3)
    real, fake, mask = torch.rand(4, 3, 64, 64) * 2 - 1, torch.zeros(4, 3, 64, 64), torch.ones(4, 1, 64, 64)
    first = None
    for _ in range(60):
        loss = hinge_real_and_fake(critic(real, mask), critic(fake, mask), mask).mean()
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.7 * first
