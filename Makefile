# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check types pages format oldest slow soak bench pretrained base kernel lesson docs drawings screenshots chromium

help:
	@echo "make demo        set up .venv, train on the embedded names, show new names, write a page"
	@echo "make test        set up .venv, run the tests"
	@echo "make check       formatting, lint, types, and the pages of docs/, warnings are errors"
	@echo "make format      format the code and apply safe lint fixes"
	@echo "make oldest      the tests, with the oldest versions that the base allows"
	@echo "make slow        the tests that take minutes"
	@echo "make soak        an hour of requests to a server, or MINUTES=5, and whether its memory grows"
	@echo "make bench       the benchmarks of speed, growth and serving (benchmarks/performance_log.py is run by hand)"
	@echo "make pretrained  train the model in the package again"
	@echo "make base        train the base model in the package, which short lists start from, again"
	@echo "make kernel      assemble the WebAssembly of the page again; needs wat2wasm, of wabt"
	@echo "make docs        build the documentation into site/, warnings are errors"
	@echo "make drawings    draw the pictures of README.md and docs/ again"
	@echo "make screenshots take the pictures of the page again, with Chromium"
	@echo "make lesson      write docs/lesson.ipynb again from docs/lesson.py"

# .venv has what the targets that were made so far need: an extra of pyproject.toml each. Modules are compiled when they
# are first imported, not all of them here, which would take twice as long. The base alone learns, samples and scores.
.venv/with-base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e .
	touch $@

.venv/with-%: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[$*]'
	touch $@

demo: .venv/with-base
	$(BIN)/wavemore train names -o demo.safetensors --restart
	$(BIN)/wavemore sample demo.safetensors -n 20
	$(BIN)/wavemore export demo.safetensors -o demo.html

test: .venv/with-test chromium
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore=tests/docs

# The page is tested in the system's own Chromium; where there is none, its tests skip themselves and say so.
CHROMIUM := command -v chromium || command -v chromium-browser || command -v google-chrome
chromium:
	@if { $(CHROMIUM); } > /dev/null; then :; \
	elif command -v apt-get > /dev/null && test "$$(id -u)" = 0; then \
		apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium \
		|| echo "Chromium was not installed; the tests of the page are skipped"; \
	else echo "the tests of the page need Chromium and are skipped; install it with: sudo apt-get install chromium"; fi

check: .venv/with-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --jobs=2 types pages

types: .venv/with-check
	$(BIN)/pyright

pages: .venv/with-check
	$(BIN)/python -m pytest -n 0 tests/docs

format: .venv/with-check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The lower bounds of the base in pyproject.toml, together.
OLDEST := numpy==1.26.0 safetensors==0.4.3 typer==0.28.0 rich==13.8.0 threadpoolctl==3.5.0
oldest:
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check $(OLDEST) torch==2.13.0 -e '.[test]'
	.venv-oldest/bin/python -m pytest -n 2 --dist worksteal --ignore=tests/docs

slow: .venv/with-slow
	$(BIN)/python -m pytest -m slow --ignore=tests/docs

MINUTES ?= 60
soak: .venv/with-test
	$(BIN)/python benchmarks/soak.py --minutes $(MINUTES)

bench: .venv/with-test
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/serving.py

pretrained: .venv/with-base
	cd src/wavemore/models/pretrained && ../../../../$(BIN)/wavemore train names -o names.safetensors --recipe small --set model.groups=[2,2,2] --set model.cycles=1 --set model.hidden=128 --set model.activation=gelu --no-record --force

base: .venv/with-base
	$(BIN)/python benchmarks/base_model.py

ENGINE := src/wavemore/page/app/engine
kernel:
	wat2wasm $(ENGINE)/kernel.wat -o $(ENGINE)/kernel.wasm
	wat2wasm $(ENGINE)/counter.wat -o $(ENGINE)/counter.wasm

lesson: .venv/with-docs
	$(BIN)/python docs/make_lesson.py

docs: .venv/with-docs
	$(BIN)/properdocs build --strict
	@echo "open site/index.html"

drawings: .venv/with-torch
	$(BIN)/python docs/draw.py

screenshots: .venv/with-test chromium
	$(BIN)/python docs/draw_page.py
