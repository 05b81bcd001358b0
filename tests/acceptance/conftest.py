"""The library as it is published."""

import pytest

from tests.acceptance.installing import build


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The directory of the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(tmp_path_factory.mktemp("source"), out)
    return out


@pytest.fixture(scope="session")
def wheel(built):
    """The wheel's path."""
    (path,) = built.glob("*.whl")
    return path
