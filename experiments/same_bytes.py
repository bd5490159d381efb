"""Compares what two checkouts of latentink write, byte for byte.

    python experiments/same_bytes.py OLD NEW
    python experiments/same_bytes.py OLD --keep FOLDER        # runs OLD alone and keeps its files
    python experiments/same_bytes.py OLD NEW --keep FOLDER    # runs NEW alone, against those

OLD and NEW are folders with ``src/latentink`` in them. Three parts, chosen by ``--only``:

* ``hide``: six small photos × both codecs × both channels, the pixels with two presets, and some
  further options on one photo;
* ``embed``: every method that OLD lists and that is deterministic, on one small photo each;
* ``train``: a few steps of every training task; the tensors are compared, not the metadata.

Each checkout runs in processes of its own, on one thread, through the command line, so that
neither side's modules matter. Processors round differently: compare on one machine, and keep no
reference for another, nor for other cases than this script's today. Exits with 1 on any difference.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from safetensors import deserialize

PARTS = ("hide", "embed", "train")
CODECS = ("hyperprior", "elic")
MESSAGE = "at noon"
LONG_MESSAGE = "The tide turns at four; wait for the second boat, not the first. " * 4
QUALITY = "6"
# Steghide draws from a source that it cannot be given a seed for.
NOT_DETERMINISTIC = ("steghide",)


@dataclass(frozen=True)
class Case:
    """A file to make.

    Attributes:
        name: unique, also a path: ``hide/cat-elic-pixels-fast``.
        process: cases with the same value share a process.
        arguments: of ``latentink``; ``{photos}`` and ``{recipes}`` are folders, ``{out}`` is the
            file to write without its suffix, ``{work}`` an empty folder.
        suffix: of the file; empty where the method decides.
    """

    name: str
    process: str
    arguments: tuple[str, ...]
    suffix: str


# ------------------------------------------------------------------------------------------- cases


def small_photos() -> dict[str, np.ndarray]:
    """Return photos (H, W, 3) uint8 of different textures, from the wheel of scikit-image."""
    crops = {
        "portrait": skimage.data.astronaut()[20:148, 150:278],
        "cat": skimage.data.chelsea()[80:176, 100:228],
        "coffee": skimage.data.coffee()[120:248, 150:310],
        "grass": skimage.data.grass()[100:212, 100:212],
        "camera": skimage.data.camera()[60:161, 180:313],
        "rocket": skimage.data.rocket()[200:360, 250:410],
    }
    return {
        name: np.stack([crop] * 3, axis=2) if crop.ndim == 2 else crop
        for name, crop in crops.items()
    }


def hide_cases() -> list[Case]:
    """Return photos × codecs × channels, and further options on the smallest photo."""
    ways = {
        "latents": (),
        "pixels-balanced": ("--preset", "balanced"),
        "pixels-fast": ("--preset", "fast"),
    }
    grid = [
        hide_case(f"{photo}-{codec}-{way}", photo, codec, way.partition("-")[0], *more)
        for photo in small_photos()
        for codec in CODECS
        for way, more in ways.items()
    ]
    options = {
        "pixels-periodic64": ("--preset", "fast", "--decoder", "periodic64"),
        "pixels-keyed": ("--preset", "fast", "--decoder", "keyed"),
        "pixels-robust": ("--preset", "fast", "--decoder", "robust"),
        "pixels-paper": ("--preset", "paper"),
        "pixels-long": ("--preset", "fast", "--message", LONG_MESSAGE),
        "latents-long": ("--message", LONG_MESSAGE),
        "latents-fraction": ("--quality", "4.3"),
    }
    further = [
        hide_case(f"cat-{codec}-{name}", "cat", codec, name.partition("-")[0], *more)
        for codec in CODECS
        for name, more in options.items()
    ]
    encoder = ("--preset", "fast", "--decoder", "dense", "--start", "encoder")
    return [
        *grid,
        *further,
        hide_case("cat-hyperprior-latents-refined", "cat", "hyperprior", "latents", "--steps", "6"),
        hide_case("rocket-hyperprior-pixels-encoder", "rocket", "hyperprior", "pixels", *encoder),
    ]


def hide_case(name: str, photo: str, codec: str, channel: str, *options: str) -> Case:
    """Return a case of ``hide``; ``options`` override those that all cases have."""
    given = ["--message", MESSAGE, "--password", "tide", "--quality", QUALITY]
    given += ["--codec", codec, "--channel", channel, *options]
    arguments = ("hide", f"{{photos}}/{photo}.png", "-o", "{out}.lik", *given)
    return Case(f"hide/{name}", "hide", arguments, ".lik")


def embed_cases(checkout: Path) -> list[Case]:
    """Return a case for each method that ``checkout`` lists and that is deterministic."""
    photos = list(small_photos())
    return [
        Case(
            f"embed/{method}",
            "embed",
            (
                *("embed", f"{{photos}}/{photos[number % len(photos)]}.png", "-o", "{out}"),
                *("--method", method, "--seed", "7", "--password", "tide"),
            ),
            "",
        )
        for number, method in enumerate(methods_of(checkout))
        if method not in NOT_DETERMINISTIC
    ]


def methods_of(checkout: Path) -> list[str]:
    """Return the names in the first column of ``latentink methods``."""
    listed = subprocess.run(
        [sys.executable, "-m", "latentink", "methods"],
        env={**environment(checkout), "COLUMNS": "400"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [line.split()[0] for line in listed.splitlines()[1:] if line.strip()]


RECIPES = {
    "codec-hyperprior": "channels = 8\nlatent_channels = 12",
    "codec-elic": 'architecture = "elic"\nchannels = 8\nlatent_channels = 132',
    "decoder-dense": 'hidden = 4\ncodec = "noise"\ndensity = 0.25\ncolour_blur = 2.0',
    "decoder-basic": 'architecture = "basic"\nhidden = 4\ndata_depth = 2',
    "discriminator-hyperprior": "width = 2",
    "discriminator-elic": 'codec = "elic"\nwidth = 2',
    "liso-png": "hidden = 4\niterations = 2\ncritic_weight = 0.1",
    "liso-jpeg": 'hidden = 4\niterations = 2\nsaving = "jpeg"',
    "liso-started": 'start = "decoder_dense_d1"\niterations = 2',
    "detector-xunet": 'network = "xunet"\nheld_out = 0.3',
    "detector-yenet": 'network = "yenet"\noptimiser = "adadelta"\nheld_out = 0.3',
    "detector-siastegnet": 'network = "siastegnet"\nheld_out = 0.3',
}
OF_TASK = {
    "codec": (
        "steps = 4\ncool_down = 2\nbatch = 2\ncrop = 64\nwarm_up = 1\nrounded_from = 2\n"
        "average = 0.5\nvalidation_steps = 3"
    ),
    "decoder": "steps = 4\nbatch = 2\ncrop = 24",
    "discriminator": "steps = 4\nbatch = 2\ncrop = 32",
    "liso": "steps = 4\nbatch = 2\ncrop = 16",
    "detector": "steps = 4\nbatch = 2\ncrop = 64",
}


def train_cases() -> list[Case]:
    """Return a case for each recipe of :data:`RECIPES`."""
    return [train_case(name) for name in RECIPES]


def train_case(name: str) -> Case:
    """Return the case of a recipe, in a process shared with the others of its task."""
    task = name.partition("-")[0]
    arguments = ["train", task, "--recipe", f"{{recipes}}/{name}.toml", "--photos", "{photos}"]
    arguments += ["-o", "{out}.safetensors"]
    if task == "detector":
        arguments += ["--method", "lsb-matching", "--crop", "96", "--work", "{work}"]
    return Case(f"train/{name}", task, tuple(arguments), ".safetensors")


def cases_of(parts: Iterable[str], checkout: Path) -> list[Case]:
    """Return the cases of the chosen parts; ``checkout`` says which methods there are."""
    made = {"hide": hide_cases, "embed": lambda: embed_cases(checkout), "train": train_cases}
    return [case for part in PARTS if part in parts for case in made[part]()]


def write_inputs(folder: Path) -> None:
    """Write the photos and the recipes that the cases name."""
    (folder / "photos").mkdir(parents=True)
    (folder / "recipes").mkdir()
    for name, photo in small_photos().items():
        Image.fromarray(photo).save(folder / "photos" / f"{name}.png")
    for name, recipe in RECIPES.items():
        text = f"{recipe}\n{OF_TASK[name.partition('-')[0]]}\ncheckpoint_seconds = 0\n"
        (folder / "recipes" / f"{name}.toml").write_text(text)


# --------------------------------------------------------------------------------------- processes


def environment(checkout: Path) -> dict[str, str]:
    """Return the environment in which a child imports ``checkout`` and uses one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": str(checkout / "src")}


def run_cases(checkout: Path, cases: Sequence[Case], inputs: Path, out: Path) -> None:
    """Make the files of ``cases`` with a checkout, below ``out``, one child per ``process``."""
    for process, shared in groupby(cases, key=lambda case: case.process):
        jobs = [job_of(case, inputs, out) for case in shared]
        print(f"{checkout}: {process}, {len(jobs)} files", file=sys.stderr, flush=True)
        command = [sys.executable, __file__, "--child", str(checkout / "src")]
        subprocess.run(
            command,
            input=json.dumps(jobs),
            stdout=subprocess.DEVNULL,
            text=True,
            env=environment(checkout),
            cwd=inputs,
        )


def job_of(case: Case, inputs: Path, out: Path) -> dict[str, object]:
    """Return what the child needs: arguments with their paths, and where to note a failure."""
    target = out / case.name
    target.parent.mkdir(parents=True, exist_ok=True)
    for earlier in outputs_of(out, case):
        earlier.unlink()
    places = {"photos": inputs / "photos", "recipes": inputs / "recipes", "out": target}
    with tempfile.TemporaryDirectory(dir=inputs) as work:
        places["work"] = Path(work)  # A fresh name; the command makes the folder itself.
    arguments = [argument.format(**places) for argument in case.arguments]
    return {"arguments": arguments, "name": case.name, "ends": case.suffix == ""}


def outputs_of(out: Path, case: Case) -> list[Path]:
    """Return the files that a case has written, sorted: none, one, or weights of two networks."""
    target = out / case.name
    files = target.parent.glob(f"{target.name}.*")
    return sorted(path for path in files if path.name.endswith(case.suffix))


def child(source: str) -> None:
    """Run the jobs on standard input through the command line of ``source``, in this process."""
    import latentink
    from latentink.cli.main import app

    if not Path(latentink.__file__).is_relative_to(source):
        sys.exit(f"latentink comes from {latentink.__file__} instead of {source}.")
    for job in json.load(sys.stdin):
        arguments = list(job["arguments"])
        if job["ends"]:
            arguments = with_ending(arguments)
        try:
            code = app(arguments, standalone_mode=False)
        except Exception as error:  # One fault should not cost the other cases.
            code = f"{type(error).__name__}: {error}"
        if code:
            print(f"{job['name']} failed: {code}", file=sys.stderr, flush=True)


def with_ending(arguments: list[str]) -> list[str]:
    """Add to the output of ``embed`` the ending that its method asks for."""
    from latentink.methods.registry import load_method

    method = load_method(arguments[arguments.index("--method") + 1])
    place = arguments.index("-o") + 1
    return [*arguments[:place], arguments[place] + method.suffix, *arguments[place + 1 :]]


# -------------------------------------------------------------------------------------- comparison


def compare(case: Case, old: Path, new: Path) -> str:
    """Say how the outputs of a case differ; a case that either side failed at differs."""
    before, after = outputs_of(old, case), outputs_of(new, case)
    if not before or not after:
        missing = [side for side, files in (("OLD", before), ("NEW", after)) if not files]
        return f"no file from {' and '.join(missing)}"
    names = [[path.name for path in files] for files in (before, after)]
    if names[0] != names[1]:
        return f"{', '.join(names[1])} instead of {', '.join(names[0])}"
    pairs = ((x.suffix, x.read_bytes(), y.read_bytes()) for x, y in zip(before, after, strict=True))
    return next(filter(None, (difference(*pair) for pair in pairs)), "")


def difference(suffix: str, old: bytes, new: bytes) -> str:
    """Say how two files differ; empty where they do not. Of weights, only tensors count."""
    if suffix == ".safetensors":
        return tensor_difference(old, new)
    if old == new:
        return ""
    if len(old) != len(new):
        return f"{len(new):,} bytes instead of {len(old):,}"
    count = sum(x != y for x, y in zip(old, new, strict=True))
    return f"{count:,} of {len(old):,} bytes"


def tensor_difference(old: bytes, new: bytes) -> str:
    """Say which tensors of two safetensors files differ in name, type, shape or bytes."""
    before, after = dict(deserialize(old)), dict(deserialize(new))
    if before.keys() != after.keys():
        return f"other tensors: {', '.join(sorted(before.keys() ^ after.keys()))}"
    changed = [name for name, tensor in before.items() if tensor != after[name]]
    if not changed:
        return ""
    return f"{len(changed)} of {len(before)} tensors, {changed[0]} the first"


# ----------------------------------------------------------------------------------------- command


def parsed() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", help="may be left out with --keep")
    parser.add_argument("--keep", type=Path, help="folder of OLD's files, made where it lacks any")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--match", default="", help="only cases whose name holds this expression")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    if not set(arguments.only) <= set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}")
    if arguments.new is None and arguments.keep is None:
        parser.error("without NEW there is nothing to do but --keep")
    return arguments


def main() -> None:
    """Run what is missing of OLD, run NEW, and compare."""
    arguments = parsed()
    old, new = arguments.old.resolve(), arguments.new and arguments.new.resolve()
    cases = [
        case for case in cases_of(arguments.only, old) if re.search(arguments.match, case.name)
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        write_inputs(folder / "inputs")
        reference = arguments.keep.resolve() if arguments.keep else folder / "old"
        run_cases(
            old,
            [case for case in cases if not outputs_of(reference, case)],
            folder / "inputs",
            reference,
        )
        if new is None:
            missing = [case.name for case in cases if not outputs_of(reference, case)]
            sys.exit(f"{old} made no file for {', '.join(missing)}." if missing else 0)
        run_cases(new, cases, folder / "inputs", folder / "new")
        report([(case.name, compare(case, reference, folder / "new")) for case in cases])


def report(rows: Sequence[tuple[str, str]]) -> None:
    """Print a line a case and a summary, and exit with 1 on any difference."""
    for name, found in rows:
        print(f"{name}: {'DIFFERS, ' + found if found else 'same'}")
    different = sum(bool(found) for _, found in rows)
    print(f"{len(rows) - different} of {len(rows)} cases are the same, {different} differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2])
    else:
        main()
