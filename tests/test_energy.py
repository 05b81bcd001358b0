"""Energy and accelerators: what counters and drivers say of the machine, and why they say nothing."""

import ctypes
import os
import sys
from pathlib import Path

import msgspec
import pytest

from fitgate.latency import stopwatch
from fitgate.latency.opened import Answered, timing_of
from fitgate.latency.timing import OFFLINE, SINGLE
from fitgate.machine import Accelerator, Meter
from fitgate.machine.accelerator import accelerators
from fitgate.machine.energy import together
from fitgate.machine.environment import Environment, changes, environment
from fitgate.report.view.comparison import comparison_view
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.words import gpus
from tests import fakes
from tests.make_golden import golden


def zone(root, name, what, energy=0, most=1_000_000_000):
    """A zone of powercap, by the files that Linux has for it."""
    (root / name).mkdir(parents=True)
    for file, content in (("name", what), ("energy_uj", energy), ("max_energy_range_uj", most)):
        (root / name / file).write_text(f"{content}\n")
    return root / name / "energy_uj"


class Library:
    """NVML, of GPUs that count so many millijoules; None for one that does not count."""

    def __init__(self, *counts, status=0):
        self.counts, self.status = list(counts), status

    def nvmlInit_v2(self):
        return self.status

    def nvmlDeviceGetCount_v2(self, count):
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = len(self.counts)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, device):
        ctypes.cast(device, ctypes.POINTER(ctypes.c_void_p))[0] = index.value + 1
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, device, millijoules):
        count = self.counts[device.value - 1]
        if count is None:
            return 3
        ctypes.cast(millijoules, ctypes.POINTER(ctypes.c_ulonglong))[0] = count
        return 0


def test_packages_add_up_and_what_is_counted_twice_is_left_out(tmp_path):
    first, second = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000), zone(tmp_path, "intel-rapl:1", "package-1")
    others = [
        zone(tmp_path, "intel-rapl:0:0", "core"),
        zone(tmp_path, "intel-rapl:2", "psys"),
        zone(tmp_path, "intel-rapl-mmio:0", "package-0"),
    ]
    meter = Meter(tmp_path, Library())
    before = meter.read()
    for file, joules in ((first, 7.5), (second, 1), *((other, 100) for other in others)):
        file.write_text(str(round(joules * 1e6)))
    assert meter.since(before) == {"processor": 3.5}
    assert meter.missing == {}


def test_a_counter_that_has_turned_over_goes_on(tmp_path):
    file = zone(tmp_path, "intel-rapl:0", "package-0", 999_000_000)
    meter = Meter(tmp_path, Library())
    before = meter.read()
    file.write_text("2000000")
    assert meter.since(before) == {"processor": pytest.approx(3.0)}


def test_gpus_add_up_beside_the_processor(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    library = Library(1_000, 2_000)
    meter = Meter(tmp_path, library)
    before = meter.read()
    library.counts = [1_500, 4_000]
    assert meter.since(before) == {"processor": 0.0, "accelerator": 2.5}


def test_a_machine_that_does_not_count_says_why(tmp_path):
    meter = Meter(tmp_path, Library())
    assert meter.missing == {"processor": "no counter of powercap on this machine"}
    assert meter.since(meter.read()) == {}
    assert Meter(tmp_path, Library(1, None)).missing["accelerator"] == "GPU 1 does not count its energy"
    assert Meter(tmp_path, Library(status=9)).missing["accelerator"] == "NVML finds no driver"
    zone(tmp_path, "intel-rapl:0", "package-0", "soon")
    assert "can't be read" in Meter(tmp_path, Library()).missing["processor"]


def test_a_counter_that_no_longer_answers_fails_nobody(tmp_path):
    file = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    meter = Meter(tmp_path, Library())
    before = meter.read()
    file.unlink()
    assert (meter.since(before), meter.since(before)) == ({}, {})


def test_joules_of_measurements_add_up_where_each_has_some():
    assert together([{"processor": 1.0, "accelerator": 2.0}, {"processor": 0.5}]) == {
        "processor": 1.5,
        "accelerator": 2.0,
    }
    assert together([{"processor": 1.0}, {}]) == together([]) == {}


class Heating(fakes.Reader):
    """Takes half a joule for each query."""

    file: Path

    def predict(self, X):
        self.file.write_text(str(int(self.file.read_text()) + 500_000))
        return super().predict(X)


@pytest.mark.parametrize("scenario", [SINGLE, OFFLINE])
def test_queries_are_told_with_the_energy_that_they_took(scenario, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model = Heating().fit(fakes.images(), fakes.LABELS)
    model.file = zone(tmp_path / "powercap", "intel-rapl:0", "package-0")
    monkeypatch.setattr(stopwatch, "Meter", lambda: Meter(tmp_path / "powercap", Library()))
    asked = stopwatch.Stopwatch(model, fakes.images(), 200, 7).ask(scenario, 0.1)
    assert asked.joules == {"processor": pytest.approx(0.5 * len(asked.seconds))}
    timing = timing_of([Answered(0.1, asked)] * 2, "heating", "digits", scenario.name, scenario.batch_size or 200)
    assert timing.joules_per_example == pytest.approx(0.5 / timing.batch_size)


@pytest.mark.parametrize(("joules", "told"), [({"processor": 2.0}, "counted"), ({}, "not counted: locked")])
def test_a_comparison_tells_what_a_million_answers_take_or_why_not(joules, told):
    record = golden()
    record.environment = msgspec.structs.replace(
        record.environment, unmetered={} if joules else {"processor": "locked"}
    )
    record.timings = [msgspec.structs.replace(timing, joules=joules) for timing in record.timings]
    machine = Machine("here", [record])
    view = comparison_view([machine], {})
    assert next(row.values for row in view.facts if row.name == "energy") == (told,)
    offline = [machine.pooled(Served(row.setting.model), "offline") for row in view.rows]
    expected = [1e6 * 2 / (t.batch_size * len(t.seconds)) if joules else None for t in offline]
    assert [row.setting.energy for row in view.rows] == pytest.approx(expected)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_counter_that_only_root_may_read_says_so(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0").chmod(0)
    assert Meter(tmp_path, Library()).missing == {"processor": f"{tmp_path} is not readable by this user"}


def test_a_refusal_of_the_system_is_no_crash(tmp_path, monkeypatch):
    zone(tmp_path, "intel-rapl:0", "package-0")

    def refuse(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    assert Meter(tmp_path, Library()).missing == {"processor": f"{tmp_path} is not readable by this user"}


# Accelerators

ANSWER = """\
NVIDIA H100 80GB HBM3, 580.95.05, 81559, 1980, 1980, 700.00, 700.00
Tesla T4, 580.95.05, 15360, 1590, [N/A], 70.00, [Not Supported]
"""


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts an `nvidia-smi` on the path that does as a line of a shell says."""

    def put(script):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        accelerators.cache_clear()

    yield put
    accelerators.cache_clear()


@pytest.mark.skipif(sys.platform == "win32", reason="the driver's program is a script here")
def test_a_driver_tells_of_its_gpus(driver):
    driver(f"cat <<'END'\n{ANSWER}END")
    h100, t4 = accelerators()
    assert h100 == Accelerator("NVIDIA H100 80GB HBM3", "580.95.05", 81559.0, 1980.0, 1980.0, 700.0, 700.0)
    assert (t4.set_mhz, t4.watts, t4.most_watts) == (None, 70.0, None)
    here = environment()
    assert list(here.accelerators) == [h100, t4]
    assert here.accelerator == "NVIDIA H100 80GB HBM3, Tesla T4"


@pytest.mark.skipif(sys.platform == "win32", reason="the driver's program is a script here")
@pytest.mark.parametrize("script", ["exit 9", "echo 'NVIDIA-SMI has failed'", "echo '\\377\\377'", ""])
def test_a_driver_that_tells_nothing_is_none(driver, script):
    driver(script)
    assert accelerators() == ()


def test_another_driver_is_no_other_machine():
    then = Environment("chip", 2, 8.0, "Linux x86_64", "3.11.7", {}, accelerator="Tesla T4")
    now = Environment(
        "chip",
        2,
        8.0,
        "Linux x86_64",
        "3.11.7",
        {},
        accelerator="Tesla T4",
        accelerators=[Accelerator("Tesla T4", "580")],
    )
    assert changes(then, now) == []


def test_a_report_names_what_limits_a_gpu():
    cut = Accelerator("H100", "580", 81_559.0, 1_980.0, 1_500.0, 350.0, 700.0)
    where = Environment("chip", 2, 8.0, "Linux", "3.11.7", {}, accelerators=[cut, Accelerator("T4", "470", watts=70.0)])
    assert gpus(where) == (
        "H100 (driver 580, 80 GiB, set to 1,500 of 1,980 MHz, limited to 350 of 700 W), T4 (driver 470, at most 70 W)"
    )
    assert gpus(Environment("chip", 2, 8.0, "Linux", "3.11.7", {}, accelerator="Tesla T4")) == "Tesla T4"
