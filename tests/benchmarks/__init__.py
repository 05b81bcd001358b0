"""How long the library's own work takes, by pytest-benchmark: `pytest tests/benchmarks --benchmark-only`."""
