"""Nothing that the library imports, and nothing that it asks of the machine, needs more than every system has."""

import subprocess
import sys

import pytest

# Hides from the library what only Linux, or only Unix, has. Packages that it stands on keep it: they have ways of
# their own on other systems, which they choose by the system's name.
HIDDEN = """
import builtins, importlib, io, os, pkgutil, sys, tempfile
from pathlib import Path

import cpuinfo, joblib, msgspec, numpy, psutil, pytest, pytest_benchmark, threadpoolctl

MODULES = {"resource", "fcntl", "pwd", "grp", "termios"}
FUNCTIONS = ("getuid", "geteuid", "sched_getaffinity", "sched_setaffinity", "getloadavg")


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def without_proc(open):
    def opened(file, *args, **kwargs):
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if str(file).startswith("/proc/") and not caller.startswith(("psutil", "threadpoolctl")):
            raise FileNotFoundError(2, "No such file or directory", str(file))
        return open(file, *args, **kwargs)
    return opened


sys.meta_path.insert(0, Blocker())
for name in MODULES:
    sys.modules.pop(name, None)
for name in FUNCTIONS:
    vars(os).pop(name, None)
builtins.open = io.open = without_proc(open)
"""

IMPORTS = """
import fitgate

for module in pkgutil.walk_packages(fitgate.__path__, "fitgate."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""

CALLS = """
from fitgate.files import private_directory, write
from fitgate.machine import condition, environment, limit_threads, thread_counts, usable_cores

limit_threads(1)
print(environment())
print(condition("start"))
print(thread_counts())
assert usable_cores() == os.cpu_count()
assert condition("start").load is None
counts = thread_counts()
assert counts.pop("cores") == os.cpu_count()
assert set(counts.values()) == {1}
with tempfile.TemporaryDirectory() as directory:
    write(private_directory(Path(directory, "mine")) / "file", "text")
"""


def hidden(program):
    return subprocess.run([sys.executable, "-c", HIDDEN + program], capture_output=True, text=True)


def test_every_module_can_be_imported():
    result = hidden(IMPORTS)
    assert result.returncode == 0, result.stderr
    assert {"fitgate.machine.threads", "fitgate.gates", "fitgate.plugin"} <= set(result.stdout.split())


def test_the_machine_is_described_and_threads_limited():
    result = hidden(CALLS)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("import resource", "ModuleNotFoundError"),
        ("os.getuid()", "AttributeError"),
        ("open('/proc/cpuinfo')", "FileNotFoundError"),
        ("Path('/proc/cpuinfo').read_text()", "FileNotFoundError"),
    ],
)
def test_what_is_hidden_can_not_be_found(statement, error):
    assert f"{error}: " in hidden(statement).stderr
