# SPDX-License-Identifier: Apache-2.0

GO ?= go
# .ci/run sets bin/ran here (tools/ran), which fails if a test did not run.
GOTEST ?= $(GO) test
FUZZTIME ?= 30000x
STATICCHECK = $(GO) tool -modfile=$(CURDIR)/tools/go.mod staticcheck -checks all,-ST1000
MODULES = . tools e2e e2e/tools e2e/tekton

# The released program has no cgo. Tests and tools without it share its build cache.
export CGO_ENABLED = 0

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: build ## run a CI job that logs in, pushes and logs out, on the sandbox; needs Go
	@bin/quay-sandbox demo bin/quay-keyless

.PHONY: build
build: ## build the program and the sandbox in bin/
	@$(GO) build -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

.PHONY: test
test: ## run the tests; needs Go
	$(GOTEST) ./...

.PHONY: race
race: ## run the same tests with the race detector; needs Go and a C compiler
	CGO_ENABLED=1 $(GOTEST) -race -shuffle=on -timeout 20m ./...

# In e2e/tekton staticcheck would first check all of Kubernetes.
.PHONY: lint
lint: modules ## check gofmt, vet, staticcheck and go.mod, also for macOS and Windows; needs Go
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	@set -e; for module in $(MODULES); do echo "lint $$module"; cd $(CURDIR)/$$module; \
		$(GO) mod tidy -diff; $(GO) vet -tags e2e ./...; \
		test $$module = e2e/tekton || $(STATICCHECK) -tags e2e ./...; done
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...

.PHONY: e2e
e2e: modules ## run the tests with real third parties; installs them, needs Debian and root
	@e2e/setup.sh
	$(GOTEST) -count=1 -tags e2e -run '^TestE2E' ./internal/... ./cmd/...
	$(GOTEST) -count=1 -run '^TestKill$$' ./internal/authfile -kills 200
	$(GOTEST) -count=1 -run '^TestLoad$$' ./cmd/quay-keyless -jobs 500
	cd e2e/tekton && $(GOTEST) -count=1 ./manifest
	cd e2e/tekton && $(GOTEST) -count=1 -modfile=oldest.mod ./manifest
	cd e2e/tekton && $(GOTEST) -count=1 -timeout 30m .
	cd e2e/tekton && $(GOTEST) -count=1 -timeout 20m ./node
	cd e2e/tools && $(GOTEST) -count=1 ./...
	cd e2e && $(GOTEST) -count=1 -timeout 30m ./...

.PHONY: modules
modules:
	@for module in $(MODULES); do (cd $$module && $(CURDIR)/tools/again.sh $(GO) mod download) || exit; done
	@cd e2e/tekton && $(CURDIR)/tools/again.sh $(GO) mod download -modfile=oldest.mod

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the program links; needs vuln.go.dev
	$(GO) tool -modfile=$(CURDIR)/tools/go.mod govulncheck ./...

# Random inputs make a result depend on luck, so no check of a change runs this:
# daily.yml does. go test -fuzz accepts one target at a time, and a number of
# inputs, unlike a time, cannot end in the middle of one.
.PHONY: fuzz
fuzz: ## run each fuzz target with 30,000 new inputs; FUZZTIME=10m for longer
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' cmd internal | xargs -n1 dirname | sort -u); do \
		targets=$$($(GO) test -list '^Fuzz' ./$$package); \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "fuzz ./$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./$$package; done; done

.PHONY: cover
cover: ## count the statements that make test and the e2e tests beside the packages run; needs what make e2e needs
	@rm -rf bin/cover && mkdir -p -m 777 bin/cover
	$(GO) test -tags e2e -count=1 -cover -coverpkg=./internal/... -exec 'env GOCOVERDIR=$(CURDIR)/bin/cover' ./... -args -test.gocoverdir=$(CURDIR)/bin/cover >/dev/null
	@$(GO) tool covdata textfmt -i=bin/cover -o bin/cover.out && $(GO) tool cover -func=bin/cover.out >bin/cover.txt
	$(GO) tool covdata percent -i=bin/cover

.PHONY: bench
bench: build ## measure a login against the least that it could cost and against a shell recipe
	@tools/install.sh curl jq podman npm ip:iproute2
	@e2e/setup.sh node
	$(GO) run ./internal/bench

.PHONY: site
site: ## build the site of docs/ in bin/site and check its links; needs Python 3
	@tools/site/build.sh

.PHONY: release
release: ## build a release in dist/: make release VERSION=v1.2.3; needs goreleaser
	internal/release/build.sh $(VERSION) dist
