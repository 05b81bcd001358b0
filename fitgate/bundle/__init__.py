"""Bundles: fitted models, queries and native answers in one file, to be timed on other machines."""
