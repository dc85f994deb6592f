# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help demo test check format slow bench pretrained lesson docs drawings

help:
	@echo "make demo        set up .venv, train on the embedded names, show new names"
	@echo "make test        set up .venv, run the tests"
	@echo "make check       formatting, lint and types"
	@echo "make format      format the code and apply safe lint fixes"
	@echo "make slow        the tests that take minutes"
	@echo "make bench       the benchmarks of speed and growth (benchmarks/performance_log.py is run by hand)"
	@echo "make pretrained  train the model in the package again"
	@echo "make docs        build the documentation into site/, warnings are errors"
	@echo "make drawings    draw the pictures of docs/forms.md again"
	@echo "make lesson      write docs/lesson.ipynb again from docs/lesson.py"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/wavemore train names -o demo.safetensors --restart
	$(BIN)/wavemore sample demo.safetensors -n 20

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

slow: $(READY)
	$(BIN)/python -m pytest -m slow

bench: $(READY)
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/growth.py

pretrained: $(READY)
	cd src/wavemore/models/pretrained && ../../../../$(BIN)/wavemore train names -o names.safetensors --recipe fast --set train.steps=300 --no-record

lesson: $(READY)
	$(BIN)/python docs/make_lesson.py

docs: $(READY)
	$(BIN)/properdocs build --strict
	@echo "open site/index.html"

drawings: $(READY)
	$(BIN)/python docs/draw.py
