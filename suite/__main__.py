"""`python -m suite`: see `suite.harness.cli`."""

import sys

from suite.harness.cli import main

sys.exit(main())
