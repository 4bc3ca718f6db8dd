"""python -m magicfixup_demo ..."""

import sys

from magicfixup_demo.cli import main

sys.exit(main())
