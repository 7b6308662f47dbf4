"""Ray Serve's own switches for throughput, which it reads as it is imported."""

from typing import Final

# Cases come by handle, so no port is opened for them.
SWITCHES: Final = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
