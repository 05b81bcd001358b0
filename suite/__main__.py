"""`python -m suite`: see `fitgate.cli`."""

import sys

from fitgate.cli import main

sys.exit(main())
