"""A session with one of the suite's data plugins, and a fake model on its task."""

CONFTEST = """
from fitgate import Floor
from {plugin} import {task}
from tests.fakes import model

pytest_plugins = ["fitgate.plugin", "{plugin}"]

def pytest_fitgate_models():
    return [model(tasks=({task},), gates=(Floor({task}, "accuracy", 0.5, perfect=True),))]
"""


def probe(project, plugin, task, *options):
    """What pytest makes of the gates of such a project."""
    project.pytester.makeconftest(CONFTEST.format(plugin=plugin, task=task))
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    return project.run(*options)
