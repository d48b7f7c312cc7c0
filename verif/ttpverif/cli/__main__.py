"""`python -m ttpverif.cli`: the same as the console command `ttpoe`."""

import sys

from . import main

sys.exit(main())
