"""Completeness.

Every figure that the notebook printed has its place above; one that no section compares would fail this test.
"""

import pytest

from suite.notebook.figures import FIGURES


def test_no_figure_is_missing(story, request):
    package = request.path.parent
    run = {item.path for item in request.session.items}
    if hasattr(request.config, "workerinput") or not run.issuperset(package.glob("test_*.py")):
        pytest.skip("only a part of the notebook was run in this process")
    assert story.compared == set(FIGURES)
