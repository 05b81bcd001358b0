"""The environment: the machine and the software of a run, all that stays the same while it lasts."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from fitgate.machine.accelerator import Accelerator, accelerators
from fitgate.machine.energy import Meter

SKLEARN = "scikit-learn"
CORE = ("fitgate", "numpy", "scipy", SKLEARN, "pytest", "pytest-benchmark")


class Environment(msgspec.Struct, frozen=True):
    """Where a run took place.

    Attributes:
        cpu: the processor's name.
        cores: logical cores that the process may use.
        memory_gib: physical memory, in GiB.
        system: operating system and its release.
        python: version of the interpreter.
        libraries: versions of the installed libraries that decide results, by their distribution's name.
        physical_cores: of the machine; None where the system does not say.
        blas: NumPy's, with its version and the processor that it was made for.
        accelerator: the names of its GPUs; empty for none.
        accelerators: the GPUs, as far as their driver tells of them; empty where it does not.
        unmetered: why the energy of a part is not counted, in words, by its name; empty in old records, too.
    """

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    libraries: dict[str, str]
    physical_cores: int | None = None
    blas: str = ""
    accelerator: str = ""
    accelerators: list[Accelerator] = []
    unmetered: dict[str, str] = {}


def changes(before: Environment, now: Environment) -> list[str]:
    """What differs between two environments, in words, as `numpy 2.3 -> 2.4`; of libraries that both record."""
    pairs = [("Python", before.python, now.python)]
    if before.blas:  # records of the first version have none
        pairs.append(("BLAS", before.blas, now.blas))
    # Which libraries a run records depends on its models: one that only this run records may be no news.
    shared = sorted(before.libraries.keys() & now.libraries.keys())
    pairs += [(name, before.libraries[name], now.libraries[name]) for name in shared]
    return [*machine_changes(before, now), *_moved(pairs)]


def machine_changes(before: Environment, now: Environment) -> list[str]:
    """What of the machine differs, whatever runs on it, in words as those of `changes`."""
    pairs = [("processor", before.cpu, now.cpu), ("cores", str(before.cores), str(now.cores))]
    pairs += [("system", before.system, now.system)]
    return _moved([*pairs, ("accelerator", before.accelerator or "none", now.accelerator or "none")])


def _moved(pairs: Iterable[tuple[str, str, str]]) -> list[str]:
    return [f"{what} {a} -> {b}" for what, a, b in pairs if a != b]


def usable_cores() -> int:
    """Logical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def environment(extra: Iterable[str] = ()) -> Environment:
    """The environment of this process; `extra` as in `library_versions`."""
    import psutil

    gpus = list(accelerators())
    return Environment(
        cpu=_cpu(),
        cores=usable_cores(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        libraries=library_versions(extra),
        physical_cores=psutil.cpu_count(logical=False),
        blas=_blas(),
        accelerator=_accelerator() or ", ".join(gpu.name for gpu in gpus),
        accelerators=gpus,
        unmetered=Meter().missing,
    )


def library_versions(extra: Iterable[str] = ()) -> dict[str, str]:
    """Versions of the installed ones among the core's distributions and others.

    Args:
        extra: names of further distributions, such as those that the models of a session are made of; see
            `distributions_of`.
    """
    versions = {}
    for name in dict.fromkeys((*CORE, *sorted(extra))):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def distributions_of(modules: Iterable[str]) -> list[str]:
    """The installed distributions that provide modules, sorted: `sklearn.svm` comes from `scikit-learn`.

    Args:
        modules: names of modules or packages. Those of the standard library, and what no distribution provides, are
            left out.
    """
    packages = {module.partition(".")[0] for module in modules if module}
    found = {package: SKLEARN if package == "sklearn" else _namesake(package) for package in packages}
    known = {name for name in found.values() if name}
    if len(known) < len(packages):
        known |= {name for package, own in found.items() if not own for name in _providers().get(package, [])}
    return sorted(known)


@cache
def _namesake(package: str) -> str | None:
    """The distribution of a package's own name, if the package is in it."""
    with suppress(importlib.metadata.PackageNotFoundError):
        own = importlib.metadata.distribution(package)
        if any(file.parts[0] == package for file in own.files or ()):
            return str(own.metadata["Name"])
    return None


@cache
def _providers() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())  # it reads the files of every distribution: 0.3 s


@cache
def _cpu() -> str:
    with suppress(OSError):  # as cpuinfo reads it, which then asks five programs besides: 0.1 s
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name") and (name := line.partition(":")[2].strip()):
                return name
    import cpuinfo

    try:
        name = str(cpuinfo.get_cpu_info().get("brand_raw", ""))
    except Exception:  # it raises a bare one on processors that it does not know
        name = ""
    return name or platform.processor() or platform.machine()


def _blas() -> str:
    """As `openblas 0.3.31 SkylakeX`: that of NumPy where it can be told from others."""
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not pools:
        return ""
    # Other libraries may bring their own, and their order is that of loading.
    first = min(pools, key=lambda pool: ("numpy" not in pool["filepath"], pool["filepath"]))
    return " ".join(filter(None, (first["internal_api"], first.get("version"), first.get("architecture"))))


def _accelerator() -> str:
    """The NVIDIA GPUs that Linux's driver lists, without asking a library that would start them."""
    names: list[str] = []
    with suppress(OSError):  # only Linux has /proc, and a container may hide it
        for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
            lines = path.read_text(errors="replace").splitlines()
            names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model")]
    return ", ".join(names)
