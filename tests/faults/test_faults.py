"""The campaign in small, of a seed of its own: `pytest -m faults tests/faults`."""

import os
import subprocess
import sys

import msgspec
import pytest

from tests.faults.campaign import CLASSES, load
from tests.faults.material import ROOT

SEED, CASES, SESSIONS, KILLS = "7", "150", "15", "10"


@pytest.mark.faults
def test_no_fault_passes_silently_or_loses_anything(tmp_path):
    out = tmp_path / "faults.json"
    sizes = ["--cases", CASES, "--sessions", SESSIONS, "--kills", KILLS, "--seed", SEED]
    command = [sys.executable, "-m", "tests.faults", *sizes, "--out", str(out), "--page", str(tmp_path / "faults.md")]
    own = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST")
    }  # no worker times anything
    ended = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
    campaign = load(out)
    said = "\n".join(f"{d.kind}: {d.of} {d.number}, {d.fault}: {d.detail}" for d in campaign.defects)
    assert not campaign.defects, f"{said}\n`{campaign.command}` does this again"
    assert ended.returncode == 0
    assert {tally.of for tally in campaign.tallies} == set(CLASSES)
    assert sum(tally.tried for tally in campaign.tallies) >= 145
    assert str(sum(tally.tried for tally in campaign.tallies)) in (tmp_path / "faults.md").read_text()
    assert msgspec.json.decode(out.read_bytes())["seed"] == int(SEED)
