"""Measures time and peak memory of whole commands, beside another checkout and beside AVIF.

    python experiments/performance.py commands ../shared/photos/kodak --before ../old --repeat 5
    python experiments/performance.py commands ../shared/photos/kodak --busy   # one core
    python experiments/performance.py growth ../shared/photos/kodak --figure docs/growth.png
    python experiments/performance.py roofline

``commands`` runs each command in turn with the code of this checkout and of the one that
``--before`` names, so that both see the same machine, and prints medians. The photos of 12
megapixels are a mosaic of the folder's photos, its smoothest photo enlarged, and another enlarged
and with noise. ``growth`` does the same on mosaics of several sizes. ``roofline`` counts the
multiply-adds of the transforms and compares their speed with that of a plain matrix product.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from inputs import PASSWORD, list_files, message_for, smoothest
from latentink.benchmark.extras import import_pyplot
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.picture import centre, psnr_db, read_picture, to_tensor
from latentink.threads import working_alone

HERE = Path(__file__).resolve().parent.parent


def mosaic(pictures: list[np.ndarray], megapixels: float) -> np.ndarray:
    """Return a 4:3 picture (H, W, 3) of about ``megapixels``, filled with ``pictures`` in turn."""
    height = math.ceil(math.sqrt(megapixels * 1e6 * 3 / 4))
    width = math.ceil(height * 4 / 3)
    landscape = [p if p.shape[1] >= p.shape[0] else np.rot90(p) for p in pictures]
    rows, columns = math.ceil(height / 512), math.ceil(width / 768)
    lines = [
        np.concatenate([landscape[(r * columns + c) % len(landscape)] for c in range(columns)], 1)
        for r in range(rows)
    ]
    return np.concatenate(lines)[:height, :width]


def enlarged(picture: np.ndarray, noise: float) -> np.ndarray:
    """Return a picture of about 12 megapixels, with Gaussian noise of this deviation."""
    scale = math.sqrt(12e6 / (picture.shape[0] * picture.shape[1]))
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    large = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    grain = np.random.default_rng(0).normal(scale=noise, size=large.shape) if noise else 0
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def measured(checkout: Path, *arguments: str | Path) -> tuple[float, float]:
    """Return wall seconds and peak memory (GB) of one command; raises where it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "latentink", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"latentink {arguments[0]} ended with status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1e6


def commands(photo: Path, folder: Path) -> dict[str, list[str | Path]]:
    """Return the commands by name, in an order in which each finds its input."""
    stego, decoded = folder / "stego.lik", folder / "decoded.png"
    message = folder / "message"
    return {
        "hide": ["hide", photo, "-o", stego, "-f", message, "-p", PASSWORD],
        "reveal": ["reveal", stego, "-p", PASSWORD],
        "compress": ["compress", photo, "-o", folder / "plain.lik"],
        "decompress": ["decompress", stego, "-o", decoded],
    }


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Keep one core busy meanwhile, if ``wanted``."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()


def avif_seconds(photo: np.ndarray, wanted_db: float) -> tuple[float, int]:
    """Return the seconds of AVIF at speed 6, and its quality, where its PSNR is the nearest."""
    found = []
    for quality in range(40, 100, 6):
        buffer, started = io.BytesIO(), time.monotonic()
        Image.fromarray(photo).save(buffer, format="AVIF", speed=6, quality=quality)
        seconds = time.monotonic() - started
        found.append(
            (abs(psnr_db(photo, np.asarray(Image.open(buffer))) - wanted_db), seconds, quality)
        )
    _, seconds, quality = min(found)
    return seconds, quality


def run_commands(options: argparse.Namespace) -> None:
    """Print medians of the commands, of both checkouts."""
    pictures = [read_picture(path) for path in list_files(options.photos)]
    smooth = read_picture(smoothest(list_files(options.photos), 1)[0])
    photos = {
        "mosaic, 12 MP": mosaic(pictures, 12),
        "smooth, 12 MP": enlarged(smooth, 0),
        "noisy, 12 MP": enlarged(pictures[-1], 6),
        "512×512": centre(pictures[3], 512),
    }
    checkouts = {"now": HERE} | ({"before": options.before} if options.before else {})
    print(f"| photo | command | {' | '.join(f'{name}, s | GB' for name in checkouts)} | ratio |")
    print("|---|---|" + "---:|---:|" * len(checkouts) + "---:|")
    with tempfile.TemporaryDirectory() as name, busy(options.busy):
        folder = Path(name)
        (folder / "message").write_bytes(message_for("performance", options.length))
        for title, photo in photos.items():
            if not any(word in title for word in options.only):
                continue
            path = folder / "photo.png"
            Image.fromarray(photo).save(path, compress_level=1)
            taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
            for _ in range(options.repeat):
                for checkout, place in checkouts.items():
                    for command, arguments in commands(path, folder).items():
                        for left in (folder / "plain.lik", folder / "decoded.png"):
                            left.unlink(missing_ok=True)
                        if command == "hide":
                            (folder / "stego.lik").unlink(missing_ok=True)
                        figures = measured(place, *arguments)
                        taken.setdefault((command, checkout), []).append(figures)
            for command in commands(path, folder):
                cells, medians = [], []
                for checkout in checkouts:
                    runs = taken[command, checkout]
                    medians.append(statistics.median(run[0] for run in runs))
                    cells += [f"{medians[-1]:.1f}", f"{max(run[1] for run in runs):.2f}"]
                ratio = f"{medians[0] / medians[-1]:.2f}" if len(medians) > 1 else ""
                print(f"| {title} | `{command}` | {' | '.join(cells)} | {ratio} |", flush=True)
            if options.avif:
                seconds, quality = avif_seconds(photo, 35)
                print(f"| {title} | AVIF {quality}, speed 6, one call | {seconds:.1f} | | | | |")


def run_growth(options: argparse.Namespace) -> None:
    """Print and draw seconds and memory by the size of the photo."""
    pictures = [read_picture(path) for path in list_files(options.photos)]
    print("| megapixels | command | s | s per megapixel | GB |\n|---:|---|---:|---:|---:|")
    curves: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "message").write_bytes(message_for("performance", options.length))
        for megapixels in options.megapixels:
            path = folder / "photo.png"
            Image.fromarray(mosaic(pictures, megapixels)).save(path, compress_level=1)
            for command, arguments in commands(path, folder).items():
                seconds, memory = measured(HERE, *arguments)
                curves.setdefault(command, []).append((megapixels, seconds, memory))
                print(
                    f"| {megapixels:g} | `{command}` | {seconds:.1f} | "
                    f"{seconds / megapixels:.2f} | {memory:.2f} |",
                    flush=True,
                )
            for left in ("stego.lik", "plain.lik", "decoded.png"):
                (folder / left).unlink()
    if options.figure:
        pyplot = import_pyplot()
        figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        for command, points in curves.items():
            for number, own in enumerate(axes):
                own.plot(
                    [point[0] for point in points],
                    [point[number + 1] for point in points],
                    marker="o",
                    label=command,
                )
        axes[0].set(xlabel="megapixels", ylabel="seconds")
        axes[1].set(xlabel="megapixels", ylabel="peak memory, GB")
        for own in axes:
            own.grid(alpha=0.3)
            own.legend()
        figure.savefig(options.figure, dpi=150)


def run_roofline(options: argparse.Namespace) -> None:
    """Print multiply-adds and speed of the transforms, beside a plain matrix product."""
    one, all_ = (_product_gmacs(threads) for threads in (1, torch.get_num_threads()))
    print(
        f"A product of 1024×1024 matrices in float32: {one:.0f} GMAC/s on one thread, "
        f"{all_:.0f} on {torch.get_num_threads()}.\n"
    )
    print("| codec | transform | MAC a pixel | ns a pixel | GMAC/s | share of the product |")
    print("|---|---|---:|---:|---:|---:|")
    side = 1024
    picture = to_tensor(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))
    for name in CODECS:
        codec = load_codec(name)
        code = codec.quality_code(5)
        v = codec.analyse(picture, code)
        values = codec.quantise(v, codec.hyper_analyse(v), code).values
        works: dict[str, tuple[nn.Module, Callable[[], object]]] = {
            "g_a": (codec.g_a, partial(codec.analyse, picture, code)),
            "g_s": (codec.g_s, partial(codec.synthesise, values, code, (side, side))),
        }
        for transform, (network, work) in works.items():
            macs = _multiply_adds(network, work) / side**2
            seconds = min(_seconds(work) for _ in range(options.repeat))
            speed = macs * side**2 / seconds / 1e9
            print(
                f"| {name} | {transform} | {macs:,.0f} | {1e9 * seconds / side**2:.0f} | "
                f"{speed:.0f} | {speed / all_:.0%} |",
                flush=True,
            )


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _product_gmacs(threads: int) -> float:
    before, matrix = torch.get_num_threads(), torch.randn(1024, 1024)
    torch.set_num_threads(threads)
    seconds = min(_seconds(lambda: matrix @ matrix) for _ in range(30))
    torch.set_num_threads(before)
    return 1024**3 / seconds / 1e9


@torch.no_grad()
def _multiply_adds(network: nn.Module, work: Callable[[], object]) -> int:
    """Return the multiply-adds of all convolutions and normalisations that ``work`` runs."""
    total = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.ConvTranspose2d):
            total += module.weight.numel() * inputs[0].shape[-2] * inputs[0].shape[-1]
        elif isinstance(module, nn.Conv2d):
            total += module.weight.numel() * output.shape[-2] * output.shape[-1]
        elif "ormalis" in type(module).__name__ or "Gdn" in type(module).__name__:
            total += output.shape[1] ** 2 * output.shape[-2] * output.shape[-1]

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    try:
        with working_alone():
            work()
    finally:
        for hook in hooks:
            hook.remove()
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    kinds = parser.add_subparsers(required=True)
    for name, run in (("commands", run_commands), ("growth", run_growth)):
        kind = kinds.add_parser(name)
        kind.set_defaults(run=run)
        kind.add_argument("photos", type=Path)
        kind.add_argument("--bytes", type=int, default=1000, dest="length")
        if name == "commands":
            kind.add_argument("--before", type=Path, help="another checkout")
            kind.add_argument("--repeat", type=int, default=5)
            kind.add_argument("--only", nargs="+", default=[""], help="words of photos' titles")
            kind.add_argument("--busy", action="store_true", help="keep one core busy")
            kind.add_argument("--avif", action="store_true", help="time Pillow's AVIF, too")
        else:
            sizes = [1.0, 3, 12, 24, 48]
            kind.add_argument("--megapixels", type=float, nargs="+", default=sizes)
            kind.add_argument("--figure", type=Path)
    kind = kinds.add_parser("roofline")
    kind.set_defaults(run=run_roofline)
    kind.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
