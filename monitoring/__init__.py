"""What the switch tells about itself: counts on the hot path as plain numbers, exported when Prometheus asks.

`metrics` implements the switch's telemetry port, `exposition` turns its numbers into metric families, `http`
serves them with the health checks, `loop_lag` watches the event loop.
"""
