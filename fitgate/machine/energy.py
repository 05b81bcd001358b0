"""Energy: what the machine's own counters say that its processors and GPUs took."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"
PROCESSOR, ACCELERATOR = "processor", "accelerator"
NVML_SUCCESS = 0


@dataclass(frozen=True)
class Counter:
    """What counts the energy of a part of the machine.

    Attributes:
        part: `processor` or `accelerator`.
        read: the joules that it has counted; raises OSError where it can't be read.
        turn: joules after which it begins anew; 0 for never.
    """

    part: str
    read: Callable[[], float]
    turn: float = 0.0


class Meter:
    """Joules by the machine's counters, and why there are none where there are none.

    The counters are those of the whole machine: what else runs there is in them. A processor's is Linux's powercap, one
    a package, memory left out, which mostly root alone may read (CVE-2020-8694); it turns over, after minutes under
    full load at the earliest, so that readings are to be closer. A GPU's is NVML's total since its driver was loaded,
    from Volta on, which is renewed every tenth of a second or so: time for seconds. Source: docs.kernel.org, "Power
    Capping Framework"; NVML's `nvmlDeviceGetTotalEnergyConsumption`.

    Args:
        powercap: the directory of Linux's powercap.
        library: NVML, as ctypes loads it; None for the machine's own, where it has one.

    Attributes:
        missing: why a part has no figure, in words, by its name; a machine without a GPU says nothing of one.
    """

    def __init__(self, powercap: Path = POWERCAP, library: Any = None):
        self.missing: dict[str, str] = {}
        self._counters = [*self._packages(powercap), *self._devices(library)]

    def read(self) -> tuple[float, ...]:
        """What the counters stand at, in joules, for `since`; where one no longer answers, none counts from then on."""
        try:
            return tuple(counter.read() for counter in self._counters)
        except (OSError, ValueError):
            self._counters = []
            return ()

    def since(self, before: tuple[float, ...]) -> Mapping[str, float]:
        """Joules since an earlier reading, by the part: `processor`, `accelerator`; empty where nothing counts."""
        joules: dict[str, float] = {}
        for counter, now, then in zip(self._counters, self.read(), before, strict=False):  # nothing of a lost one
            taken = now - then if now >= then else now - then + counter.turn
            joules[counter.part] = joules.get(counter.part, 0.0) + taken
        return joules

    def _packages(self, powercap: Path) -> list[Counter]:
        """A counter for each package. `psys` holds the packages too, and `intel-rapl-mmio` has the same ones again."""
        zones = sorted(zone for zone in powercap.glob("intel-rapl:*") if zone.name.count(":") == 1)
        try:
            packages = [zone for zone in zones if (zone / "name").read_text().startswith("package")]
            counters = [_package(zone) for zone in packages]
        except PermissionError:
            self.missing[PROCESSOR] = f"{powercap} is not readable by this user"
            return []
        except (OSError, ValueError) as error:
            self.missing[PROCESSOR] = f"{powercap} can't be read: {error}"
            return []
        if not counters:
            self.missing[PROCESSOR] = "no counter of powercap on this machine"
        return counters

    def _devices(self, library: Any) -> list[Counter]:
        if library is None:
            try:
                library = ctypes.CDLL(NVML)
            except OSError:
                return []
        count = ctypes.c_uint()
        if library.nvmlInit_v2() != NVML_SUCCESS or library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != NVML_SUCCESS:
            self.missing[ACCELERATOR] = "NVML finds no driver"
            return []
        try:
            return [_device(library, i) for i in range(count.value)]
        except OSError as error:
            self.missing[ACCELERATOR] = str(error)
            return []


def together(taken: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The joules of several measurements, by part; empty where one of them counted nothing."""
    parts = dict.fromkeys(part for one in taken for part in one)
    return {part: sum(one.get(part, 0.0) for one in taken) for part in parts} if all(taken) else {}


def _package(zone: Path) -> Counter:
    def read() -> float:
        return int((zone / "energy_uj").read_text()) / 1e6

    read()
    return Counter(PROCESSOR, read, int((zone / "max_energy_range_uj").read_text()) / 1e6)


def _device(library: Any, index: int) -> Counter:
    device = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)) != NVML_SUCCESS:
        raise OSError(f"NVML gives no access to GPU {index}")

    def read() -> float:
        millijoules = ctypes.c_ulonglong()
        if library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules)) != NVML_SUCCESS:
            raise OSError(f"GPU {index} does not count its energy")
        return millijoules.value / 1e3

    read()
    return Counter(ACCELERATOR, read)
