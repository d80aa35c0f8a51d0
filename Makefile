# `make` lists what it can do.

SETUP := tests/setup
PART := $(SETUP)/part

.PHONY: help demo test check bench fuzz
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo: ## the shop behind Banyan, with buyers; until Ctrl-C, or for DURATION=60 seconds
	@$(SETUP)/install demo
	@$(PART) build cargo build --locked -p tests --bin demo -p proxy --bin banyan
	@exec cargo run --quiet --locked -p tests --bin demo -- $(if $(DURATION),--duration $(DURATION))

test: check ## everything that must hold, by itself on a fresh machine
	@$(SETUP)/test

check: ## format, lints, docs, dependencies
	@$(SETUP)/install test
	@$(PART) fmt cargo fmt --all --check
	@$(PART) clippy cargo clippy --workspace --all-targets --locked -- -D warnings
	@$(PART) doc env RUSTDOCFLAGS='-D warnings' \
		cargo doc --workspace --no-deps --document-private-items --locked
	@$(PART) audit $(SETUP)/audit

bench: ## what Banyan and shadow cost beside other proxies, Rails and diffs; 6 minutes; FULL=1: every load, 40 minutes; ALL=1: Pingora too
	@$(SETUP)/install demo
	@$(SETUP)/install $(if $(ALL),bench-all,bench)
	@$(PART) build cargo build --release --locked -p proxy -p comparing
	@exec tests/bench/run $(if $(FULL),--full) $(if $(ALL),--all)

fuzz: ## every parser of outside bytes, for SECONDS=60 each
	@exec tests/fuzz/run $(or $(SECONDS),60)
