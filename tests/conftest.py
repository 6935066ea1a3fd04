"""What holds for every test."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# A busy machine is no defect: how long an example takes must not decide whether it passes.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
# The same examples each time, for a run that decides on a change; all other runs look for new ones.
settings.register_profile("gate", settings.get_profile("house"), derandomize=True)
# Fewer examples, for `make test-fast`.
settings.register_profile("quick", settings.get_profile("house"), max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

# A shell starts what it runs in the background with Ctrl+C ignored, and all that this starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
