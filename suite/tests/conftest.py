"""Tests of the suite's own reports borrow the library's little project."""

from tests.conftest import _libraries, project

__all__ = ["_libraries", "project"]
