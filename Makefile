# SPDX-License-Identifier: Apache-2.0

GO ?= go
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w'
# What judges the tests, and adds up what they tried (tools/ran).
RAN = $(CURDIR)/bin/ran -tried $(CURDIR)/bin/tried.json
# Without cgo, as Tekton's and Kubernetes' programs are built: what is compiled once serves all.
TEKTON = CGO_ENABLED=0 $(GO) test
FUZZTIME = 1m
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck -checks all,-ST1000

.PHONY: help
help: ## say what there is to make
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: build ## a CI job logs in, pushes and logs out, on the sandbox; needs Go alone
	@bin/quay-sandbox demo bin/quay-keyless

.PHONY: build
build: ## the program and the sandbox, in bin/
	@$(BUILD) -o bin/ ./cmd/...

.PHONY: test
test: packages lint ran ## install what is missing, lint, and run the tests
	$(GO) test -race -shuffle=on -timeout 40m -json ./... | $(RAN)
	cd e2e/tekton && $(TEKTON) -count=1 -json ./manifest | $(RAN)
	cd e2e/tekton && $(TEKTON) -count=1 -json -modfile=oldest.mod ./manifest | $(RAN)

.PHONY: packages
packages:
	@tools/install.sh gcc /usr/include/stdlib.h:libc6-dev podman buildah skopeo setpriv:util-linux git

.PHONY: ran
ran:
	@cd tools && $(GO) build -o ../bin/ran ./ran

.PHONY: modules
modules:
	@tools/again.sh $(GO) mod download
	@for module in tools e2e e2e/tools e2e/tekton; do (cd $$module && $(CURDIR)/tools/again.sh $(GO) mod download) || exit; done
	@cd e2e/tekton && $(CURDIR)/tools/again.sh $(GO) mod download -modfile=oldest.mod

.PHONY: lint
lint: modules ## gofmt, vet and staticcheck
	$(GO) mod tidy -diff
	cd e2e && $(GO) mod tidy -diff
	cd e2e/tools && $(GO) mod tidy -diff
	cd e2e/tekton && $(GO) mod tidy -diff
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./cmd/quay-keyless
	GOOS=darwin $(GO) vet ./cmd/quay-keyless
	$(STATICCHECK) ./...
	cd e2e && $(GO) vet ./... && $(GO) tool -modfile=../tools/go.mod staticcheck -checks all,-ST1000 ./...
	cd e2e/tools && $(GO) vet ./... && $(GO) tool -modfile=../../tools/go.mod staticcheck -checks all,-ST1000 ./...
	cd e2e/tekton && CGO_ENABLED=0 $(GO) vet ./manifest

.PHONY: e2e
e2e: ran ## the slow tests, with real third parties
	@tools/install.sh curl podman buildah skopeo runc npm git shellcheck strace setpriv:util-linux groff:groff-base zsh fish \
		/usr/share/bash-completion/bash_completion:bash-completion
	@e2e/setup.sh
	@e2e/keycloak/setup.sh >/dev/null
	cd e2e && $(GO) test -count=1 -timeout 30m -json ./... | $(RAN)
	cd e2e/tools && $(GO) test -count=1 -json ./... | $(RAN)
	@tools/install.sh etcd:etcd-server kubectl:kubernetes-client
	e2e/tekton/programs/build.sh
	cd e2e/tekton && CGO_ENABLED=0 $(GO) vet ./...
	cd e2e/tekton && $(TEKTON) -count=1 -timeout 30m -json . | $(RAN)
	$(GO) test -count=1 -json -run '^TestKill$$' ./internal/authfile -kills 200 | $(RAN)
	$(GO) test -count=1 -json -run '^TestLoad$$' ./cmd/quay-keyless -jobs 500 | $(RAN)
	@$(MAKE) fuzz FUZZTIME=10s
	@bin/ran -table bin/tried.json

.PHONY: fuzz
fuzz: ## each fuzz target for a minute: FUZZTIME=10s for less
	(cd tools && $(GO) build -o ../bin/fuzz ./fuzz) && bin/fuzz -time $(FUZZTIME) -tried bin/tried.json

.PHONY: cover
cover: packages ## how much of each internal package the tests run, scripts included; what they do not is in bin/cover.txt
	@rm -rf bin/cover && mkdir -p -m 777 bin/cover
	$(GO) test -count=1 -cover -coverpkg=./internal/... -exec 'env GOCOVERDIR=$(CURDIR)/bin/cover' ./... -args -test.gocoverdir=$(CURDIR)/bin/cover >/dev/null
	@$(GO) tool covdata textfmt -i=bin/cover -o bin/cover.out && $(GO) tool cover -func=bin/cover.out >bin/cover.txt
	$(GO) tool covdata percent -i=bin/cover

.PHONY: bench
bench: build ## a login against the least that it could cost, and against the shell recipe
	@tools/install.sh curl jq podman npm ip:iproute2
	@e2e/setup.sh node
	$(GO) run ./internal/bench
	$(GO) run ./internal/release size

.PHONY: release
release: ## what a release publishes, in dist/: make release VERSION=v1.2.3
	$(GO) run ./internal/release build $(VERSION) dist
