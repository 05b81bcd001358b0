"""Loads the digits with the notebook, and every model plugin; nothing else."""

import pkgutil

import models

pytest_plugins = [
    "suite.digits",
    "suite.notebook.plugin",
    *(f"models.{module.name}" for module in pkgutil.iter_modules(models.__path__)),
]
