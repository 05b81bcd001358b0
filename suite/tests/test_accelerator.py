"""What is told of an accelerator, from profiles and records made by hand; and where there is none."""

from types import SimpleNamespace

import msgspec
import pytest

from fitgate.machine.environment import environment
from models.cnn import accelerator
from models.cnn.accelerator import Measured, Together, Trace, page, summed
from models.cnn.race import Trained


def plane(name, **lines):
    def event(name, start, end):
        return SimpleNamespace(name=name, start_ns=start, duration_ns=end - start)

    made = [SimpleNamespace(name=line, events=[event(*each) for each in events]) for line, events in lines.items()]
    return SimpleNamespace(name=name, lines=made)


def test_kernels_of_streams_that_overlap_count_once_and_transfers_only_where_no_kernel_runs():
    streams = {
        "Stream #1": [("gemm", 1_000, 2_000), ("MemcpyD2D", 3_000, 4_000), ("gemm", 5_000, 6_000)],
        "Stream #2": [("fusion", 1_500, 2_500), ("MemcpyH2D", 5_500, 7_000), ("fusion", 1_600, 1_700)],
        "Modules": [("all of it", 0, 99_000)],
    }
    planes = [plane("/device:GPU:0", **streams), plane("/host:CPU", python=[("fit", 0, 99_000)])]
    found = summed(planes, seeds=1, steps=2)
    assert (found.seconds, found.kernel_seconds, found.transfer_seconds) == pytest.approx((6e-6, 2.5e-6, 2e-6))
    assert found.kernels == 4


def test_a_profile_without_a_gpu_is_refused():
    with pytest.raises(accelerator.FitgateError, match="found no kernel"):
        summed([plane("/host:CPU", python=[("fit", 0, 1)])], 1, 1)


def test_without_an_accelerator_it_says_so_in_one_line(capsys):
    pytest.importorskip("jax")
    assert accelerator.main([]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "no device but CPUs" in line


def measured(accuracy):
    return Measured(
        execution="1 gpu device (fake), convolutions fused with pooling",
        images=60_000,
        trained={name: [Trained(seed, 2.5, 2.0, accuracy) for seed in (1, 2)] for name in accelerator.RECIPES},
        together=[Together(True, n, [0.5 * n / (1 + n), 0.5 * n / (1 + n)], 2.0, [accuracy], True) for n in (1, 4)],
        traces=[Trace(1, 100, 1.0, 0.75, 0.05, 3_000)],
        batches={"4096": 1e-6},
        environment=environment(),
        conditions=[],
        seconds=60.0,
    )


def test_the_page_tells_what_was_reached_and_what_a_step_is_made_of():
    text = page(measured(99.25))
    assert "**cnn trains in 0.50 s** without compilation, and reads 99.25 %" in text
    assert "reaches 99 % on average takes 0.50 s" in text
    assert "No recipe tried reaches 99 %" in page(measured(98.9))
    [row] = [line for line in text.splitlines() if "10000.0" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["1", "10000.0", "30.0", "75.0", "5.0", "20.0"]
    [row] = [line for line in text.splitlines() if line.startswith("| 4 ")]
    assert [cell.strip() for cell in row.strip("|").split("|")][2:4] == ["0.1", "2.50"]


def test_a_record_is_read_as_it_was_written():
    found = measured(99.25)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Measured) == found
