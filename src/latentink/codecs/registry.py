"""All codecs by name: one line each in :data:`CODECS`.

To add one, write a module with an
:class:`~latentink.codecs.implementation.Implementation` and give it a line here. This table is
what the command line reads for its help, so it names modules instead of importing them: none of
them, and not PyTorch, is loaded before a codec is used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecSpec:
    """What is known of a codec before its module is loaded.

    Attributes:
        name: Of the codec on the command line, in reports and in its weights file. Its bundled
            weights are ``weights/<name>.safetensors``, its bundled discriminator
            ``weights/discriminator_<name>.safetensors``.
        number: Of the codec in the header of a .lik file, 1 to 255. Never reuse one.
        implementation: ``"module:attribute"`` of its
            :class:`~latentink.codecs.implementation.Implementation`.
        entropy_model: ``"module:attribute"`` of its
            :class:`~latentink.codecs.entropy_model.EntropyModel`, which needs no PyTorch; called
            with the spec, the tensors of a weights file, their fingerprint, and what errors call
            the file.
        paper_row: Name of the paper's rows that use it: ``"hyperbase"`` gives the methods
            ``hyperbase-1`` to ``hyperbase-8``. None: it gives no methods.
    """

    name: str
    number: int
    implementation: str
    entropy_model: str
    paper_row: str | None = None


CODECS: dict[str, CodecSpec] = {
    spec.name: spec
    for spec in (
        CodecSpec(
            "hyperprior",
            1,
            "latentink.codecs.hyperprior.implementation:IMPLEMENTATION",
            "latentink.codecs.hyperprior.entropy_model:HyperpriorEntropyModel",
            "hyperbase",
        ),
        CodecSpec(
            "elic",
            2,
            "latentink.codecs.elic.implementation:IMPLEMENTATION",
            "latentink.codecs.elic.entropy_model:ElicEntropyModel",
            "elicbase",
        ),
    )
}
