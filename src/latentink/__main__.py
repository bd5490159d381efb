"""``python -m latentink`` is the ``latentink`` command."""

from latentink.cli.main import run

if __name__ == "__main__":
    run()
