"""The environment: the machine and the software that a run took place on, all that stays the same."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import msgspec

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "torch",
    "pytest",
    "pytest-benchmark",
)


class Environment(msgspec.Struct, frozen=True):
    """Where a run took place.

    Attributes:
        cpu: the processor's name.
        cores: logical cores that the process may use.
        memory_gib: physical memory, in GiB.
        system: operating system and its release.
        python: version of the interpreter.
        libraries: versions of the libraries that decide results, those that are installed.
        physical_cores: of the machine; None where the system does not tell.
        blas: NumPy's, with its version and the processor that it was made for.
        accelerator: the names of its GPUs; empty for none.
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


def changes(before: Environment, now: Environment) -> list[str]:
    """What differs between two environments, in words, as `jax 0.9 -> 0.10`."""
    pairs = [("processor", before.cpu, now.cpu), ("cores", str(before.cores), str(now.cores))]
    pairs += [("system", before.system, now.system), ("Python", before.python, now.python)]
    pairs += [("accelerator", before.accelerator or "none", now.accelerator or "none")]
    if before.blas:  # an older record does not tell
        pairs.append(("BLAS", before.blas, now.blas))
    names = sorted({*before.libraries, *now.libraries})
    pairs += [(name, before.libraries.get(name, "absent"), now.libraries.get(name, "absent")) for name in names]
    return [f"{what} {a} -> {b}" for what, a, b in pairs if a != b]


def usable_cores() -> int:
    """Logical cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def environment() -> Environment:
    """The environment of this process."""
    import psutil

    return Environment(
        cpu=_cpu(),
        cores=usable_cores(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        libraries=library_versions(),
        physical_cores=psutil.cpu_count(logical=False),
        blas=_blas(),
        accelerator=_accelerator(),
    )


def library_versions() -> dict[str, str]:
    """Versions of the installed ones of `LIBRARIES`."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _blas() -> str:
    """As `openblas 0.3.31 SkylakeX`: that of NumPy, which is loaded first."""
    from threadpoolctl import threadpool_info

    first = next((pool for pool in threadpool_info() if pool["user_api"] == "blas"), None)
    if first is None:
        return ""
    return " ".join(filter(None, (first["internal_api"], first.get("version"), first.get("architecture"))))


def _accelerator() -> str:
    """The NVIDIA GPUs that the driver lists, without asking a library that would start them."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = path.read_text(errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model")]
    return ", ".join(names)
