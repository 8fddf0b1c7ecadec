"""Benchmarks on real processes. Compare the ratios of one run, not seconds of two machines."""
