"""Scorers: pure functions from a case and an outcome to a score, packed as metrics.

One file for each thing that is measured. How scores become figures with intervals is in ``evals.estimating``.
"""
