# The short way in; meson and ninja do the work. `make help` lists the targets.
BUILD ?= build

.PHONY: all help deps build check clean
all: build

help:
	@echo "make build       build everything into $(BUILD)/"
	@echo "make check       install what is missing, build with gcc, clang and sanitizers, run the tests"
	@echo "make clean       remove the build folders"

deps:
	@scripts/install-deps build

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD)

build: $(BUILD)/build.ninja
	ninja -C $(BUILD)

check: build
	meson test -C $(BUILD) --print-errorlogs

clean:
	rm -rf build build-*
