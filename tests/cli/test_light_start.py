"""The command line loads what its commands need, and not the compiler that CompressAI drags in."""

from __future__ import annotations

import subprocess
import sys

HIDE = """
import sys
from latentink.cli.light_start import start_light
start_light()
import numpy as np
from latentink import HideOptions, hide, reveal
photo = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
data = hide(photo, b"x", password="y", options=HideOptions(preset="fast")).data
assert reveal(data, password="y") == b"x"
print("torch._dynamo" in sys.modules, "torch_geometric.nn" in sys.modules)
"""


def test_hiding_and_revealing_leave_the_compiler_alone():
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", HIDE], capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stdout.split() == [b"False", b"False"]
