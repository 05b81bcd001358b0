from fitgate.checks import *  # noqa: F403
