"""`python -m dcrdf.cli` is the `dcrdf` command."""

import sys

from dcrdf.cli import main

sys.exit(main())
