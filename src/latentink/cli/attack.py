"""``latentink attack``: does to a picture what happens to it on its way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.attacks.profiles import PROFILES, attacks_of
from latentink.cli.errors import for_people
from latentink.defaults import DEFAULT_PROFILE
from latentink.errors import OptionError, OutputError
from latentink.picture import check_output, encode_png, read_picture, write_atomically


@for_people
def attack_command(
    picture: Annotated[Path, typer.Argument(help="The picture.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for what each attack leaves, or a .png file for one attack."
        ),
    ],
    profile: Annotated[
        str, typer.Option(help=f"Whose attacks: {', '.join(PROFILES)}.")
    ] = DEFAULT_PROFILE,
    attack: Annotated[
        str | None, typer.Option(help="One attack of the profile, by its name.")
    ] = None,
) -> None:
    """Re-encode, rescale, sharpen a picture as a profile says, each attack by itself.

    What is left is written as PNG, so that it is what a receiver sees.
    """
    pixels = read_picture(picture)
    attacks = attacks_of(profile, (pixels.shape[0], pixels.shape[1]))
    if attack is None:
        if out.suffix:
            raise OptionError(
                f"{profile} has {len(attacks)} attacks: name a folder with -o, or one of them with "
                "--attack."
            )
        try:
            out.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {out} cannot be made: {error.strerror}; name another with -o."
            ) from None
        for one in attacks:
            name = one.name.replace(" ", "_").replace(",", "").replace("×", "x")
            write_atomically(out / f"{picture.stem}_{name}.png", encode_png(one.apply(pixels)))
            print(out / f"{picture.stem}_{name}.png")
        return
    by_name = {one.name: one for one in attacks}
    if attack not in by_name:
        raise OptionError(
            f"{profile} has no attack {attack!r} for this picture; choose from "
            f"{'; '.join(by_name)}."
        )
    if out.suffix.lower() != ".png":
        raise OptionError("What is left must be saved without loss: name an output ending in .png.")
    check_output(out, picture)
    write_atomically(out, encode_png(by_name[attack].apply(pixels)))
