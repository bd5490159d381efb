"""A warden who has the photo learns nothing from a file of the exact coding; it catches others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm
from torch import Tensor

from coin_photos import SparingWriter
from latentink import HideOptions, OptionError, compress, hide
from latentink.channels.latents.exact.writer import ExactWriter
from latentink.codecs.codec import Codec
from latentink.codecs.coins import CoinFlips, coins_of
from latentink.codecs.entropy_model import Chooser
from latentink.payload.keys import Keys
from latentink.payload.sealing import packed
from latentink.picture import to_tensor
from latentink.steganalysis.known_photo import Judgement, judge, judge_file
from photos import astronaut

MESSAGE = b"noon"
PAIRS = {"hyperprior": 500, "elic": 100}


@dataclass(frozen=True)
class Photo:
    """A photo that the warden has analysed."""

    codec: Codec
    v: Tensor
    z: np.ndarray
    side: Tensor
    quality_code: int

    def judged(self, choose: Chooser) -> Judgement:
        latents = self.codec.quantise(self.v, self.z, self.quality_code, choose, self.side)
        return judge(self.codec, self.v, self.z, latents)

    def plain(self, number: int) -> Judgement:
        return self.judged(CoinFlips(coins_of(b"plain%d" % number), self.codec.entropy.scales))

    def stego(self, number: int, kind: type[ExactWriter] = ExactWriter) -> Judgement:
        keys = Keys(number.to_bytes(32, "little"))
        writer = kind(
            packed(MESSAGE), keys, coins_of(b"stego%d" % number), self.codec.entropy.scales
        )
        judgement = self.judged(writer)
        assert writer.finished
        return judgement


def analysed(codec: Codec, left: int, quality: float = 5) -> Photo:
    code = codec.quality_code(quality)
    v = codec.analyse(to_tensor(astronaut(left=left, height=128, width=128)), code)
    z = codec.hyper_analyse(v)
    return Photo(codec, v, z, codec.entropy.side(z, (v.shape[-2], v.shape[-1])), code)


def test_files_are_as_likely_with_a_message_as_without(codec: Codec) -> None:
    photos = [analysed(codec, left) for left in (100, 200)]
    pairs = PAIRS[codec.name]
    plain = [photos[number % 2].plain(number) for number in range(pairs)]
    stego = [photos[number % 2].stego(number) for number in range(pairs)]
    assert not any(judgement.foreign for judgement in plain + stego)
    for feature in ("log_likelihood", "tilt"):
        ours, theirs = ([getattr(one, feature) for one in files] for files in (stego, plain))
        assert ks_2samp(ours, theirs).pvalue > 1e-3, feature
    # Not only alike, but as the theorem has it: the coins are fair.
    tilts = np.array([judgement.tilt for judgement in stego])
    assert 2 * norm.sf(abs(tilts.sum()) / np.sqrt(pairs)) > 1e-4
    if len(codec.entropy.passes(photos[0].v.shape[1:])) == 1:
        assert len({one.free for one in (plain + stego)[::2]}) == 1


def test_a_sparing_sender_is_caught(codec: Codec) -> None:
    photo = analysed(codec, 100)
    plain = [photo.plain(number).tilt for number in range(20)]
    sparing = [photo.stego(number, SparingWriter).tilt for number in range(20)]
    assert ks_2samp(sparing, plain).pvalue < 1e-6
    assert max(sparing) < -4


def test_files_are_judged_and_a_raised_quality_is_caught() -> None:
    photo = astronaut(height=128, width=128)
    stego = hide(photo, b"noon", password="tide", options=HideOptions(quality=5))
    assert stego.report.security == "exact"
    judgement = judge_file(photo, stego.data)
    assert judgement.foreign == 0
    assert abs(judgement.tilt) < 5
    assert judgement.log_likelihood == -judgement.free < 0
    # More than the coins hold: carried by finer symbols and coded otherwise.
    longer = hide(photo, np.random.default_rng(0).bytes(700), password="tide")
    assert longer.report.security == "measured"
    assert judge_file(photo, longer.data).log_likelihood == -np.inf


def test_a_file_of_another_photo_is_foreign() -> None:
    photo, other = astronaut(height=128, width=128), astronaut(left=250, height=128, width=128)
    data = compress(photo, seed=3).data
    assert judge_file(other, data).foreign > 100
    with pytest.raises(OptionError, match="size"):
        judge_file(photo[:100], data)
