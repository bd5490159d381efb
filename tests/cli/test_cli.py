"""The command line as a person meets it: results, sentences, exit codes, and no debris."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import latentink
from latentink.cli.main import app
from latentink.picture import decode_picture, encode_png
from latentink.results import HideOptions, StegoResult
from photos import astronaut
from profiles import red_is_green

COMMAND = [sys.executable, "-m", "latentink"]


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env=env)


def refused(*arguments: str | Path, says: str, env: dict[str, str] | None = None) -> None:
    """Assert one sentence on standard error, exit code 2, and no traceback."""
    result = run(*arguments, env=env)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = [line for line in result.stderr.splitlines() if "public key" not in line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("latentink: ")
    assert says in lines[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cover.png").write_bytes(encode_png(astronaut()))
    return tmp_path


@pytest.fixture
def stego_file(folder: Path, stego: StegoResult) -> Path:
    path = folder / "stego.lik"
    path.write_bytes(stego.data)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_hide_and_reveal_through_the_latents(folder):
    out = folder / "out.lik"
    hidden = run("hide", folder / "cover.png", "-o", out, "-m", "tide", "-p", "x", "--exact")
    assert hidden.exit_code == 0, hidden.stderr
    assert "exact: no detector can tell" in hidden.stdout
    assert run("reveal", out, "-p", "x").stdout == "tide"
    refused("reveal", out, "-p", "y", says="No message was found")
    arguments = "hide", folder / "cover.png", "-o", folder / "other.lik", "-m", "tide", "--channel"
    refused(*arguments, "air", says="choose from latents, pixels")
    refused(*arguments, "latents", "--seconds", "5", says="latents channel")
    assert names(folder) == ["cover.png", "out.lik"]


def test_hide_and_reveal(folder):
    out, report, preview = folder / "out.lik", folder / "report.json", folder / "preview.png"
    result = run(
        "hide", folder / "cover.png", "-o", out, "-m", "häng ihn höher", "-p", "tide",
        "--report", report, "--preview", preview, "--channel", "pixels", "--preset", "fast",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "public key" not in result.stderr
    assert names(folder) == ["cover.png", "out.lik", "preview.png", "report.json"]
    figures = json.loads(report.read_text())
    assert figures["file_bytes"] == out.stat().st_size
    assert {
        "file_bytes", "bpp", "psnr_db", "payload_bytes", "payload_bpp", "delivered_rate",
        "raw_accuracy", "density", "steps", "seconds", "plain_file_bytes", "plain_psnr_db",
    } <= figures.keys()  # fmt: skip
    for source in (out, preview):
        assert run("reveal", source, "-p", "tide").stdout == "häng ihn höher"
    target = folder / "message.txt"
    assert run("reveal", out, "-p", "tide", "-o", target).exit_code == 0
    assert target.read_text() == "häng ihn höher"


def test_password_from_file_and_environment(folder, stego_file):
    (folder / "password").write_text("tide\nnot this line\n")
    assert (
        run("reveal", stego_file, "--password-file", folder / "password").stdout == "meet at noon"
    )
    variable = {"LATENTINK_PASSWORD": "tide"}
    assert run("reveal", stego_file, env=variable).stdout == "meet at noon"
    refused("reveal", stego_file, "-p", "wrong", says="No message was found", env=variable)


def test_an_empty_variable_is_no_password(folder, stego_file):
    empty, says = {"LATENTINK_PASSWORD": ""}, "LATENTINK_PASSWORD is empty; set it"
    refused("reveal", stego_file, says=says, env=empty)
    hide = ("hide", folder / "cover.png", "-o", folder / "o.lik", "-m", "x")
    refused(*hide, says=says, env=empty)
    assert run("reveal", stego_file, "-p", "tide", env=empty).stdout == "meet at noon"


@pytest.mark.parametrize("typed", [b"", b"tide\ntide\n"])
def test_without_a_terminal_nothing_is_asked(stego_file, typed):
    """In a session of its own a process has no terminal, and its input is no terminal either."""
    done = subprocess.run(
        [*COMMAND, "reveal", stego_file, "--ask-password"],
        input=typed, capture_output=True, start_new_session=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("latentink: There is no terminal to ask for the password on; give it")


def test_without_a_password_the_command_says_so(folder):
    (folder / "message").write_bytes(bytes(range(40)))
    result = run(
        "hide", folder / "cover.png", "-o", folder / "o.lik", "-f", folder / "message", "--json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert "public key" in result.stderr
    assert json.loads(result.stdout)["payload_bytes"] == 40
    assert run("reveal", folder / "o.lik").stdout_bytes == bytes(range(40))


def test_compress_decompress_inspect_capacity(folder):
    lik, png = folder / "plain.lik", folder / "plain.png"
    compressed = run("compress", folder / "cover.png", "-o", lik, "--quality", "4.5", "--json")
    figures = json.loads(compressed.stdout)
    assert figures["file_bytes"] == lik.stat().st_size
    assert json.loads(run("decompress", lik, "-o", png, "--json").stdout)["width"] == 256
    assert decode_picture(png.read_bytes(), "p").shape == (256, 256, 3)
    assert json.loads(run("inspect", lik, "--json").stdout)["quality"] == 4.5
    assert json.loads(run("capacity", folder / "cover.png", "--json").stdout)["message_bytes"] > 50
    for command in (("inspect", lik), ("capacity", folder / "cover.png")):
        assert "256×256" in run(*command).stdout


def test_bad_covers(folder):
    (folder / "text.png").write_text("no picture")
    (folder / "small.png").write_bytes(encode_png(np.zeros((9, 99, 3), np.uint8)))
    out = folder / "out.lik"
    for name, says in (
        ("absent.png", "no file"),
        ("text.png", "not a picture"),
        ("small.png", "at least 16×16"),
        (".", "folder"),
    ):
        refused("hide", folder / name, "-o", out, "-m", "x", "-p", "y", says=says)
        refused("compress", folder / name, "-o", out, says=says)
    assert not out.exists()


def test_what_had_to_be_converted_is_said_once(folder):
    wide, out = folder / "wide.png", folder / "out.lik"
    Image.fromarray(astronaut()).save(wide, icc_profile=red_is_green())
    said = "latentink: wide.png: its colours were converted from its own profile to sRGB.\n"
    hide = ("hide", wide, "-o", out, "-m", "x", "-p", "y")
    embed = ("embed", wide, "-o", folder / "o.png", "--method", "lsb-matching")
    for command in (hide, ("compress", wide, "-o", out), ("capacity", wide), embed):
        result = run(*command)
        assert result.exit_code == 0
        assert result.stderr.count(said) == 1
    assert run("compress", folder / "cover.png", "-o", out).stderr == ""


def test_covers_that_are_refused_for_what_they_are(folder):
    out = folder / "out.lik"
    clear = Image.fromarray(astronaut())
    clear.putalpha(Image.linear_gradient("L"))
    clear.save(folder / "clear.png")
    Image.fromarray(astronaut()[..., 0].astype(np.int32)).save(folder / "deep.tif")
    for name, says in (("clear.png", "flatten it"), ("deep.tif", "save it as RGB or grey")):
        refused("hide", folder / name, "-o", out, "-m", "x", "-p", "y", says=says)
    assert not out.exists()


def test_bad_options(folder, stego_file):
    cover, out = folder / "cover.png", folder / "out.lik"
    hide = ("hide", cover, "-o", out)
    refused(*hide, says="either with -m")
    refused(*hide, "-m", "x", "-f", cover, says="either with -m")
    refused(*hide, "-f", folder / "absent", says="There is no file")
    refused(*hide, "-m", "x", "-p", "", says="password is empty")
    refused(*hide, "-m", "x", "--password-file", folder / "absent", says="cannot be read")
    refused(*hide, "-m", "x", "-p", "a", "--ask-password", says="one way")
    refused(*hide, "-m", "x", "--codec", "none", says="no codec")
    refused(*hide, "-m", "x", "--quality", "99", says="choose 1 to 8")
    refused(*hide, "-m", "x", "--preset", "none", says="no preset")
    refused(*hide, "-m", "x", "--preset", "fast", says="leave --preset out, or take --channel")
    refused("capacity", cover, "--preset", "fast", says="leave --preset out, or take --channel")
    refused(*hide, "-m", "x", "--decoder", "none", says="take --channel pixels")
    pixels = ("-m", "x", "--channel", "pixels")
    refused(*hide, *pixels, "--decoder", "none", says="no message decoder")
    refused(*hide, *pixels, "--exact", says="nothing by proof")
    refused(*hide, "-m", "x", "--seed", "-1", says="seed must be")
    refused("compress", cover, "-o", out, "--seed", "-1", says="seed must be")
    refused(*hide, "-m", "x", "--channel", "none", says="no channel")
    refused("hide", cover, "-o", cover, "-m", "x", says="input itself")
    refused("hide", cover, "-o", folder / "no" / "out.lik", "-m", "x", says="does not exist")
    refused("hide", cover, "-o", folder, "-m", "x", says="is a folder")
    refused(*hide, "-m", "x", "--report", out, says="different files")
    refused("hide", cover, "-o", folder / "o.gif", "-m", "x", says="or .lik")
    refused("compress", cover, "-o", folder / "o.jpg", says="ends in .lik")
    refused(*hide, "-m", "x", "--preview", folder / "p.jpg", says="ends in .png")
    refused("decompress", stego_file, "-o", folder / "o.jpg", says="without loss")
    refused("train", "decoder", "--recipe", folder / "absent.toml", "-o", out, says="absent.toml")
    assert names(folder) == ["cover.png", "stego.lik"]


def test_a_sentence_says_what_to_do(folder, stego_file):
    """What is wrong comes first, and after it what would help."""
    cover, out = folder / "cover.png", folder / "out.lik"
    (folder / "latin").write_bytes(b"h\xf6her\n")
    (folder / "recipe.toml").write_text("speed = 1\n")
    (folder / "broken.toml").write_text("steps =\n")
    (folder / "empty").mkdir()
    weights = "get a fresh copy of the file, or name another one"
    png = ("embed", cover, "-o", folder / "o.png", "--method")
    train = ("train", "decoder", "-o", folder / "o.safetensors", "--recipe")
    for arguments, says in (
        (("reveal", stego_file, "-p", "ebb"), "check both"),
        (("decompress", cover, "-o", folder / "o.png"), "name one that hide or compress wrote"),
        (("reveal", stego_file, "--password-file", folder / "latin"), "save it as UTF-8"),
        (("compress", cover, "-o", out, "--weights", cover), weights),
        (("weights", "import", cover, "--codec", "elic"), weights),
        ((*png, "s-uniward", "-m", "x"), "take another method"),
        ((*png, "lsb-matching", "--decoder", "dense"), "leave --decoder out"),
        ((*png, "fnns-png", "--depth", "9"), "depths 1 to 4"),
        (("detect", folder / "empty"), "name PNG"),
        ((*train, folder / "recipe.toml"), "correct it or leave it out"),
        ((*train, folder / "broken.toml"), "correct it"),
    ):
        refused(*arguments, says=says)
    # PyTorch's own advice would be to execute what the file holds.
    assert "weights_only" not in run("compress", cover, "-o", out, "--weights", cover).stderr
    assert not out.exists()


def test_too_long_a_message(folder):
    (folder / "long").write_bytes(np.random.default_rng(0).bytes(30_000))
    refused(
        "hide", folder / "cover.png", "-o", folder / "o.lik", "-f", folder / "long", "-p", "x",
        says="bytes at most",
    )  # fmt: skip
    assert names(folder) == ["cover.png", "long"]


def test_damaged_files(folder, stego_file):
    data, out, broken = stego_file.read_bytes(), folder / "out", folder / "broken.lik"
    for damaged in (b"", data[:3], data[:30], data[:-1], data[:60] + b"?" + data[61:]):
        broken.write_bytes(damaged)
        for arguments in (("reveal", broken, "-p", "tide", "-o", out), ("inspect", broken)):
            result = run(*arguments)
            assert result.exit_code == 2
            assert result.stderr.count("\n") == 1
        assert run("decompress", broken, "-o", folder / "o.png").exit_code == 2
    assert names(folder) == ["broken.lik", "cover.png", "stego.lik"]


def test_a_file_of_other_weights(folder, stego_file):
    import zlib

    data = bytearray(stego_file.read_bytes())
    for place, says in ((6, "other hyperprior weights"), (5, "codec number")):
        altered = bytearray(data)
        altered[place] ^= 0x55
        altered[-4:] = zlib.crc32(altered[:-4]).to_bytes(4, "little")
        (folder / "other.lik").write_bytes(altered)
        refused("reveal", folder / "other.lik", says=says)


def test_unwritable_output(folder):
    for out, says in (
        (folder / ("x" * 300), "cannot be written"),
        (folder / "cover.png" / "out.lik", "cannot be written"),
        (Path("/dev/null/out.lik"), "cannot be written"),
    ):
        refused("compress", folder / "cover.png", "-o", out, says=says)
    assert names(folder) == ["cover.png"]


def test_control_characters_do_not_reach_a_terminal():
    from latentink.cli.reveal import printable

    assert printable(b"a\x1b[31mb\tc\nd\xc2\x9b") == "a\\x1b[31mb\tc\nd\\x9b"


def listen_to_ctrl_c() -> None:
    """Undo the deafness that a job inherits when a script started it in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_with_a_sentence_and_no_output(folder):
    command = [*COMMAND, "hide", folder / "cover.png", "-o", folder / "o.lik", "-m", "x", "-p", "y"]
    process = subprocess.Popen(
        [*command, "--steps", "100000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"},
        preexec_fn=listen_to_ctrl_c,
    )
    # FORCE_COLOR shows the bar where there is no terminal.
    shown = b""
    try:
        while b"editing" not in shown:
            piece = process.stderr.read1()
            assert piece, shown
            shown += piece
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2
    assert b"Interrupted" in errors
    assert b"Traceback" not in errors
    assert names(folder) == ["cover.png"]


def test_help_and_usage_errors_need_no_networks():
    code = (
        "import sys; from latentink.cli.main import app\n"
        "try: app(['hide', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    usage = subprocess.run([*COMMAND, "hide"], capture_output=True, text=True, check=False)
    assert usage.returncode == 2
    assert "Traceback" not in usage.stderr


@pytest.mark.parametrize("codec", ["hyperprior", "elic"])
def test_a_message_in_the_symbols_is_revealed_without_networks(tmp_path, codec):
    options = HideOptions(codec=codec, seed=1)
    stego = latentink.hide(astronaut(0, 0, 256, 256), b"noon", password="x", options=options)
    assert stego.report.security == "exact"
    path = tmp_path / "stego.lik"
    path.write_bytes(stego.data)
    code = (
        "import sys; from latentink.cli.main import app\n"
        f"try: app(['reveal', {str(path)!r}, '-p', 'x'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'scipy', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"noon"


def test_a_message_in_an_ordinary_picture_comes_back_after_each_attack(folder):
    Image.fromarray(astronaut(0, 0, 512, 512)).save(folder / "photo.jpg", quality=90)
    report = folder / "report.json"
    hidden = run(
        "hide", folder / "photo.jpg", "-o", folder / "out.jpg", "-m", "tide", "-p", "x",
        "--report", report,
    )  # fmt: skip
    assert hidden.exit_code == 0, hidden.output
    assert "messenger: JPEG 50 twice" in " ".join(hidden.output.split())
    assert json.loads(report.read_text())["security"] == "found"
    assert run("reveal", folder / "out.jpg", "-p", "x").stdout == "tide"
    left = folder / "left"
    assert run("attack", folder / "out.jpg", "-o", left).exit_code == 0
    assert len(names(left)) == 7
    for name in names(left):
        assert run("reveal", left / name, "-p", "x").stdout == "tide", name


def test_one_attack_is_written_as_png(folder):
    arguments = "attack", folder / "cover.png", "--profile", "web", "--attack", "×0.75, JPEG 75"
    assert run(*arguments, "-o", folder / "left.png").exit_code == 0
    assert decode_picture((folder / "left.png").read_bytes(), "left").shape == (192, 192, 3)
    refused(*arguments, "-o", folder / "left.jpg", says="ending in .png")
    refused("attack", folder / "cover.png", "-o", folder / "a.png", says="name a folder")
    for wrong in (folder / "absent" / "left", folder / "left"):
        (folder / "left").touch()
        refused("attack", folder / "cover.png", "-o", wrong, says="cannot be made")
    refused(*arguments[:-1], "JPEG 1", "-o", folder / "b.png", says="choose from JPEG 75; WebP 80")


def test_options_of_the_other_kind_of_output_are_refused(folder):
    cover = folder / "cover.png"
    base = "hide", cover, "-m", "tide", "-p", "x"
    refused(*base, "-o", folder / "a.jpg", "--quality", "3", says="--quality is for a .lik file")
    refused(*base, "-o", folder / "a.jpg", "--exact", says="not hidden by proof")
    refused(*base, "-o", folder / "a.lik", "--survive", "web", says="--survive is for an ordinary")
    robust = *base, "-o", folder / "a.lik", "--channel", "robust"
    refused(*robust, "--jpeg-quality", "80", says="for an ordinary picture")
    refused(*robust, "--exact", says="not hidden by proof")
    refused(*base, "-o", folder / "a.png", "--jpeg-quality", "80", says="leave it out")
    refused(*base, "-o", folder / "a.png", "--survive", "postcard", says="choose from copy, web")
    refused(*base, "-o", folder / "a.png", "--channel", "latents", says="would be a .lik file")
    for name in ("a.gif", "a.HEIC", "a.tiff"):
        refused(*base, "-o", folder / name, says="ends in .png, .jpg, .jpeg, .webp, .avif or .lik")
    assert names(folder) == ["cover.png"]


def test_metadata_is_dropped_unless_it_is_to_be_kept(folder):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    photo = folder / "photo.jpg"
    Image.fromarray(astronaut(0, 0, 400, 400)).save(photo, exif=exif)
    base = "hide", photo, "-m", "tide", "-p", "x", "--survive", "copy"
    for name, options, kept in (("a.png", [], {}), ("b.png", ["--keep-metadata"], dict(exif))):
        assert run(*base, "-o", folder / name, *options).exit_code == 0
        with Image.open(folder / name) as file:
            assert dict(file.getexif()) == kept


def test_capacity_of_an_ordinary_picture(folder):
    shown = run("capacity", folder / "cover.png", "--survive", "copy", "--json")
    assert json.loads(shown.stdout)["copy"] > 100


def test_the_robust_channel_goes_through_the_codec(folder):
    Image.fromarray(astronaut(0, 0, 320, 320)).save(folder / "photo.png")
    hidden = run(
        "hide", folder / "photo.png", "-o", folder / "a.lik", "-m", "tide", "-p", "x",
        "--channel", "robust", "--survive", "web", "--quality", "4", "--preview", folder / "a.png",
    )  # fmt: skip
    assert hidden.exit_code == 0, hidden.output
    assert run("reveal", folder / "a.lik", "-p", "x").stdout == "tide"
    with Image.open(folder / "a.png") as picture:
        picture.save(folder / "a.jpg", quality=80)
    assert run("reveal", folder / "a.jpg", "-p", "x").stdout == "tide"
