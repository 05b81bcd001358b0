"""Benchmarks run where they are asked for alone: `pytest tests/benchmarks --benchmark-only`."""

import pytest


def pytest_collection_modifyitems(config, items):
    if not config.getoption("benchmark_only"):
        for item in items:
            if item.path.is_relative_to(config.rootpath / "tests" / "benchmarks"):
                item.add_marker(pytest.mark.skip(reason="a benchmark, without --benchmark-only"))
