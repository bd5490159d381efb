"""What can go wrong, as exceptions whose text is one sentence for a person.

Everything that a user can cause raises a subclass of :class:`LatentinkError`; the command line
prints the sentence and exits with code 2. Anything else that escapes is a defect of latentink.
"""


class LatentinkError(Exception):
    """Base of all errors that say what is wrong with the input and what to do about it."""


class PictureError(LatentinkError):
    """The cover is missing, is not a picture, is too small, or is partly transparent."""


class ContainerError(LatentinkError):
    """The .lik file is foreign, truncated or altered."""


class WeightsError(LatentinkError):
    """Unknown codec, unknown fingerprint, or a weights file that cannot be read safely."""


class CapacityError(LatentinkError):
    """The message does not fit; the sentence names the number of bytes that do."""


class MessageNotFoundError(LatentinkError):
    """No message under this password: a wrong password, or a picture that carries none."""


class OptionError(LatentinkError):
    """An option's value is out of its range or contradicts another option."""


class OutputError(LatentinkError):
    """The output cannot be written."""


class ConversionWarning(UserWarning):
    """A photo file was read, but not as it is: its colours or its depth had to be converted."""


def unfit_weights(finding: str) -> WeightsError:
    """Return the error about a weights file that does not hold what it should.

    Args:
        finding: what is wrong, beginning with the file, without a full stop.

    Example:
        >>> print(unfit_weights("a.safetensors misses tensor 'bias'"))
        a.safetensors misses tensor 'bias'; get a fresh copy of the file, or name another one.
    """
    return WeightsError(f"{finding}; get a fresh copy of the file, or name another one.")
