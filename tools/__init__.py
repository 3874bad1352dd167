"""The hands: one outside thing a file, each fulfilling a port of ``research.ports``; none knows another's caller."""
