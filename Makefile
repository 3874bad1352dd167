# Two commands do all the set-up: `make demo` answers a question from this project's own documentation, with no key and
# no network service; `make test` passes the tests. Both make their own environment from pinned constraints.

VENV := .venv
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
RUN := $(VENV)/bin
DEMO_HOME := .research
Q ?= How are budgets enforced?

.PHONY: demo test check setup clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup
	$(RUN)/research --home $(DEMO_HOME) index docs --corpus docs --public
	$(RUN)/research --home $(DEMO_HOME) ask "$(Q)" --corpus docs

test: setup
	$(RUN)/python -m pytest -n 2 --dist loadfile

check: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

clean:
	rm -rf $(VENV) $(DEMO_HOME)
