"""Tests of the library itself, on tiny fake models: nothing real is trained here."""
