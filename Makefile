# Genlock's commands. All set-up is done by itself, once, in .venv; only Python 3.11+ and make are needed.
#
#   make align VIDEO=talk.mp4 [TRANSCRIPT=talk.txt] [OUT=folder]    the main job on a video
#   make demo                                                       the main job on a talking test card of our own
#   make words-all                                                  fetches speech recognition in 99 languages (133 MB)
#   make foley OUT=folder                                           trains sound for silent videos (two hours)
#   make release                                                    wheel, sdist, checksums and list of parts, in dist/
#   make test | slow | check | bench | docs                         for those who work on Genlock
#
# PYTHON=python3.13 picks another interpreter. ARGS='...' is handed on to the command.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PYTHON ?=
ARGS ?=
# What pip may take: only the pinned versions.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

# File names reach the shell through the environment, untouched by make and by the shell, so that
# spaces, quotes and dollar signs in them work.
override export VIDEO := $(value VIDEO)
override export TRANSCRIPT := $(value TRANSCRIPT)
override export OUT := $(value OUT)

ifneq ($(filter align,$(MAKECMDGOALS)),)
ifeq ($(strip $(value VIDEO)),)
$(error Which video? Say: make align VIDEO=talk.mp4 [TRANSCRIPT=talk.txt] [OUT=folder])
endif
endif

.PHONY: help setup align demo words-all foley test slow check format bench docs test-core test-pythons release written constraints clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# ---------------------------------------------------------------- the two faces

align: $(STAMPS)/core $(STAMPS)/weights
	@$(BIN)/genlock align "$$VIDEO" $${TRANSCRIPT:+--transcript "$$TRANSCRIPT"} $${OUT:+-o "$$OUT"} $(ARGS)

demo: $(STAMPS)/core $(STAMPS)/weights
	@$(BIN)/genlock demo $(ARGS)

foley: $(STAMPS)/dev $(STAMPS)/weights
	@GENLOCK=$(BIN)/genlock sh tools/train_foley.sh "$${OUT:-foley-run}" $(ARGS)

words-all: $(STAMPS)/core
	@$(BIN)/genlock models fetch whisper-base

setup: $(STAMPS)/core $(STAMPS)/weights

# ---------------------------------------------------------------- for those who work on Genlock

# Two processes, whole files each: a file's fixtures and compiled kernels are made once.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile

test: $(STAMPS)/dev $(STAMPS)/weights
	$(PYTEST) -m "not slow" $(ARGS)

slow: $(STAMPS)/cluster $(STAMPS)/weights
	$(PYTEST) -m slow $(ARGS)

check: $(STAMPS)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

# What is made of the options of the commands: typed keywords for Python, the manual page.
written: $(STAMPS)/dev
	$(BIN)/python tools/write_keywords.py
	$(BIN)/python tools/write_man.py
	$(BIN)/ruff format -q src/genlock/tasks/keywords.py

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Every benchmark prints its figures, quickly; ARGS=--whole takes hours, ARGS='timing clicks' only these.
bench: $(STAMPS)/bench $(STAMPS)/weights
	@$(BIN)/python tools/run_benchmarks.py $(ARGS)

# The examples of the documents run as tests: this is what keeps them true.
docs: $(STAMPS)/dev $(STAMPS)/weights
	$(BIN)/python -m pytest README.md docs $(ARGS)
	$(BIN)/python docs/build.py

# The core on another Python: make test-core PYTHON=python3.13
test-core:
	@sh tools/test_core.sh "$(or $(PYTHON),python3)"

# The same on every Python newer than that of .venv that is at hand (PATH and pyenv).
test-pythons: $(STAMPS)/core
	@sh tools/test_pythons.sh $(BIN)/python

# What would be published, in dist/: built, installed into an empty environment, and tested there.
release: $(STAMPS)/release
	rm -rf dist
	$(BIN)/python tools/check_dist.py --keep dist $(ARGS)

# Pins the newest versions that pyproject.toml allows. On purpose only: read what changed before committing.
constraints: | $(VENV)/pyvenv.cfg
	@$(BIN)/python tools/resolve.py > constraints.txt.new && mv constraints.txt.new constraints.txt

clean:
	rm -rf $(VENV) .venv-* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist

# ---------------------------------------------------------------- set-up, done again only when its inputs change

$(VENV)/pyvenv.cfg:
	@sh tools/make_venv.sh $(VENV) $(PYTHON)

$(STAMPS)/core: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Setting up $(VENV): Genlock with speech and faces (once; some 900 MB)"
	$(INSTALL) --editable '.[speech,faces]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/cluster: $(STAMPS)/dev
	$(INSTALL) --editable '.[cluster]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/release: $(STAMPS)/core
	$(INSTALL) --editable '.[release]'
	@mkdir -p $(STAMPS) && touch $@

# A peer that does not build here is left out of its table, which says so.
$(STAMPS)/bench: $(STAMPS)/dev
	-$(INSTALL) --editable '.[bench]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(STAMPS)/core
	@echo "Setting up $(VENV): tests, models and studio (once; torch makes it large)"
	$(INSTALL) --editable '.[dev,models,studio,data,languages]'
	-$(INSTALL) --editable '.[beam]' # has no wheel for an old C library: its tests are then skipped
	@mkdir -p $(STAMPS) && touch $@

# Without a network the rest still works: say what is missing and go on; the next time tries again.
$(STAMPS)/weights: src/genlock/weights/table.toml | $(STAMPS)/core
	@if $(BIN)/python -m genlock.weights; then mkdir -p $(STAMPS) && touch $@; \
	else echo "Going on without the models named above; what needs none of them works."; fi
