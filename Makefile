# `make` alone prints the commands.
.PHONY: help run check test format constraints

help:
	@echo "make run          install what is missing and run Data Hub with its demo (bin/run)"
	@echo "make check        start, send the demo's orders, say what arrived, stop (bin/run --check)"
	@echo "make test         every check and every test (bin/test); pytest's options: bin/test -k orders"
	@echo "make format       format the code and mend what the linter can mend"
	@echo "make constraints  pin again what the requirements pull in, after a change of them"

run:
	bin/run

check:
	bin/run --check

test:
	bin/test

format:
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

constraints:
	.venv/bin/pip install --quiet --upgrade --upgrade-strategy eager -r requirements-dev.txt
	echo "# Exact versions of everything that the requirements pull in. Renewed with: make constraints" > constraints.txt
	.venv/bin/pip freeze >> constraints.txt
