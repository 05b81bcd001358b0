"""What pip installs, in environments of their own, and commands run there."""

import os
import shutil
import subprocess
import sys

from tests.acceptance.markdown import ROOT

PACKAGED = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "fitgate", "fitgate_pytest")


def run(*command, cwd, fails=False):
    """What a command prints; it must succeed, or fail."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FITGATE", "PYTHONPATH"))}
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, env=environment)
    assert (done.returncode != 0) == fails, f"{command} in {cwd}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source, out):
    """Build the wheel and the sdist into a directory, from a copy of what they are made of."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in PACKAGED:
        origin = ROOT / name
        copy = shutil.copytree if origin.is_dir() else shutil.copy
        copy(origin, source / name, **({"ignore": ignored} if origin.is_dir() else {}))
    run(sys.executable, "-m", "build", "--outdir", out, source, cwd=out)


def install(environment, *what):
    """The `bin` of a new environment, with what pip installs in the versions that were tested."""
    run(sys.executable, "-m", "venv", environment, cwd=environment.parent)
    bin_directory = environment / ("Scripts" if os.name == "nt" else "bin")
    run(bin_directory / "pip", "install", "-q", "-c", ROOT / "constraints.txt", *what, cwd=environment)
    return bin_directory
