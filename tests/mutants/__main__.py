"""`python tests/mutants [WORD ...]`; see `mutants.py`."""

import sys

from mutants import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
