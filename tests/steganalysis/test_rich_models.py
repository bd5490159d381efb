from __future__ import annotations

import sys

import numpy as np
import pytest

from latentink.errors import OptionError
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.rich_models import (
    FEATURES,
    FEWEST_PAIRS,
    RichModelDetector,
    cooccurrences,
    luminance,
    spam_features,
    srm_features,
)
from photos import astronaut

sealwatch = pytest.importorskip("sealwatch")

PHOTO = astronaut(0, 0, 512, 512)


def crops(side: int) -> list[np.ndarray]:
    """All crops of the photo that do not overlap."""
    starts = range(0, 512 - side + 1, side)
    return [PHOTO[y : y + side, x : x + side] for y in starts for x in starts]


def with_message(picture: np.ndarray, seed: int) -> np.ndarray:
    """Each pixel brighter or darker by 3."""
    bits = np.random.default_rng(seed).integers(0, 2, (*picture.shape[:2], 1))
    return np.clip(picture.astype(int) + 6 * bits - 3, 0, 255).astype(np.uint8)


def evidence(pictures: list[np.ndarray]) -> list[Evidence]:
    return [Evidence(b"", picture) for picture in pictures]


def test_luminance_is_rounded_and_not_cut_off():
    picture = np.zeros((16, 16, 3), dtype=np.uint8)
    picture[0, 0] = 255, 255, 255
    picture[0, 1] = 2, 0, 0  # 0.598
    picture[0, 2] = 1, 0, 0  # 0.299
    assert luminance(picture)[0, :3].tolist() == [255, 1, 0]


def test_cooccurrences_count_quadruples_from_the_left_or_the_top():
    rows = np.array([[-1, 0, 1, 1, 1]])
    found = cooccurrences(rows, "hor", 1)
    assert found[0, 1, 2, 2] == 0.5
    assert found[1, 2, 2, 2] == 0.5
    assert found.sum() == 1
    assert np.array_equal(cooccurrences(rows.T, "ver", 1), found)


def test_srm_is_what_sealwatch_computes():
    grey = luminance(PHOTO[100:148, 200:264])
    theirs = sealwatch.srm.extract(grey)
    ours = srm_features(grey)
    assert ours.shape == (34671,)
    assert np.array_equal(ours, np.concatenate([theirs[name].ravel() for name in sorted(theirs)]))


def test_spam_is_two_tables_of_shares_that_hidden_bits_change():
    grey = luminance(PHOTO[:128, :96])
    features = spam_features(grey)
    assert features.shape == (686,)
    assert features[:343].sum() == pytest.approx(1, abs=1e-5)
    assert features[343:].sum() == pytest.approx(1, abs=1e-5)
    # Straight: along rows and columns; turning the picture exchanges the two.
    assert spam_features(grey.T) == pytest.approx(features, abs=1e-7)
    assert np.abs(spam_features(with_message(grey[..., None], 0)[..., 0]) - features).max() > 1e-3


def test_messages_are_found_in_pictures_not_seen_before():
    covers = crops(64)
    stegos = [with_message(cover, n) for n, cover in enumerate(covers)]
    detector = RichModelDetector("spam")
    detector.fit(evidence(covers[0::2]), evidence(stegos[0::2]), seed=3)
    calm = [detector.score(one) for one in evidence(covers[1::2])]
    told = [detector.score(one) for one in evidence(stegos[1::2])]
    assert all(0 <= score <= 1 for score in calm + told)
    right = np.mean(np.array(calm) <= detector.threshold) / 2
    right += np.mean(np.array(told) > detector.threshold) / 2
    assert right >= 0.9


def test_the_seed_alone_decides():
    rng = np.random.default_rng(0)
    covers, stegos, asked = rng.normal(size=(3, 30, 12))
    stegos = stegos + 0.7

    def scores(seed: int) -> list[float]:
        np.random.seed(rng.integers(1000))
        detector = RichModelDetector("spam")
        detector.fit_features(covers, stegos, seed)
        return [detector.score_features(row) for row in asked]

    assert scores(1) == scores(1)
    assert scores(0) != scores(1)


def test_features_computed_elsewhere_give_the_same_scores():
    covers = evidence(crops(128)[:FEWEST_PAIRS])
    stegos = evidence([with_message(c.picture, 1) for c in covers])
    whole, parts = RichModelDetector("spam"), RichModelDetector("spam")
    whole.fit(covers, stegos, seed=5)
    features = [np.stack([parts.features_of(e) for e in files]) for files in (covers, stegos)]
    parts.fit_features(*features, seed=5)
    assert [whole.score(e) for e in stegos] == [parts.score_features(f) for f in features[1]]


def test_what_is_wrong_is_said():
    with pytest.raises(OptionError, match="choose from spam, srm"):
        RichModelDetector("crm")
    detector = RichModelDetector("spam")
    with pytest.raises(OptionError, match="fit it first"):
        detector.score(Evidence(b"", PHOTO[:32, :32]))
    with pytest.raises(OptionError, match="16×16"):
        detector.features_of(Evidence(b"", PHOTO[:32, :15]))
    few = evidence([PHOTO[:32, :32]] * (FEWEST_PAIRS - 1))
    with pytest.raises(OptionError, match="9 pairs are too few"):
        detector.fit(few, few, seed=0)
    with pytest.raises(OptionError, match="9 covers and 8 stegos"):
        detector.fit(few, few[:-1], seed=0)
    with pytest.raises(OptionError, match="same features"):
        detector.fit_features(np.zeros((20, 5)), np.zeros((20, 6)), 0)


@pytest.mark.parametrize("name", FEATURES)
def test_without_sealwatch_it_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "sealwatch", None)
    with pytest.raises(OptionError, match=r"sealwatch: pip install 'latentink\[detectors\]'"):
        RichModelDetector(name).features_of(Evidence(b"", PHOTO[:32, :32]))
