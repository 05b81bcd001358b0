"""Faults, generated and planted at every door, and one oracle for what came of each: `python -m tests.faults`."""
