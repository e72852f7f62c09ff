# make run    opens the window (without a screen: trains the built-in example)
# make test   everything that must hold before a change lands
# make bench  Relume beside other engines; writes docs/performance.md
# make proof  every proof with its full counts, beside PyTorch and ONNX Runtime too (half an hour)
# make clean  removes what these two made
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint types contracts pytest pictures bench proof clean

run: .venv/run.stamp
	@$(BIN)/python tools/system_libraries.py window
	@$(BIN)/python main.py

test: lint types contracts pytest

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test.stamp
	$(BIN)/mypy engine gui main.py

contracts: .venv/test.stamp
	$(BIN)/lint-imports

pytest: .venv/test.stamp
	@$(BIN)/python tools/system_libraries.py test
	$(BIN)/python -m pytest -q

# The pictures of the README, made anew.
pictures: .venv/test.stamp
	@$(BIN)/python tools/system_libraries.py test
	$(BIN)/python tools/make_pictures.py

# Under 20 minutes; BENCH="--quick" for a glance, BENCH="--only W2,W3".
bench: .venv/bench.stamp
	$(BIN)/python -m benchmarks $(BENCH)

# What tries more with RELUME_PROOF=1, or wants PyTorch.
PROOFS := $(addprefix tests/test_,central_differences.py activation_extremes.py torch_networks.py against_torch.py exports_everywhere.py \
	determinism.py cache_damage.py results.py)

proof: .venv/test.stamp .venv/bench.stamp
	RELUME_PROOF=1 $(BIN)/python -m pytest -q --timeout 3600 $(PROOFS)
	$(BIN)/python -m benchmarks.results

# The stamps make the second time instant.
.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=... to one." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) tools/system_libraries.py venv
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run.stamp: .venv/made.stamp pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@$(BIN)/python -m compileall -q main.py engine gui
	@touch $@

.venv/test.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

.venv/bench.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
