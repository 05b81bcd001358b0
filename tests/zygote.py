"""A process that has imported what every session imports, and from which sessions fork: that saves two seconds of each.

Run as a script, it is that process. What it forks goes on as `python -m pytest` would, in an interpreter that ends by
itself; none of pytest, fitgate, or what a project has, is imported before.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

LIBRARIES = (
    "cloudpickle",
    "cpuinfo",
    "jinja2",
    "joblib",
    "matplotlib.axes",
    "matplotlib.backends.backend_agg",
    "msgspec",
    "psutil",
    "scipy.stats",
    "sklearn.metrics",
    "sklearn.utils.multiclass",
    "tabulate",
    "threadpoolctl",
)


class Zygote:
    """Such a process, and what asks it for others. One session at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def popen(self, arguments, *, drawn, stdout, stderr, **_):
        """A session with such arguments of pytest's, here and now, as `subprocess.Popen` would start it.

        Figures are drawn, or written blank.
        """
        here = str(Path.cwd())
        variables = os.environ | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
        request = {"arguments": arguments, "directory": here, "variables": variables, "drawn": drawn}
        json.dump(request | {"files": [stdout.name, stderr.name]}, self._process.stdin)
        print(file=self._process.stdin, flush=True)
        return self

    stdin = None

    def wait(self):
        """Its exit code, or less the number of the signal that ended it."""
        return int(self._process.stdout.readline())

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def write_blank(figure, file, **_):
    """Write a figure as nothing that takes time."""
    file.write(b"\x89PNG\r\n\x1a\n")


def serve():
    """Fork a session for each request, and tell how it ended; what a session needs, in its process."""
    for request in sys.stdin:
        child = os.fork()
        if not child:
            return json.loads(request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    sys.exit()


def become(arguments, directory, variables, drawn, files):
    """Be what `subprocess.Popen` would have started."""
    if not drawn:
        Figure.savefig = write_blank
    for number, name in enumerate([os.devnull, *files]):
        opened = os.open(name, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0)  # noqa: SIM115 # the other was read ahead
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(directory)
    own = str(Path(__file__).parent)
    path = dict.fromkeys([directory, *filter(None, variables["PYTHONPATH"].split(os.pathsep))])
    sys.path[:] = [*path, *(entry for entry in sys.path if entry != own and entry not in path)]
    sys.argv[1:] = arguments


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # each session collects garbage five times as it ends
    become(**serve())
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
