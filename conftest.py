"""Loads the digits with the notebook, the fashion, and every model plugin; nothing else."""

from fitgate import plugins_in

pytest_plugins = plugins_in("suite.digits", "suite.fashion", "suite.notebook.plugin", "models")
