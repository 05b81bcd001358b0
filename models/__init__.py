"""The models that come with the suite: a plugin a file."""
