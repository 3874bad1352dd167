"""Loaders of data sets, one file per shape, from the user's files to cases and documents.

``rows`` reads JSON, JSONL, TSV and CSV row by row, ``shapes`` finds out which shape a folder or file has, ``pooled``
puts the passages of all questions in one corpus. A loader is strict: what is malformed, missing or contradictory is a
``research.errors.UsageFault`` that names file and line, raised before anything is run.
"""
