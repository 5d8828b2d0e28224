"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# One thread a process, as workers have: equal results on every machine, and no spinning beside other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

settings.register_profile("evo-nas", deadline=None, derandomize=True)
settings.load_profile("evo-nas")
