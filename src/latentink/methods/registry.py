"""The methods by the names of the paper's rows, in lower case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from latentink.editing.presets import PAPER
from latentink.errors import OptionError
from latentink.message_decoders.folding import fold_batch_norm
from latentink.message_decoders.keyed import keyed_decoder
from latentink.message_decoders.message_decoder import MessageDecoder, MessageEncoder
from latentink.message_decoders.registry import load_message_decoder, load_message_encoder
from latentink.methods.adaptive import Hill, JUniward, NsF5, SUniward
from latentink.methods.fnns import ADAM, LBFGS, LBFGS_RANDOM, Fnns
from latentink.methods.hide import Hide
from latentink.methods.jpeg_layer import jpeg_straight_through
from latentink.methods.latent import LatentMethod
from latentink.methods.liso import JPEG, PLAIN, Liso
from latentink.methods.lsb import LsbMatching, LsbReplacement
from latentink.methods.method import Method
from latentink.methods.saving import Floats, Jpeg, Png, Saving
from latentink.methods.steganogan import SteganoGan
from latentink.methods.steghide import Steghide
from latentink.payload.keys import derive_keys
from latentink.steganography import DEFAULT_QUALITY

_DENSE = {1: "dense", 2: "dense2", 3: "dense3", 4: "dense4"}
_BASIC = {1: "basic", 2: "basic2", 3: "basic3", 4: "basic4"}
_JPEG_QUALITIES = (90, 70, 50)


@dataclass(frozen=True)
class MethodOptions:
    """What a user may choose beside the name.

    Attributes:
        depth: D, bits at each pixel, where the method has a choice.
        decoder: a message decoder's name or file instead of the method's own; a .steg file brings
            its encoder along.
        subsampling: of colour, where the method saves as JPEG.
        password: what random decoders are drawn from; None is the public key.
    """

    depth: int = 1
    decoder: str | None = None
    subsampling: str = "4:4:4"
    password: str | None = None


@dataclass(frozen=True)
class MethodEntry:
    """A name with what is behind it.

    Attributes:
        name: as on the command line.
        source: whose method it is.
        summary: what it does, in a line.
        make: builds it.
    """

    name: str
    source: str
    summary: str
    make: Callable[[MethodOptions], Method]


def method_entries() -> dict[str, MethodEntry]:
    """Return all methods by name, in the order of the paper's tables."""
    entries = [
        *_fnns_entries(),
        *_liso_entries(),
        *_steganogan_entries(),
        *_latent_entries(),
        *_hide_entries(),
        *_classical_entries(),
    ]
    return {entry.name: entry for entry in entries}


def load_method(name: str, options: MethodOptions | None = None) -> Method:
    """Return the method called ``name``.

    Raises:
        OptionError: no method has this name, or an option does not go with it.
        WeightsError: its weights are missing or damaged.
    """
    entries = method_entries()
    if name not in entries:
        raise OptionError(f"There is no method {name!r}; `latentink methods` lists them.")
    return entries[name].make(options or MethodOptions())


# --- FNNS -----------------------------------------------------------------------------------------

_FNNS = "Kishore et al., ICLR 2022"


def _fnns_entries() -> list[MethodEntry]:
    savings: dict[str, tuple[str, Callable[[MethodOptions], Saving]]] = {
        "fnns": ("saved as float32", lambda options: Floats(32)),
        "fnns-fp16": ("saved as float16", lambda options: Floats(16)),
        "fnns-png": ("saved as PNG", lambda options: Png()),
    }
    for quality in _JPEG_QUALITIES:
        savings[f"fnns-jpg{quality}"] = (f"saved as JPEG {quality}", partial(_jpeg, quality))
    entries = [
        MethodEntry(name, _FNNS, f"L-BFGS on the pixels, {how}", partial(_fnns, name, saving))
        for name, (how, saving) in savings.items()
    ]
    for quality in _JPEG_QUALITIES:
        name = f"fnns-jpg{quality}-train"
        summary = f"Adam on the pixels through a JPEG {quality} layer, saved so"
        entries.append(MethodEntry(name, _FNNS, summary, partial(_fnns_train, name, quality)))
    random = "L-BFGS on the pixels against a random decoder, saved as PNG"
    encoded = "L-BFGS on the pixels from the encoder's picture, saved as PNG"
    return [
        *entries,
        MethodEntry("fnns-r", _FNNS, random, _fnns_random),
        MethodEntry("fnns-de", _FNNS, encoded, _fnns_encoded),
    ]


def _jpeg(quality: int, options: MethodOptions) -> Jpeg:
    return Jpeg(quality, options.subsampling)


def _fnns(name: str, saving: Callable[[MethodOptions], Saving], options: MethodOptions) -> Method:
    return Fnns(name, _decoder(name, options, _DENSE), saving(options), LBFGS)


def _fnns_train(name: str, quality: int, options: MethodOptions) -> Method:
    saving = _jpeg(quality, options)
    layer = partial(jpeg_straight_through, saving=saving)
    return Fnns(name, _decoder(name, options, _DENSE), saving, ADAM, layer)


def _fnns_random(options: MethodOptions) -> Method:
    _refuse_decoder("fnns-r", options)
    depth = _checked_depth("fnns-r", options)
    decoder = keyed_decoder(derive_keys(options.password).master, depth)
    return Fnns("fnns-r", decoder, Png(), LBFGS_RANDOM)


def _fnns_encoded(options: MethodOptions) -> Method:
    encoder, decoder = _pair("fnns-de", options, _DENSE)
    return Fnns("fnns-de", decoder, Png(), LBFGS, start=encoder)


# --- the others -----------------------------------------------------------------------------------


def _liso_entries() -> list[MethodEntry]:
    source = "Chen, Kishore, Weinberger, ICLR 2023"
    entries = [
        MethodEntry("liso-png", source, "learned optimiser, saved as PNG", _liso("liso-png", Png()))
    ]
    for quality in _JPEG_QUALITIES:
        name, saving = f"liso-jpg{quality}", Jpeg(quality)
        summary = f"learned optimiser, saved as JPEG {quality}"
        entries.append(MethodEntry(name, source, summary, _liso(name, saving)))
    summary = "learned optimiser trained through JPEG, saved so"
    refined = "learned optimiser, then L-BFGS, saved as PNG"
    return [
        *entries,
        MethodEntry("liso-jpeg", source, summary, _liso("liso-jpeg", None)),
        MethodEntry("liso-lbfgs", source, refined, _liso_lbfgs),
    ]


def _liso_lbfgs(options: MethodOptions) -> Method:
    _refuse_decoder("liso-lbfgs", options)
    _refuse_depth("liso-lbfgs", options)
    first = Liso(Png(), PLAIN)
    decoder = fold_batch_norm(first.network.decoder)
    return Fnns("liso-lbfgs", decoder, Png(), LBFGS, start=first.picture)


def _liso(name: str, saving: Saving | None) -> Callable[[MethodOptions], Method]:
    def make(options: MethodOptions) -> Method:
        _refuse_decoder(name, options)
        _refuse_depth(name, options)
        if isinstance(saving, Jpeg):
            return Liso(replace(saving, subsampling=options.subsampling), PLAIN)
        return Liso(saving, JPEG if saving is None else PLAIN)

    return make


def _steganogan_entries() -> list[MethodEntry]:
    source = "Zhang et al. 2019"
    return [
        MethodEntry(
            "steganogan-dense", source, "dense encoder, one pass, saved as PNG", _steganogan_dense
        ),
        MethodEntry(
            "steganogan-basic", source, "residual encoder, one pass, PNG", _steganogan_basic
        ),
    ]


def _steganogan_dense(options: MethodOptions) -> Method:
    encoder, decoder = _pair("steganogan-dense", options, _DENSE)
    return SteganoGan("steganogan-dense", encoder, decoder, Png())


def _steganogan_basic(options: MethodOptions) -> Method:
    encoder, decoder = _pair("steganogan-basic", options, _BASIC)
    return SteganoGan("steganogan-basic", encoder, decoder, Png())


def _latent_entries() -> list[MethodEntry]:
    source = "Train the Latent, Not the Image"
    entries = []
    for codec, row in (("hyperprior", "hyperbase"), ("elic", "elicbase")):
        for quality in range(1, 9):
            name = f"{row}-{quality}"
            summary = f"edits the latent of {codec} at quality {quality}"
            make = partial(_latent, name, codec, float(quality))
            entries.append(MethodEntry(name, source, summary, make))
    return entries


def _latent(name: str, codec: str, quality: float, options: MethodOptions) -> Method:
    # The dense decoder reads fine colour, which no learned codec keeps; robust does not.
    decoder = _decoder(name, options, {**_DENSE, 1: PAPER.decoder})
    return LatentMethod(name, codec, quality, PAPER, decoder)


def _hide_entries() -> list[MethodEntry]:
    rows = (
        ("hide-balanced", "pixels", "balanced", 1 / 32, "`hide`, 1/32 bit a pixel"),
        ("hide-fast", "pixels", "fast", 1 / 32, "`hide --preset fast`, 1/32 bit a pixel"),
        ("hide-latents", "latents", "balanced", 1 / 4, "`hide --channel latents`, 1/4 bit a pixel"),
        ("hide-latents-short", "latents", "balanced", 1 / 32, "the same, 1/32 bit a pixel"),
    )
    return [
        MethodEntry(name, "latentink", summary, partial(_hide, name, channel, preset, rate))
        for name, channel, preset, rate, summary in rows
    ]


def _hide(name: str, channel: str, preset: str, rate: float, options: MethodOptions) -> Method:
    _refuse_decoder(name, options)
    _refuse_depth(name, options)
    return Hide(name, channel, "hyperprior", DEFAULT_QUALITY, preset, rate, options.password)


def _classical_entries() -> list[MethodEntry]:
    holub = "Holub, Fridrich, Denemark 2014; conseal, simulated"
    return [
        MethodEntry("lsb-replacement", "folklore", "lowest bits replaced, PNG", _lsb_replacement),
        MethodEntry("lsb-matching", "Sharp 2001", "lowest bits by ±1, PNG", _lsb_matching),
        MethodEntry("s-uniward", holub, "least wavelet distortion, PNG", _fixed(SUniward)),
        MethodEntry(
            "hill", "Li et al. 2014; conseal, simulated", "high-pass costs, PNG", _fixed(Hill)
        ),
        MethodEntry("j-uniward", holub, "least wavelet distortion, JPEG 90", _in_jpeg(JUniward)),
        MethodEntry(
            "nsf5",
            "Fridrich, Pevný, Kodovský 2007; conseal, simulated",
            "F5 without shrinkage, JPEG 90",
            _in_jpeg(NsF5),
        ),
        MethodEntry("steghide", "Hetzl 2003", "graph matching, JPEG 90", _in_jpeg(Steghide)),
    ]


def _lsb_replacement(options: MethodOptions) -> Method:
    _refuse_decoder("lsb-replacement", options)
    return LsbReplacement(options.depth)


def _lsb_matching(options: MethodOptions) -> Method:
    _refuse_decoder("lsb-matching", options)
    return LsbMatching(options.depth)


def _fixed(kind: type[SUniward] | type[Hill]) -> Callable[[MethodOptions], Method]:
    def make(options: MethodOptions) -> Method:
        _refuse_decoder(kind.name, options)
        _refuse_depth(kind.name, options)
        return kind()

    return make


def _in_jpeg(
    kind: type[JUniward] | type[NsF5] | type[Steghide],
) -> Callable[[MethodOptions], Method]:
    def make(options: MethodOptions) -> Method:
        _refuse_decoder(kind.name, options)
        _refuse_depth(kind.name, options)
        return kind(saving=Jpeg(90, options.subsampling))

    return make


# --- decoders and their depths --------------------------------------------------------------------


def _decoder(name: str, options: MethodOptions, bundled: dict[int, str]) -> MessageDecoder:
    own = options.decoder or bundled[_checked_depth(name, options)]
    decoder = load_message_decoder(own, derive_keys(options.password).master)
    if decoder.stride != 1:
        raise OptionError(f"{name} takes decoders that read at each pixel, which {own} does not.")
    return decoder


def _pair(
    name: str, options: MethodOptions, bundled: dict[int, str]
) -> tuple[MessageEncoder, MessageDecoder]:
    """Return an encoder and its decoder: bundled ones, or those of a .steg file."""
    decoder = _decoder(name, options, bundled)
    return load_message_encoder(decoder.name), decoder


def _checked_depth(name: str, options: MethodOptions) -> int:
    if options.depth not in _DENSE:
        raise OptionError(f"{name} has data depths 1 to {max(_DENSE)}, not {options.depth}.")
    return options.depth


def _refuse_depth(name: str, options: MethodOptions) -> None:
    if options.depth != 1:
        raise OptionError(f"{name} has no choice of data depth.")


def _refuse_decoder(name: str, options: MethodOptions) -> None:
    if options.decoder is not None:
        raise OptionError(f"{name} has no choice of decoder.")
