"""`python -m suite`: see `suite.commands`."""

import sys

from suite.commands import main

sys.exit(main())
