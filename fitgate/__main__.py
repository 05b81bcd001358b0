"""`python -m fitgate`: see `fitgate.cli`."""

import sys

from fitgate.cli import main

sys.exit(main())
