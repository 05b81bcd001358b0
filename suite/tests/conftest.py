"""Tests of the suite's own reports borrow the library's little project."""

import msgspec
import pytest

from fitgate.record import save
from suite.notebook import changes
from suite.notebook.story import Comparison, to_extra
from tests import records
from tests.conftest import _libraries, drawn, project, zygote

__all__ = ["_libraries", "drawn", "project", "zygote"]


@pytest.fixture
def unpublished(tmp_path, monkeypatch):
    """Where a rerun is published that explains figures; nothing is there yet."""
    directory = tmp_path / "rerun"
    directory.mkdir()
    monkeypatch.setattr(changes, "RERUN", directory)
    changes.published_rerun.cache_clear()
    yield directory
    changes.published_rerun.cache_clear()


@pytest.fixture
def rerun(unpublished):
    """`rerun(figure, found)`: publish a rerun with a version of scikit-learn, in which a figure came to something."""

    def rerun(figure, found, version="1.7.2", compared=True):
        environment = msgspec.structs.replace(records.ENVIRONMENT, libraries={"scikit-learn": version})
        comparison = to_extra(Comparison("01_section", figure, found, compared))
        save(records.blank(environment=environment, extras=[comparison]), unpublished / "record.json")

    return rerun
