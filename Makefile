# Two commands do all the set-up: `make demo` answers a question from this project's own documentation, with no key and
# no network service; `make test` passes the tests. Both make their own environment from pinned constraints.
# `make promises` breaks runs in every way that is promised to do no harm; it takes two hours or so, `SAMPLE=3` minutes.

VENV := .venv
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
RUN := $(VENV)/bin
DEMO_HOME := .research
GATE_HOME := .research-gate
Q ?= How are budgets enforced?

.PHONY: demo test gate promises check setup clean

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

# The regression gate on the shipped samples: each line of floors.txt is a suite, a system, most cases, and floors.
gate: setup
	rm -rf $(GATE_HOME)
	while read -r suite system cases floors; do \
		$(RUN)/research --home $(GATE_HOME) eval run $$suite --system $$system --limit $$cases --quiet </dev/null && \
		$(RUN)/research --home $(GATE_HOME) eval compare $$(printf -- '--fail-below %s ' $$floors) </dev/null || exit 1; \
	done < evals/samples/floors.txt

# Nothing lost, nothing paid twice, no cap passed, one owner, damage noticed: every sweep in turn, also when one before it
# failed, and a line for each at the end; it exits 1 when a case says otherwise. SAMPLE=N: N cases of each sweep.
promises: setup
	$(RUN)/python -m bench.promises $(if $(SAMPLE),--sample $(SAMPLE))

check: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

clean:
	rm -rf $(VENV) $(DEMO_HOME) $(GATE_HOME)
