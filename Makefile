# SPDX-License-Identifier: MIT
# The short way in; meson and ninja do the work. `make help` lists the targets.
BUILD  ?= build
PREFIX ?= /usr/local

.PHONY: all help deps build enclave demo check check-long bench trusted-code fuzz install format clean

all: build

help:
	@echo "make build       build everything into $(BUILD)/"
	@echo "make enclave     build what scw-cc --enclave links: a C library from Debian's sources, and the core"
	@echo "make demo        boot a VM and show its connections and processes from outside"
	@echo "make check       build with gcc, clang and sanitizers, run the tests (under 30 minutes)"
	@echo "make check-long  the whole matrix of kernels and machines, stress and all compilers"
	@echo "make bench       measure; prints figures, writes them and plots into $(BUILD)/bench"
	@echo "                 BENCH=--write-docs: and into docs/, in place of those that are there"
	@echo "make trusted-code count the code that is trusted in an enclave, by part"
	@echo "make fuzz        run each fuzz target for a while (FUZZ_SECONDS=60)"
	@echo "make install     install under PREFIX=$(PREFIX)"
	@echo "make format      clang-format what differs from the last commit"
	@echo "make clean       remove the build folders"
	@echo "Every target first installs the Debian packages that it misses."

deps:
	@scripts/install-deps build

$(BUILD)/build.ninja: | deps
	CC=gcc meson setup --prefix=$(PREFIX) $(BUILD)

build: $(BUILD)/build.ninja
	ninja -C $(BUILD)

enclave: $(BUILD)/build.ninja
	@scripts/install-deps enclave
	ninja -C $(BUILD) enclave

demo:
	@scripts/install-deps build guest demo enclave
	@$(MAKE) --no-print-directory build enclave
	@scripts/demo $(BUILD)

check:
	@scripts/install-deps build guest demo check enclave
	@scripts/check

check-long:
	@scripts/install-deps build guest demo check enclave
	@scripts/check --long

bench:
	@scripts/install-deps build guest demo bench enclave
	@$(MAKE) --no-print-directory build enclave
	@bench/run $(BUILD) $(BENCH)

trusted-code:
	@scripts/install-deps build enclave trusted-code
	@$(MAKE) --no-print-directory build enclave
	@scripts/trusted-code $(BUILD)

fuzz:
	@scripts/install-deps build
	@scripts/fuzz $(or $(FUZZ_SECONDS),60)

# A prefix that is given counts also when the build folder was set up with another one.
install: $(BUILD)/build.ninja
ifneq ($(origin PREFIX),file)
	meson configure $(BUILD) -Dprefix=$(PREFIX)
endif
	ninja -C $(BUILD)
	meson install -C $(BUILD) --no-rebuild

format:
	@scripts/install-deps format
	git clang-format --extensions c,h,cpp

clean:
	rm -rf build build-*
