"""Tests of the digits' exam itself; they train nothing."""
