"""``python -m fateline_oracle``: the same command line as ``fateline``, and nothing more. It imports the commands last."""

from typing import NoReturn

from fateline_console.start import start


def fateline() -> NoReturn:
    """The command `fateline`."""
    start("fateline_oracle.cli:main", "fateline")


if __name__ == "__main__":
    fateline()
