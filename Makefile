# Everything that a fresh clone needs is made on first use, in .venv, .tools and build. The tools are
# commands of .venv/bin/ttpoe; the targets below make the environment and call it.

PYTHON ?= python3
PYTEST_ARGS ?=

TTPOE := .venv/bin/ttpoe
# A change of the pinned versions or of the set-up itself makes it run again.
KEY := $(shell cat pyproject.toml sim/tools/* 2>/dev/null | cksum | cut -d' ' -f1)
READY := .tools/ready-$(KEY)
export PYTHONPATH := $(CURDIR)/rtl:$(CURDIR)/verif:$(CURDIR)/sim$(if $(PYTHONPATH),:$(PYTHONPATH))
unexport MAKEFLAGS

# What may be set on the command line of a target. The values become switches of the command, which
# judges them: as they are typed (not expanded by make), and quoted for the shell.
SIM_TAKES := TEST SIM SEED PRESET JOBS WAVES TRACE SHORT
BENCH_TAKES := PART JOBS SHORT SAVE
FORMAL_TAKES := PROOF JOBS SHORT
SYNTH_TAKES := PRESET TARGET SWEEP PROTECT
VERIFY_TAKES := PART SHORT
DEMO_TAKES := SECONDS LOSS SIM SEED PRESET
NAMES := $(sort $(SIM_TAKES) $(BENCH_TAKES) $(FORMAL_TAKES) $(SYNTH_TAKES) $(VERIFY_TAKES) \
	$(DEMO_TAKES) WITH)
unexport $(NAMES)
quoted = '$(subst ','\'',$(value $(1)))'
given = $(filter command,$(origin $(1)))
value_of = $(if $(given),$(2)=$(quoted))
word_of = $(if $(given),$(quoted))
flag_of = $(if $(given),$(if $(filter-out 0 1,$(or $(value $(1)),no)),$(2)=$(quoted),$(if \
	$(filter 1,$(value $(1))),$(2))))
# switches TARGET: what it was given, as words of the command. What it does not take is refused.
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
refused = $(foreach name,$(filter-out $($(1)_TAKES) PYTHON TTPOE READY,$(GIVEN)),$(error \
	make $@ does not take $(name): see `$(TTPOE) $@ --help`))
switches = $(strip $(refused)$(foreach name,$($(1)_TAKES),$(call switch_$(name),$(name))))
switch_TEST = $(call word_of,$(1))
switch_PART = $(call word_of,$(1))
switch_PROOF = $(call word_of,$(1))
switch_SIM = $(call value_of,$(1),--simulator)
switch_SEED = $(call value_of,$(1),--seed)
switch_PRESET = $(call value_of,$(1),--preset)
switch_JOBS = $(call value_of,$(1),--jobs)
switch_TARGET = $(call value_of,$(1),--target)
switch_SWEEP = $(call value_of,$(1),--sweep)
switch_PROTECT = $(call value_of,$(1),--protect)
switch_SECONDS = $(call value_of,$(1),--seconds)
switch_LOSS = $(call value_of,$(1),--loss)
switch_WAVES = $(call flag_of,$(1),--waves)
switch_TRACE = $(call flag_of,$(1),--trace)
switch_SHORT = $(call flag_of,$(1),--short)
switch_SAVE = $(call flag_of,$(1),--save)

.PHONY: help setup icarus check sim test bench synth formal verify docs demo clean distclean
.NOTPARALLEL:

help:
	@echo "make setup      make the environment: .venv, .tools, $(TTPOE); WITH='icarus formal synth docs mpi ns3 campaign'"
	@echo "make sim        run the scenarios; TEST=name SIM=verilator|icarus SEED=n PRESET=name WAVES=1"
	@echo "make test       run all tests; JOBS=2 PYTEST_ARGS='tests/verilog/test_emit.py -x'"
	@echo "make check      style and types: ruff, pyright"
	@echo "make bench      measure, compare with the baseline; PART=goodput for one, SHORT=1, SAVE=1"
	@echo "make synth      synthesise, place and route; TARGET=ecp5|xilinx|ice40|... PRESET= PROTECT=secded"
	@echo "make formal     prove the blocks, about 30 minutes; PROOF=name (or its beginning) for one, SHORT=1"
	@echo "make verify     all the evidence: tests, scenarios, proofs, soak, ...; SHORT=1, PART=formal,abuse"
	@echo "make docs       build the documentation site in build/docs, links checked"
	@echo "make demo       two NICs on a bad wire, live, and a picture; SECONDS=30 LOSS=3 (percent)"
	@echo "make clean      remove build/; make distclean: the environment too"
	@echo
	@echo "Everything else, and all switches: $(TTPOE) --help, $(TTPOE) sim --help"

setup: $(READY)
	@for extra in $(call word_of,WITH); do \
		for name in $$extra; do sh sim/tools/setup.sh "$$name" || exit 2; done; done

$(READY):
	@sh sim/tools/setup.sh environment "$(PYTHON)" "$@"

icarus:
	@sh sim/tools/setup.sh icarus

sim: $(READY) $(if $(filter verilator,$(value SIM)),,icarus)
	@$(TTPOE) sim $(call switches,SIM)

# Style, as the hooks of pre-commit do; and types. Pyright is told not to ask PyPI for a newer one.
check: $(READY)
	@sh sim/tools/setup.sh check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet . || { echo "[check] write it as .venv/bin/ruff format does"; exit 1; }
	@echo "[check] types: pyright, half a minute"
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/pyright

# Without Icarus the tests that need it are skipped; everything else runs.
test: $(READY)
	@sh sim/tools/setup.sh icarus || echo "[setup] going on without Icarus: its tests are skipped"
	@sh sim/tools/setup.sh formal || echo "[setup] going on without the formal tools: proofs are skipped"
	@.venv/bin/python -m pytest -n $(if $(call given,JOBS),$(call quoted,JOBS),2) --dist loadfile $(PYTEST_ARGS)

bench: $(READY)
	@$(TTPOE) bench $(call switches,BENCH)

synth: $(READY)
	@sh sim/tools/setup.sh synth
	@$(TTPOE) synth $(call switches,SYNTH)

formal: $(READY)
	@sh sim/tools/setup.sh formal
	@$(TTPOE) formal $(call switches,FORMAL)

# All that its parts need, too.
verify: $(READY) icarus
	@sh sim/tools/setup.sh formal
	@$(TTPOE) verify $(call switches,VERIFY)

docs: $(READY)
	@sh sim/tools/setup.sh docs
	@$(TTPOE) docs

demo: $(READY) $(if $(filter icarus,$(value SIM)),icarus)
	@$(TTPOE) demo $(call switches,DEMO)

clean:
	rm -rf build

distclean: clean
	rm -rf .venv .tools

# Targets that there were, and the commands that they have become.
MOVED := waves tap random soak faults mutate coverage abuse fabric lint emit docs-tables docs-pictures \
	registers formal-docs random-defects
NOW_tap := echo --verbose --tap ttp1 --bridge br-ttp
NOW_docs-tables := pages tables
NOW_docs-pictures := pages pictures
NOW_registers := pages registers
NOW_formal-docs := pages formal
.PHONY: $(MOVED)
$(filter-out random-defects,$(MOVED)):
	$(error make $@ is now `$(TTPOE) $(or $(NOW_$@),$@)`)
random-defects:
	$(error make $@ is now `.venv/bin/python -m pytest tests/sim/test_random.py -k defect --all-defects`)
