from __future__ import annotations

import numpy as np
import pytest

from latentink.steganalysis.latent_domain.fisher_discriminant import (
    fit_discriminant,
    shrunk_covariance,
)


def test_the_discriminant_finds_a_direction_among_many_features():
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(60, 60))
    shift = mixing[0]  # Covered by as much noise as every other direction.

    def examples(count: int, stego: bool) -> np.ndarray:
        return rng.normal(size=(count, 60)) @ mixing + 5 * stego * shift

    found = fit_discriminant(examples(30, False), examples(30, True))
    calm = np.array([found.score(x) for x in examples(200, False)])
    told = np.array([found.score(x) for x in examples(200, True)])
    assert np.mean(calm <= 0) / 2 + np.mean(told > 0) / 2 > 0.8


def test_a_feature_that_never_changes_or_is_far_off_does_no_harm():
    rng = np.random.default_rng(2)
    covers, stegos = rng.normal(size=(2, 20, 3))
    stegos[:, 0] += 4
    covers[:, 1] = stegos[:, 1] = 7.0
    found = fit_discriminant(covers, stegos)
    assert found.score(np.array([4.0, 7.0, 0.0])) > 0 > found.score(np.array([0.0, 7.0, 0.0]))
    assert found.score(np.array([4.0, 1e9, 0.0])) == found.score(np.array([4.0, 7.0, 0.0]))
    alike = fit_discriminant(np.ones((9, 3)), np.ones((9, 3)))
    assert alike.score(np.ones(3)) == 0


def test_covariance_of_few_examples_is_shrunk_and_of_many_is_not():
    rng = np.random.default_rng(3)
    true = np.diag([1.0, 2.0, 3.0, 4.0])
    many = shrunk_covariance(rng.normal(size=(20000, 4)) @ np.sqrt(true))
    assert many == pytest.approx(true, abs=0.15)
    few = shrunk_covariance(rng.normal(size=(10, 40)))
    assert np.linalg.cond(few) < 30  # The plain one has no inverse.
