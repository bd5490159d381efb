from __future__ import annotations

import numpy as np
import pytest

import latentink
from latentink.codecs.codec import Codec
from latentink.errors import OptionError
from latentink.picture import encode_png
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.latent_domain.detector import FEWEST_FILES, LatentDomainDetector
from photos import astronaut


def shown(data: bytes) -> Evidence:
    return Evidence(data, latentink.decompress(data))


def test_stego_files_are_told_from_plain_ones():
    """Crops of one photo: the upper half to learn from, the lower half to be tested on."""

    def files(top: int, count: int) -> tuple[list[Evidence], list[Evidence]]:
        covers, stegos = [], []
        for n in range(count):
            crop = astronaut(top + 128 * (n % 2), 128 * (n // 2), 128, 128)
            message = np.random.default_rng(n).bytes(1000)
            options = latentink.HideOptions(channel="latents", steps=0)
            stegos.append(shown(latentink.hide(crop, message, options=options).data))
            covers.append(shown(latentink.compress(crop).data))
        return covers, stegos

    detector = LatentDomainDetector()
    detector.fit(*files(0, FEWEST_FILES), seed=0)
    covers, stegos = files(256, 4)
    calm = [detector.score(one) for one in covers]
    told = [detector.score(one) for one in stegos]
    assert np.mean(np.array(calm) <= 0) / 2 + np.mean(np.array(told) > 0) / 2 >= 0.8
    assert detector.score(stegos[0]) == told[0]


def test_every_codec_gives_as_many_numbers(codec: Codec):
    name = codec.name
    files = [
        shown(latentink.compress(astronaut(0, 100, height, 80), codec=name, quality=quality).data)
        for height, quality in ((64, codec.qualities[0]), (40, codec.qualities[-1]))
    ]
    features = [LatentDomainDetector().features_of(file) for file in files]
    assert features[0].shape == features[1].shape
    assert np.isfinite(features).all()
    assert np.array_equal(LatentDomainDetector().features_of(files[0]), features[0])


def test_what_is_wrong_is_said():
    detector = LatentDomainDetector()
    photo = astronaut(0, 100, 64, 64)
    file = latentink.compress(astronaut(0, 100, 48, 64)).data
    with pytest.raises(OptionError, match=r"\.lik files"):
        detector.score(Evidence(encode_png(photo), photo))
    with pytest.raises(OptionError, match="decompress the file"):
        detector.score(Evidence(file, photo))
    with pytest.raises(OptionError, match="fit it first"):
        detector.score_features(np.zeros(5))
    with pytest.raises(OptionError, match="7 covers and 9 stegos are too few"):
        detector.fit_features(np.zeros((7, 5)), np.zeros((9, 5)))
    with pytest.raises(OptionError, match="too few"):
        detector.fit([], [], seed=0)
