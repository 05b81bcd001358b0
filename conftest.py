"""Loads the library and every model plugin; nothing else."""

import pkgutil

import models

pytest_plugins = [
    "fitgate.plugin",
    *(f"models.{module.name}" for module in pkgutil.iter_modules(models.__path__)),
]
