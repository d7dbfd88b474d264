"""How fast and how large futures-stream is beside others: ``python -m benchmarks``."""
