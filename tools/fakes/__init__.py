"""Scripted stand-ins for the outside world, public and tested: models, search, pages, clocks, loopback servers."""
