"""The measure: a system under test is any async function from a question to an outcome.

``records`` holds what flows (``Case``, ``Outcome``, ``Score``), ``suite`` what a suite is, ``suites`` one file each,
``datasets`` the strict loaders, ``scorers`` the pure judgements, ``estimating`` the means and their intervals,
``worlds`` the generators of documents with exact answers, ``judging`` what a model may grade, ``inspect_runner`` and
``inspect_logs`` all that knows Inspect. Opening the systems under test, and printing, is for ``research.app`` and the
command line.
"""
