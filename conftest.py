"""Loads the digits with the notebook, the fashion, and every model plugin; nothing else."""

import pkgutil

import models

pytest_plugins = [
    "suite.digits",
    "suite.fashion",
    "suite.notebook.plugin",
    *(f"models.{module.name}" for module in pkgutil.iter_modules(models.__path__)),
]
