"""The words and the judgement of the research system: records, ports, budgets, the gate, analysts, citations, reports.

Nothing here opens a socket, reads a clock or imports langgraph; the hands are in ``tools``, the wiring in ``graphs``.
"""

__version__ = "0.1.0"
