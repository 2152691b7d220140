"""Names that tests share."""

import sys

O1J = [sys.executable, "-m", "o1j"]
