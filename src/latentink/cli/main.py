"""The ``latentink`` command."""

from __future__ import annotations

import typer

from latentink.cli.attack import attack_command
from latentink.cli.bench import bench_app
from latentink.cli.capacity import capacity_command
from latentink.cli.compress import compress_command
from latentink.cli.decompress import decompress_command
from latentink.cli.demo import demo_command
from latentink.cli.detect import detect_command
from latentink.cli.embed import embed_command
from latentink.cli.extract import extract_command
from latentink.cli.hide import hide_command
from latentink.cli.inspect import inspect_command
from latentink.cli.methods import methods_command
from latentink.cli.reveal import reveal_command
from latentink.cli.train import train_app
from latentink.cli.weights import weights_app

app = typer.Typer(
    name="latentink",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("hide")(hide_command)
app.command("reveal")(reveal_command)
app.command("compress")(compress_command)
app.command("decompress")(decompress_command)
app.command("capacity")(capacity_command)
app.command("inspect")(inspect_command)
app.command("demo")(demo_command)
app.command("embed")(embed_command)
app.command("extract")(extract_command)
app.command("attack")(attack_command)
app.command("methods")(methods_command)
app.command("detect")(detect_command)
app.add_typer(bench_app, name="bench")
app.add_typer(train_app, name="train")
app.add_typer(weights_app, name="weights")


@app.callback()
def start() -> None:
    """Hide a message in a photo while a learned codec compresses it, and get it back exactly."""


def run() -> None:
    """Entry point of the installed command."""
    app()
