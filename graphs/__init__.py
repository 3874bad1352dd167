"""The wiring: the only folder that imports langgraph. Judgement is in ``research``, hands are in ``tools``."""
