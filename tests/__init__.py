"""Tests of the harness itself, on tiny fake models: nothing real is trained here."""
