# verifyd. `make` prints the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

GO       ?= go
FUZZTIME ?= 2000x
BENCH    ?=
ZOO      ?=
HISTORIES ?= 20000
GIGABYTES ?= 100
TOOLS    := $(GO) tool -modfile=.ci/tools/go.mod

.PHONY: help build demo odds test attacks race lint generate check-generated cross qemu avx512 fusion fuzz pkcs11 crash kills metamorphic emulated models ledgers gpu-bundle mumax tables charts wheel python torch zoo notebook data bench bench-values clean

help: ## print the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the verifyd command into build/
	$(GO) build -trimpath -o build/verifyd ./cmd/verifyd

demo: build ## train, verify, forge and sign, end to end, into build/demo; and in rounds, into build/demo-rounds
	build/verifyd demo --out build/demo
	build/verifyd demo round --out build/demo-rounds

odds: build ## what strategies gain under the rules of docs/odds.md, by formula and by dice
	build/verifyd plan --pay 1 --cost 0.6 --segments 1000 --simulate
	build/verifyd plan --pay 1 --cost 1 --segments 1000 --simulate

test: ## run every test of the module
	$(GO) test ./...

attacks: ## run the tests that a section of docs/attacks.md names: SECTION="The verifier"
	@.ci/attacks "$(SECTION)"

race: ## run the tests of everything concurrent under the race detector (needs a C compiler)
	$(GO) test -race -short ./kernels ./cgo ./verify/... ./shapley ./shapley/head ./shapley/knn ./shapley/round ./proofs ./proofs/merkle ./proofs/policy ./cmd/verifyd/internal/device ./cmd/verifyd/internal/device/gpu ./cmd/verifyd/internal/keys ./cmd/verifyd/internal/pool ./cmd/verifyd/internal/translog

lint: ## gofmt, go vet and staticcheck (pinned in .ci/tools)
	@unformatted="$$(gofmt -l $$(git ls-files '*.go'))"; [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags gpu ./cgo
	$(TOOLS) staticcheck ./...

generate: ## regenerate the assembly from its generators
	$(GO) generate ./kernels/...

check-generated: generate ## fail if a generated file differs from the committed one
	git diff --exit-code -- kernels

cross: ## build with CGO_ENABLED=0 for every platform that is tested
	for target in linux/amd64 linux/arm64 linux/s390x darwin/arm64 windows/amd64; do \
	  echo "build $$target"; CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -o /dev/null ./cmd/verifyd; done

qemu: ## golden vectors and digests on emulated arm64 and s390x (needs qemu-user-static)
	kernels/optest/qemu.sh

avx512: ## golden vectors, digests and vector loops on an emulated AVX-512 processor (needs bochs, see the script)
	kernels/optest/bochs/run.sh

fusion: ## no fused multiply-add in compiled Go, on eight targets
	kernels/optest/fusion.sh

fuzz: ## run every fuzz target for FUZZTIME (default 2000x)
	.ci/fuzz $(FUZZTIME)

pkcs11: ## test keys in hardware against a software token (needs softhsm2 and a C compiler)
	$(GO) vet -tags pkcs11 ./cmd/verifyd/internal/keys
	CGO_ENABLED=1 $(GO) test -tags pkcs11 ./cmd/verifyd/internal/keys

crash: ## kill the writers of log, registry and trace at every call that changes a file
	$(GO) test -count=1 -run Promised ./cmd/verifyd/internal/translog ./cmd/verifyd/internal/registry ./cmd/verifyd -crash.every=1

kills: ## kill a training at 100 random times, and go on with it
	$(GO) test -count=1 -timeout 60m -v -run IsKilledAtAnyTime ./cmd/verifyd -kills 100

metamorphic: ## judge drawn claims in drawn ways, HISTORIES of them (default 20000), others each time
	$(GO) test -count=1 -timeout 0 ./verify/metamorphic -run 'TestHistories$$' -seed $$(date +%s)000 -histories $(HISTORIES)

emulated: ## follow the small trainings for 300 steps on the CUDA kernels under g++ (some minutes)
	$(GO) test ./verify/engine -run TheKernelsTrainAs -steps 300 -timeout 60m

models: ## train the models that verifyd.export made programs of for 300 steps on every code path, and 3 on the reference's and on the CUDA kernels under g++ (an hour)
	$(GO) test -count=1 ./verify/engine/enginetest -run TrainsTheModelsAlike -models 300 -others 300 -timeout 3h
	$(GO) test -count=1 ./verify/engine -run TheKernelsTrainLarger -models 3 -timeout 3h

ledgers: ## test the ledgers that are not Go packages of this module: Cosmos, Solana, EVM (needs node and npm)
	cd proofs/ledgers/cosmos && $(GO) test ./...
	cd proofs/ledgers/solana && npm install --no-save --no-audit --no-fund && npm test
	cd proofs/ledgers/evm && npm ci --no-audit --no-fund && npm test
	cd proofs/ledgers/evm/simulated && CGO_ENABLED=0 $(GO) vet . && CGO_ENABLED=0 $(GO) test -p 2 ./...

gpu-bundle: ## gather what tests and measures a GPU into build/gpu/ (needs a C compiler)
	bench/gpu/bundle.sh

mumax: ## vet, test and build the comparison with mumax3, a GPL module of its own (needs a C compiler)
	cd bench/mumax && ./build.sh vet && ./build.sh test && ./build.sh build ../../build/mumax

tables: build ## values of data sets of scikit-learn and statsmodels: equal among formats, and as Python enumerates them (needs Python 3.11, python3-venv)
	bench/peers/tables.sh

charts: ## render charts in a wide and a narrow font: nothing is cut, no text meets another; pictures into build/charts (needs librsvg2-bin and fonts, see .ci/run)
	rm -rf build/charts && mkdir -p build/charts
	VERIFYD_CI=1 VERIFYD_CHARTS=$(CURDIR)/build/charts $(GO) test -count=1 ./cmd/verifyd/internal/chart

wheel: ## build the Python wheels into build/python/wheels, for x86-64 and arm64 (needs Python 3.11, python3-venv)
	GO=$(GO) python/build.sh

python: ## test the Python package from its wheel in a clean environment: tests, types, examples (needs Python 3.11, python3-venv)
	GO=$(GO) python/test.sh

torch: ## test what the Python package does with PyTorch models, with PyTorch itself (needs Python 3.11, python3-venv, gcc, binutils)
	GO=$(GO) python/torch.sh

zoo: build ## export 23 models of torchvision, transformers and tutorials, and hold a step of each to PyTorch's (needs Python 3.11, python3-venv, gcc, binutils)
	bench/peers/zoo.sh $(ZOO)

notebook: ## run examples/python/values.ipynb and the Python of docs/researchers.md with the wheel (needs Python 3.11, python3-venv)
	GO=$(GO) python/notebook.sh

data: ## commit, order and fetch of data, and GIGABYTES (default 100) of tokens without holding them
	$(GO) test ./verify/data ./verify/job -run '^$$' -bench 'Commit|Fetch|Read|Open|Order'
	$(GO) test ./verify/data -run LargerThanMemory -v -count=1 -timeout 0 -data.gigabytes $(GIGABYTES)

bench: build ## time verifyd beside OpenBLAS and PyTorch, the distribution's and the current one (needs libopenblas-dev, python3-torch, python3-venv, gcc)
	bench/peers/torch.sh
	$(GO) run ./bench/cmd/bench $(BENCH)

bench-values: build ## valuations: time beside pyDVL, OpenDataVal and dattri (see bench/peers/values.sh), then accuracy
	bench/peers/values.sh
	$(GO) run ./bench/cmd/bench -only values $(BENCH)
	build/verifyd value study --markdown

clean: ## remove build/
	rm -rf build
