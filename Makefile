# The front door: `make help` lists what there is. CMake builds the C++ core, Go the plugin; what is missing
# on a Debian machine is installed by scripts/need (NO_INSTALL=1: only named).

.DEFAULT_GOAL := help
.PHONY: help build core run test test-quick test-all release host installed extproc proofs asan tsan fuzz lint format doc abi-accept bench bench-s3 bench-s3-clients install clean

JOBS := $(shell nproc)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30

export CGO_ENABLED := 1
# Stamping the commit into Go binaries needs a git that trusts the folder; nothing here reads the stamp.
export GOFLAGS := $(filter-out -buildvcs%,$(GOFLAGS)) -buildvcs=false
ifneq ($(shell command -v ccache),)
export CMAKE_C_COMPILER_LAUNCHER := ccache
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
endif
export UBSAN_OPTIONS := print_stacktrace=1
export TSAN_OPTIONS := halt_on_error=1 second_deadlock_stack=1

S3_CLIENTS := tests/bench/s3/clients
SUITES = MAKE="$(MAKE)" scripts/suites

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
	  printf '  make %-12s %s\n' "$$name" "$$what"; done
	@echo "Missing Debian packages are installed first; with NO_INSTALL=1 they are only named."

build: core build/plugin-scabbard.so build/plugin-fsstore.so ## Build the executable, libscabbard.so and both plugins into build/

core:
	@scripts/need build
	@[ -f build/release/build.ninja ] || { echo "== Configuring the core"; \
	  cmake --preset release -DSCABBARD_TESTS=OFF >/dev/null; }
	@echo "== Building the core"
	@cmake --build --preset release --target scabbard_executable scabbard_shared scabbard_static scabbard_plugin_archive scabbard_manual

# Plugin and manager need the same Go and flags, so a change of either builds the plugin anew.
build/libscabbard_plugin.a: core
	@:
build/go-version: core
	@{ go version; go env GOFLAGS GOAMD64 GOEXPERIMENT; } | cmp -s - $@ || { go version; go env GOFLAGS GOAMD64 GOEXPERIMENT; } >$@
PLUGIN_SOURCES := build/libscabbard_plugin.a build/go-version go.mod include/scabbard/scabbard.h \
  $(wildcard shim/*.go plugin/build/*.go)
build/plugin-scabbard.so: $(PLUGIN_SOURCES) $(wildcard plugin/*.go plugin/*.toml)
	$(call go_plugin,plugin)
build/plugin-fsstore.so: $(PLUGIN_SOURCES) $(wildcard plugin/fsstore/*.go plugin/fsstore/*.toml)
	$(call go_plugin,plugin/fsstore)

run: build ## Store a sector and read it back through the plugin, in damocles' own plugin loader
	@echo "== Running the example manager"
	@go build -o build/manager-host ./examples/manager-host
	@build/manager-host -plugins build/plugins

test: ## Everything that CI runs: all suites, sanitizers, lint, a few seconds of fuzzing
	@scripts/need build test lint doc rust nginx
	+@FUZZ_SECONDS=5 $(SUITES) release host installed extproc proofs asan tsan lint fuzz

test-quick: ## Units and conformance only, in seconds once built
	@scripts/need build test
	@scripts/servers
	$(call configure,release,-DSCABBARD_TESTS=ON)
	@echo "== Building the quick tests"
	@cmake --build --preset release --target unit_tests conformance_tests
	@ctest --preset release -R '^(unit|conformance)$$'

test-all: ## What CI runs and the same on Ceph, a quarter of an hour of fuzzing, and the benchmark
	@scripts/need build test lint doc ceph rust nginx
	+@FUZZ_SECONDS=120 SCABBARD_LONG_TESTS=1 $(SUITES) release host installed extproc proofs asan tsan lint fuzz bench

release: ## The C++ suites in release (unit, conformance, fault, cli, capi, architecture)
	@scripts/need build test
	@scripts/servers
	$(call configure,release,-DSCABBARD_TESTS=ON)
	@echo "== Building the core and its tests"
	@cmake --build --preset release
	@ctest --preset release -j $(JOBS)

host: build ## The Go suites: the plugin in damocles' loader, built by this Go and by the manager's
	@scripts/servers
	@go test -count=1 -timeout 40m ./...

installed: build ## Build the examples with what is installed, by CMake and by pkg-config, and run them
	@scripts/need build test
	@tests/installed/run.sh build/release

extproc: build ## The suites with damocles' own parent, vc-processors: the line protocol, sectors from worker to manager
	@scripts/need build test rust
	@scripts/servers
	$(call configure,release,-DSCABBARD_TESTS=ON)
	@echo "== Building the programs that it talks to"
	@cmake --build --preset release --target echo_processor
	@SCABBARD_ECHO_PROCESSOR="$(CURDIR)/build/release/tests/extproc/echo_processor" \
	  cargo test --quiet --locked --manifest-path tests/extproc/Cargo.toml --target-dir build/extproc
	@SCABBARD_WORKER="$(CURDIR)/build/extproc/debug/worker" go test -count=1 -timeout 45m -run '^TestWorker' ./tests/host

proofs: build ## The provers with the real filecoin-proofs, which is built first
	@scripts/need build test rust nginx
	@scripts/servers
	@echo "== Building filecoin-proofs"
	@cargo test --quiet --release --locked --manifest-path tests/oracle/Cargo.toml --target-dir build/oracle
	@cargo build --quiet --release --locked --manifest-path tests/oracle/Cargo.toml --target-dir build/oracle
	@cargo build --quiet --locked --manifest-path tests/extproc/Cargo.toml --target-dir build/extproc
	@SCABBARD_WORKER="$(CURDIR)/build/extproc/debug/worker" SCABBARD_ORACLE="$(CURDIR)/build/oracle/release" \
	  go test -count=1 -timeout 45m -run '^TestProofs' ./tests/host

asan: ## Units, conformance, fault, cli and capi under the address and undefined-behaviour sanitizers
	$(call sanitized,asan,unit conformance fault cli capi)

tsan: ## Units, conformance and capi under the thread sanitizer
	$(call sanitized,tsan,unit conformance capi)

fuzz: ## Run every fuzz target for FUZZ_SECONDS (30) each
	@scripts/need build test lint
	$(call configure,asan)
	@echo "== Building the fuzz targets"
	@cmake --build --preset asan --target fuzz_targets
	@scripts/fuzz build/asan $(FUZZ_SECONDS)

lint: build ## clang-format, clang-tidy, gofmt, go vet; that all of include/ is documented
	@scripts/need build test lint doc
	$(call configure,asan)
	@scripts/lint build/asan

format: ## Let clang-format and gofmt rewrite the sources
	@scripts/need lint
	@scripts/lint --fix

doc: ## Make the pages of include/ in build/doc/html
	@scripts/need doc
	@mkdir -p build/doc
	@doxygen docs/Doxyfile
	@echo "build/doc/html/index.html is the first page"

abi-accept: ## Make the C interface as it is now the one that tests compare with
	@scripts/need build test
	@sh tests/capi/abi.sh accept $(CC) include/scabbard/scabbard.h tests/capi/abi.xml

bench: build ## Measure plugin and executable against plain file tools, as JSON lines; BENCH_FLAGS=-help tells more
	@scripts/need bench
	@go build -o build/bench ./tests/bench
	@build/bench -plugin build/plugin-scabbard.so -executable build/scabbard $(BENCH_FLAGS)
	+@$(MAKE) bench-s3

bench-s3: bench-s3-clients ## Measure S3 against minio-go, aws-c-s3, object_store, OpenDAL, Arrow and bare libcurl; BENCH_S3_FLAGS=-help tells more
	@go build -o build/bench-s3/ ./tests/bench/s3
	@build/bench-s3/s3 $(BENCH_S3_FLAGS)

# Ours, and the peers: minio-go from a module of its own, the others from PyPI.
bench-s3-clients: build/bench-s3/venv/fetched
	@scripts/need build test nginx
	@scripts/servers
	$(call configure,release,-DSCABBARD_TESTS=ON)
	@echo "== Building the benchmark's clients"
	@cmake --build --preset release --target s3_bench_scabbard s3_bench_bare scripted_server
	@cp build/release/$(S3_CLIENTS)/s3_bench_* build/release/tests/scripted_server build/bench-s3/
	@cp $(S3_CLIENTS)/python.py tests/bench/s3/nginx.conf build/bench-s3/
	@cd $(S3_CLIENTS)/minio && go build -o $(CURDIR)/build/bench-s3/minio_client .

build/bench-s3/venv/fetched: $(S3_CLIENTS)/requirements.txt
	@scripts/need bench
	@echo "== Fetching the benchmark's peers"
	@/usr/bin/python3 -m venv build/bench-s3/venv
	@build/bench-s3/venv/bin/pip install --quiet --requirement $<
	@touch $@

install: ## Install executable, library and plugins below PREFIX (/usr/local); honours DESTDIR
	@[ -d build/release ] || { echo "Nothing to install yet: run 'make build' first" >&2; exit 1; }
	@cmake --install build/release --prefix "$(PREFIX)"

clean: ## Remove everything that was built
	rm -rf build plugin/build_id.go plugin/fsstore/build_id.go

# $(call go_plugin,folder of its sources)
define go_plugin
	@echo "== Building $(@F) with $$(go env GOVERSION)"
	@go run ./plugin/build --src-dir=$(1) --out-dir=build
	@touch $@
	@mkdir -p build/plugins && ln -sf ../$(@F) build/plugins/
endef

# $(call configure,preset,arguments)
define configure
	@echo "== Configuring $(1)"
	@cmake --preset $(1) $(2) >/dev/null
endef

# $(call sanitized,preset,suites). Without what takes minutes and says nothing more of memory: crashes and kills at every
# step, and the largest of the failing operations a second time.
LEFT_OUT := Posix/Crash.*:CrashOfCopies.*:KillLoop.*:Posix/FailingCalls.*/copy_many_guarded
space := $(subst ,, )
define sanitized
	@scripts/need build test lint
	@scripts/servers
	$(call configure,$(1))
	@echo "== Building $(2) for $(1)"
	@cmake --build --preset $(1) --target $(addsuffix _tests,$(2))
	@GTEST_FILTER='-$(LEFT_OUT)' ctest --preset $(1) -j $(JOBS) -R '^($(subst $(space),|,$(2)))$$'
endef
