# Everything that a fresh clone needs is made on first use, in .venv, .tools and build.

PYTHON ?= python3
PRESET_EMIT := $(if $(PRESET),$(PRESET),default)
TOP_EMIT := $(if $(TOP),$(TOP),engine)
PRESETS := tiny default full
JOBS ?= 2
PYTEST_ARGS ?=

PY := .venv/bin/python
# A change of the pinned versions or of the set-up itself makes it run again.
KEY := $(shell cat pyproject.toml sim/tools/* 2>/dev/null | cksum | cut -d' ' -f1)
READY := .tools/ready-$(KEY)
export SIM TEST SEED PRESET WAVES TRACE VIEWER LONG LOSS TARGET SWEEP PROTECT
export PYTHONPATH := rtl:verif:sim$(if $(PYTHONPATH),:$(PYTHONPATH))
unexport MAKEFLAGS

.PHONY: help verify setup icarus sim waves demo tap docs docs-pictures soak random random-defects faults test synth bench formal formal-docs lint emit docs-tables registers clean distclean abuse coverage mutate fabric
.NOTPARALLEL:

help:
	@echo "make sim        run the scenarios; SIM=verilator|icarus TEST=name SEED=n PRESET=name WAVES=1 TRACE=1"
	@echo "make waves      TEST=loss.5pct: its waveform in a viewer; SIM= SEED= PRESET= LONG=1 VIEWER=surfer"
	@echo "make demo       two NICs on a bad wire, live, and a picture; SECONDS=30 LOSS=0.03 PRESET= SEED="
	@echo "make tap        a simulated NIC on a TAP of a Linux bridge, it echoes (root); NODE=1 TAP=ttp1 BRIDGE=br-ttp"
	@echo "make test       run all tests; PYTEST_ARGS='tests/verilog/test_emit.py -x'"
	@echo "make random     random cases against the model, shrunk if they fail; SEED= CASES= LONG=1 SCRIPT="
	@echo "make verify     all the evidence: tests, scenarios, proofs, soak, ...; SHORT=1, PART=formal,abuse"
	@echo "make soak       10^9 clocks of two engines as a native program; PRESET= SEED= CLOCKS= ROUNDS= RESUME=1"
	@echo "make faults     one bit of one word of each memory turned over while traffic runs; SEED= UPSETS= LONG=1 SAVE=1"
	@echo "make mutate     faults in the netlist: does a test see each; SEED= COUNT= JOBS= MUTANT=engine.17, resumes"
	@echo "make coverage   states, opcodes, functional points, lines and toggles over the scenarios; LONG=1 TEST="
	@echo "make abuse      bad and forged frames among good traffic, floods of OPENs, reset at any clock; SEED= FRAMES= PART= LONG=1"
	@echo "make fabric     many engines behind switches; TRAFFIC=incast|all_to_all NODES= BUFFER= LINK_SLOTS= SEED= ..."
	@echo "make formal     prove the blocks, about 30 minutes; PROOF=name (or its beginning) for one, SHORT=1"
	@echo "make synth      synthesise, place and route; PRESET= TARGET=ecp5|xilinx|ice40|osu018|ecpix5|liteeth SWEEP=links PROTECT=secded"
	@echo "make bench      measure, compare with the baseline; PART=goodput for one, SHORT=1, SAVE=1"
	@echo "make emit       write build/rtl/ttp_<top>_<preset>.v; TOP=engine|nic|managed_nic PRESET=tiny|default|full"
	@echo "make lint       check the Verilog of every preset with Verilator, all warnings on"
	@echo "make docs       build the documentation site in build/docs, links checked"
	@echo "make docs-tables  write what docs/ has from tables and results; SAMPLE=1: the last make sim, too"
	@echo "make docs-pictures  make the pictures of docs/ from two runs"
	@echo "make registers  write docs/reference/registers.md, and build/registers/: C header and SystemRDL"
	@echo "make setup      only make the environment (sim, test, emit and lint do so by themselves)"
	@echo "make clean      remove build/; make distclean: the environment too"

setup: $(READY)

# Everything below that is evidence, one after the other (docs/evidence/verification.md).
verify: $(READY)
	@PART=$(PART) $(PY) -m ttpsim.verify $(if $(SHORT),--short)

$(READY):
	@sh sim/tools/setup.sh environment "$(PYTHON)" "$@"

icarus:
	@sh sim/tools/setup.sh icarus

sim: $(READY) $(if $(filter verilator,$(SIM)),,icarus)
	@$(PY) -m ttpsim.scenario.run --jobs $(JOBS)

waves: $(READY) $(if $(filter verilator,$(SIM)),,icarus)
	@$(PY) -m ttpsim.views.waves

# Not by environment: to some shells SECONDS is a variable of their own.
demo: $(READY) $(if $(filter icarus,$(SIM)),icarus)
	@$(PY) -m ttpsim.demo $(if $(SECONDS),--seconds $(SECONDS))

docs: $(READY)
	@sh sim/tools/setup.sh docs
	@$(PY) -m ttpsim.pages

tap: $(READY)
	@$(PY) -m ttpverif.cli echo --verbose --tap $(or $(TAP),ttp1) --bridge $(or $(BRIDGE),br-ttp) \
		--node $(or $(NODE),1) --preset $(or $(PRESET),tiny)

docs-pictures: $(READY) icarus
	@$(PY) -m ttpsim.pages.pictures

# Without Icarus the tests that need it are skipped; everything else runs.
test: $(READY)
	@sh sim/tools/setup.sh icarus || echo "[setup] going on without Icarus: its tests are skipped"
	@sh sim/tools/setup.sh formal || echo "[setup] going on without the formal tools: proofs are skipped"
	@$(PY) -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

formal: $(READY)
	@sh sim/tools/setup.sh formal
	@$(PY) -m ttpformal.run --jobs $(JOBS) $(if $(SHORT),--short) $(PROOF)

synth: $(READY)
	@sh sim/tools/setup.sh synth
	@$(PY) -m ttpsim.synth.run

# Figures of synthesis are taken from the last `make synth`.
bench: $(READY)
	@$(PY) -m ttpsim.bench.run --jobs $(JOBS) $(if $(SHORT),--short) $(if $(SAVE),--save) \
		$(if $(PART),--part $(PART))

# The table of docs/evidence/formal.md, from the last `make formal`.
formal-docs: $(READY)
	@$(PY) -m ttpformal.document

# 10^9 clocks take an hour or more; Ctrl-C ends it with a summary, RESUME=1 goes on (docs/evidence/soak.md).
soak: $(READY)
	@JOBS=$(JOBS) CLOCKS=$(CLOCKS) ROUND=$(ROUND) ROUNDS=$(ROUNDS) ROUND_CLOCKS=$(ROUND_CLOCKS) \
		RESUME=$(RESUME) FROM=$(FROM) $(PY) -m ttpsim.soak.run

# One job unless JOBS is given: it runs for an hour on one core.
mutate: $(READY)
	@sh sim/tools/setup.sh formal
	@COUNT=$(COUNT) MUTANT=$(MUTANT) $(PY) -m ttpsim.mutation \
		--jobs $(if $(filter file,$(origin JOBS)),1,$(JOBS)) $(if $(DOCS),--page)

faults: $(READY)
	@SEED=$(SEED) UPSETS=$(UPSETS) LONG=$(LONG) SAVE=$(SAVE) JOBS=$(JOBS) $(PY) -m ttpsim.faults.run

# All of it follows from SEED; LONG=1 delivers PACKETS (1,000,000) and takes hours (docs/evidence/random.md).
random: $(READY)
	@JOBS=$(JOBS) CASES=$(CASES) CONFIGS=$(CONFIGS) PACKETS=$(PACKETS) RESUME=$(RESUME) \
		SCRIPT=$(SCRIPT) $(PY) -m ttpsim.random.campaign

random-defects: $(READY)
	@ALL_DEFECTS=1 $(PY) -m pytest -q -s tests/sim/test_random.py -k defect

# Writes docs/reference/coverage.md. Builds of its own: eight minutes of CPU time in all, on up to 2 cores.
coverage: $(READY) icarus
	@$(PY) -m ttpsim.coverage.run --jobs $(JOBS)

# What each part shows: docs/evidence/abuse.md.
abuse: $(READY)
	@JOBS=$(JOBS) FRAMES=$(FRAMES) PART=$(PART) $(PY) -m ttpsim.abuse.run

# Traffic, network and what came of it: docs/evidence/fabric.md. `make` takes TRAFFIC and so on as they are.
FABRIC := PRESET TRAFFIC SEED NODES COUNT BYTES BUFFER CUT_THROUGH LOSS_PPM DELAY LEAF_HOSTS SPINES \
	LINK_SLOTS TICK SELECTIVE PING_EVERY PING_BYTES STOP STOP_PERIOD CLOCKS LIMIT
fabric: $(READY)
	@$(foreach name,$(FABRIC),$(name)=$($(name))) JOBS=$(JOBS) $(PY) -m ttpsim.fabric.run

lint: $(READY)
	@$(PY) -m ttpsim.build.lint $(if $(PRESET),$(PRESET),$(PRESETS) $(PRESETS:%=%_secded))

emit: $(READY)
	@$(PY) -m ttpoe.verilog.emit --preset $(PRESET_EMIT) --top $(TOP_EMIT) \
		-o build/rtl/ttp_$(TOP_EMIT)_$(PRESET_EMIT).v
	@echo build/rtl/ttp_$(TOP_EMIT)_$(PRESET_EMIT).v

docs-tables: $(READY)
	@$(PY) -m ttpsim.pages.state_table
	@$(PY) -m ttpsim.pages $(if $(SAMPLE),--sample,--write)

registers: $(READY)
	@$(PY) -m ttpoe.csr.documents --output build/registers --docs docs/reference/registers.md

clean:
	rm -rf build

distclean: clean
	rm -rf .venv .tools
