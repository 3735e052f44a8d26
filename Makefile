# SPDX-License-Identifier: GPL-2.0-or-later
# The front door. Each target installs what is missing from Debian, builds,
# and does what it says; meson and ninja do the work behind it.
#
#   make          build everything into build/
#   make demo     watch an incremental backup of a live disk
#   make check    build and run all tests
#   make bench    the same work here and with Debian's QEMU, as a table
#   make fuzz     feed the readers of foreign bytes with nonsense: SECONDS=60
#   make soak     the simulator with seeds that nobody tried yet: SECONDS=60
#   make lint     read the code without running it
#   make oracle   run the block tests against Debian's QEMU instead of ours
#   make clean    remove build/

BUILD ?= build
PYTHON = /usr/bin/python3

.PHONY: all demo check bench fuzz soak lint oracle clean

all: $(BUILD)/.deps-build $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

demo: $(BUILD)/.deps-demo all
	@$(PYTHON) scripts/demo.py $(BUILD)

check: $(BUILD)/.deps-check all
	@$(PYTHON) scripts/check.py $(BUILD)

# BENCH takes options of tests/bench/run.py, such as "--only small".
bench: $(BUILD)/.deps-bench all
	@$(PYTHON) tests/bench/run.py $(BUILD) $(BENCH)

SECONDS = 60
fuzz: $(BUILD)/.deps-fuzz
	@$(PYTHON) tests/fuzz/run.py $(BUILD) $(SECONDS) $(TARGETS)

soak: $(BUILD)/.deps-build $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet tests/sim/sim
	@$(BUILD)/tests/sim/sim --all --seconds $(SECONDS) \
	    --seed $$(($$(date +%s) * 1000000))

# LINT takes options of scripts/lint.py, such as "--only block/qcow2 tidy".
lint: $(BUILD)/.deps-lint all
	@$(PYTHON) scripts/lint.py $(BUILD) $(LINT)

oracle: $(BUILD)/.deps-check $(BUILD)/.deps-bench
	@$(PYTHON) tests/qemu-iotests/run.py --oracle

clean:
	rm -rf $(BUILD)

# A stamp per task: the packages are looked up again only when the list
# changes.
$(BUILD)/.deps-%: scripts/install-deps.sh
	@scripts/install-deps.sh $*
	@mkdir -p $(BUILD)
	@touch $@

$(BUILD)/build.ninja: | $(BUILD)/.deps-build
	@meson setup $(BUILD) >/dev/null

.PRECIOUS: $(BUILD)/.deps-%
