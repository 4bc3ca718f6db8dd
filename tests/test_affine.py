"""The geometry: the vectors shared with web/model/affine.js, and the properties that hold for any matrix."""

import json
import math

import numpy as np
import pytest

from magicfixup_demo import affine

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def vectors(repository) -> dict:
    return json.loads((repository / "tests" / "affine_vectors.json").read_text())


@pytest.mark.parametrize("name", ["translation", "scaling", "rotation", "compose", "apply"])
def test_shared_vectors(vectors, name):
    function = getattr(affine, name)
    assert vectors[name]
    for case in vectors[name]:
        assert function(*case["in"]) == pytest.approx(case["out"], rel=TOLERANCE, abs=1e-6)


@pytest.mark.parametrize("name", ["invert", "determinant"])
def test_shared_vectors_of_one_matrix(vectors, name):
    for case in vectors[name]:
        assert getattr(affine, name)(case["in"]) == pytest.approx(case["out"], rel=1e-7, abs=1e-6)


def random_matrices(count: int = 50) -> list[affine.Affine]:
    random = np.random.default_rng(1)
    made = []
    for _ in range(count):
        sx, sy = np.exp(random.uniform(-2, 2, 2)) * random.choice([-1, 1], 2)
        turned = affine.compose(affine.rotation(random.uniform(-4, 4)), affine.scaling(sx, sy))
        made.append(affine.compose(affine.translation(*random.uniform(-400, 400, 2)), turned))
    return made


def test_inverse_undoes_on_both_sides():
    for matrix in random_matrices():
        for product in (
            affine.compose(matrix, affine.invert(matrix)),
            affine.compose(affine.invert(matrix), matrix),
        ):
            assert product == pytest.approx(affine.IDENTITY, abs=1e-8)


def test_composition_applies_the_inner_one_first():
    for outer, inner in zip(random_matrices(), reversed(random_matrices()), strict=True):
        point = (17.5, -3.25)
        expected = affine.apply(outer, affine.apply(inner, point))
        assert affine.apply(affine.compose(outer, inner), point) == pytest.approx(expected, rel=TOLERANCE)


def test_composition_is_associative_and_multiplies_determinants():
    a, b, c = random_matrices(3)
    left, right = affine.compose(affine.compose(a, b), c), affine.compose(a, affine.compose(b, c))
    assert left == pytest.approx(right, rel=1e-9, abs=1e-6)
    assert affine.determinant(affine.compose(a, b)) == pytest.approx(affine.determinant(a) * affine.determinant(b))


def test_the_centre_stays():
    centre = (12.0, -7.0)
    assert affine.apply(affine.rotation(0.7, centre), centre) == pytest.approx(centre)
    assert affine.apply(affine.scaling(-3, 0.2, centre), centre) == pytest.approx(centre)


def test_a_positive_angle_turns_from_x_to_y():
    assert affine.apply(affine.rotation(math.pi / 2), (1, 0)) == pytest.approx((0, 1))


def test_a_singular_matrix_has_no_inverse():
    with pytest.raises(ZeroDivisionError):
        affine.invert(affine.scaling(0, 1))
