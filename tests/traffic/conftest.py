"""Lets the benches of this folder import `traffic_twin` under every import mode of pytest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
