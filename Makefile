.DEFAULT_GOAL := help
.PHONY: help run build test lint vuln fmt generate conformance examples bench chaos fuzz ci

GOLANGCI := 2.15.0

# The installed golangci-lint when it has the pinned version, else one built on the spot.
golangci = $(shell \
	for p in "$$(command -v golangci-lint)" "$$(go env GOPATH)/bin/golangci-lint"; do \
		if [ -x "$$p" ] && "$$p" version 2>/dev/null | grep -qE 'version v?$(GOLANGCI) '; then echo "$$p"; exit; fi; \
	done; \
	echo go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI))

# The race detector needs a C compiler; a machine without one still tests.
RACE := $(shell command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)

help: ## list the targets
	@grep -hE '^[a-z]+:.* ## ' $(MAKEFILE_LIST) | awk -F ':.* ## ' '{printf "make %-11s %s\n", $$1, $$2}'

run: ## run the quickstart example
	go run ./examples/quickstart

build: ## compile everything
	go build ./...
	cd bench && go vet -mod=mod ./...

test: ## test against real servers where this machine has them, else embedded ones
	@$(if $(RACE),:,echo "no C compiler: testing without the race detector" >&2)
	cd codec/hamba && go test -mod=mod $(RACE) ./...
	cd bench && go test -mod=mod ./...
	go run ./internal/testservers/cmd/testenv -- go test $(RACE) -timeout 20m ./...

lint: ## check style and the import map
	$(golangci) run ./...

vuln: ## look for known vulnerabilities, where the database of govulncheck can be reached
	@.ci/vuln

fmt: ## format the code
	$(golangci) fmt ./...

generate: ## write generated files again
	go generate ./...

conformance: ## run the suites of all backends on real servers and write docs/reference/conformance.md from what they say
	go run ./internal/conformance/cmd/conformance docs/reference/conformance.json
	go generate ./router/broker/brokertest

examples: ## check and test the examples
	go vet ./examples/...
	go test ./examples/...

bench: ## compare with the bare clients and stock Watermill, BENCH=-quick for a first impression
	cd bench && go run -mod=mod . $(BENCH)

TIME ?= 60s
TARGET ?= .
PACKAGE ?= ./...

fuzz: ## fuzz what parses bytes, each target for TIME: TARGET=Key PACKAGE=./codec/avro
	@.ci/fuzz $(TIME) '$(TARGET)' $(PACKAGE)

MESSAGES ?= 1000000
SEED ?= 1
BROKER ?= kafka,redis
FAULTS ?=
MEMBERSHIP ?=

chaos: ## break servers and members under load and check the promises: MESSAGES, SEED, BROKER, FAULTS, MEMBERSHIP
	go build -o bin/chaos ./internal/chaos/cmd/chaos
	bin/chaos run -messages $(MESSAGES) -seed $(SEED) -broker "$(BROKER)" -faults "$(FAULTS)" -membership "$(MEMBERSHIP)"

ci: ## what CI runs: real servers are required
	.ci/run
