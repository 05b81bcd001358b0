"""pytest-benchmark's JSON carries our metrics and verdicts, and its own command reads it."""

import json
import subprocess
import sys


def test_pytest_benchmark_compares_what_carries_our_verdicts(project):
    project.write('model(gates=(Floor(DIGITS, "accuracy", quick=0.9),))')
    saved = []
    for run in ("before", "after"):
        assert project.run("--benchmark-json", f"{run}.json").ret == 0
        saved.append(str(project.path / f"{run}.json"))
    content = json.loads((project.path / "before.json").read_text())
    assert content["machine_info"]["fitgate"]["cores"] >= 1
    single = next(b for b in content["benchmarks"] if "single" in b["name"])
    assert single["extra_info"]["metrics"]["accuracy"] == 1.0
    assert single["extra_info"]["verdicts"] == {"accuracy>=0.9": "PASS"}
    assert single["extra_info"]["batch_size"] == 1

    command = [sys.executable, "-m", "pytest_benchmark", "compare", *saved, "--group-by", "fullname"]
    result = subprocess.run(command, cwd=project.path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "benchmark 'test_speed.py::test_predict[reader-single]': 2 tests" in result.stdout
    assert "Median" in result.stdout
