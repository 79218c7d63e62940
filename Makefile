# Medulla: neural networks in the network datapath.
# Two commands are enough: `make demo` and `make test`. Each does its own set-up.

SWIFT ?= swift
export SWIFT
BIN := bin/medulla
FUZZ_SECONDS ?= 600

# What `make kernels` gets, such as "--walk 6.12".
KERNELS ?=

# What `make demo-fabric` spreads, such as out/mini-alexnet/network.onnx; a small one when empty.
NETWORK ?=

# What `make test` gets, such as "--filter Rules", or --skip-build where they are built.
TESTS ?=

PREFIX ?= /usr/local

.PHONY: setup testbed build install uninstall demo demo-fabric fabric-model test python check format integration kernels bench fuzz docs clean

setup: ## Debian packages and the Python environment of the tests (idempotent)
	@scripts/setup.sh

testbed: ## setup, and the programs that experiments drive (nginx, wrk, curl)
	@scripts/setup.sh --testbed

build: ## the release programs in bin/: medulla, medullad (the daemon), medulla-lab (the testbed), medulla-demo
	@MEDULLA_SETUP_PYTHON=no scripts/setup.sh
	scripts/build.sh medulla medullad medulla-lab medulla-demo
	scripts/nf-library.sh bin/libmedulla_nf.so
	scripts/dpdk-engine.sh --if-present bin/libmedulla_dpdk.so
	$(BIN) nf-demultiplexer -o bin/nf_demux.bpf.o

install: ## bin/ and the systemd units to PREFIX (/usr/local); DESTDIR for packagers
	scripts/install.sh "$(PREFIX)"

uninstall: ## takes away what `make install` put there; configuration and history stay
	scripts/install.sh --remove "$(PREFIX)"

demo: ## a trained network steers the kernel's TCP on an emulated link; builds nothing that this does not use
	@MEDULLA_SETUP_PYTHON=no scripts/setup.sh
	scripts/build.sh medulla-demo
	bin/medulla-demo --out out/demo

demo-fabric: ## an image goes in, the class comes out: a network spread over XDP switches in namespaces (root)
	@MEDULLA_SETUP_PYTHON=no scripts/setup.sh
	@scripts/setup.sh --images
	scripts/build.sh medulla
	scripts/demo-fabric.sh $(NETWORK)

fabric-model: ## trains mini-AlexNet with PyTorch, for the fabric's studies: out/mini-alexnet (twenty minutes)
	@scripts/setup.sh --testbed
	scripts/fabric-model.sh out/mini-alexnet

test: setup ## everything, with the kernel tests when run as root
	scripts/test.sh $(TESTS)

python: setup ## the Python package in a fresh virtual environment
	scripts/python.sh

check: ## format and house rules, without building the product
	$(SWIFT) format lint --strict --recursive --parallel --configuration .swift-format \
	  Package.swift Sources Tests fuzz
	scripts/check.sh

format: ## rewrites the sources in the house format
	$(SWIFT) format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

integration: build ## the kernel tests and one real link, end to end
	MEDULLA_REQUIRE_KERNEL=1 scripts/test.sh --filter 'Kernel|Datapath|Runtime|Congestion|Packet|Classification|Compile|Testbed|Command'
	scripts/integration.sh $(BIN)

kernels: build ## a user's walk and the kernel tests on Debian's kernels, in QEMU (root)
	$(SWIFT) build --build-tests
	scripts/kernels.sh $(KERNELS)

bench: build ## nanoseconds an inference, in the kernel and natively
	$(BIN) compile models/aurora-medulla.onnx --calibration models/aurora-medulla-calibration.npy \
	  -o out/aurora.medulla
	$(BIN) bench inference out/aurora.medulla --json

fuzz: setup ## each parser for FUZZ_SECONDS seconds (600)
	scripts/fuzz.sh $(FUZZ_SECONDS)

docs: setup ## manual pages in out/man, the library's API in out/docs
	scripts/docs.sh

clean:
	rm -rf .build .build-fuzz bin out
