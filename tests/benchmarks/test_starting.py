"""What an unrelated pytest session pays for fitgate's being installed."""

import statistics
import subprocess
import sys
import time

PAIRS = 20


def started(directory, *options):
    """Seconds that a session of one empty test takes as a whole."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(command, cwd=directory, capture_output=True, check=True)
    return time.perf_counter() - begun


def test_an_unrelated_session(benchmark, tmp_path):
    """Twenty starts with it and twenty without, in turns: the median of the differences is in `extra_info`."""
    (tmp_path / "test_it.py").write_text("def test_it(): pass")

    def compare():
        pairs = [(started(tmp_path), started(tmp_path, "-p", "no:fitgate")) for _ in range(PAIRS)]
        return statistics.median(with_it - without for with_it, without in pairs)

    started(tmp_path)  # compiles what it imports
    difference = benchmark.pedantic(compare, rounds=1)
    benchmark.extra_info["milliseconds more"] = round(1e3 * difference, 1)
    print(f"\nan unrelated session takes {1e3 * difference:.1f} ms more: median of {PAIRS} pairs, in turns")
