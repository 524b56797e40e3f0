# Everything a newcomer runs. Each target installs what it needs.

SHELL := /bin/bash -euo pipefail
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
WASM := wasm32-wasip2
EXAMPLES := echo greeter mailer orders prices wasi-http
SCHEMATHESIS := $(abspath $(TARGET))/schemathesis
SOAP_CLIENTS := $(abspath $(TARGET))/soap-clients
AMQP_CLIENTS := $(abspath $(TARGET))/amqp-clients
# Debian's, each with a file by which it is known to be there.
JAVA_PACKAGES := default-jdk-headless jaxws libaxis-java libgoogle-gson-java
JAVA_FILES := /usr/bin/javac /usr/bin/wsimport /usr/share/java/axis.jar /usr/share/java/gson.jar
RABBITMQ := /usr/lib/rabbitmq/bin/rabbitmq-server
CLIENT_LIBRARIES := /usr/include/postgresql/libpq-fe.h /usr/include/mariadb/mysql.h
DATABASES := /usr/share/postgresql-common/pg_wrapper /usr/sbin/mariadbd
BALANCER_FILES := /usr/sbin/haproxy /usr/sbin/keepalived /usr/sbin/ip /usr/bin/openssl /usr/bin/git
TEST_PLUGINS := faulty hostile hostile-http keeper reacher shapes versioned
# Installs Debian packages. A package starts its service unless a policy says otherwise, so one is put in place where there
# is none: tests start servers of their own, and the machine's is neither started nor stopped.
debian = $(if $(filter 0,$(shell id -u)),,sudo )sh -c 'policy=/usr/sbin/policy-rc.d; \
  if [ ! -e $$policy ]; then printf "\#!/bin/sh\nexit 101\n" >$$policy; chmod +x $$policy; trap "rm -f $$policy" EXIT; fi; \
  apt-get update -qq && apt-get install -qq -y --no-install-recommends $(1)'
# Services in other languages: where each stands, by the tools that build them.
PYTHON_TOOLS := $(abspath $(TARGET))/languages/python
JAVASCRIPT_TOOLS := $(abspath $(TARGET))/languages/javascript
PYTHON_SERVICES := bin/language-services/currency.wasm bin/test-services/python-imports.wasm
JAVASCRIPT_SERVICES := bin/language-services/addresses.wasm bin/test-services/javascript-imports.wasm

.PHONY: build run check test test-long bench bench-outgoing cluster haproxy advisories toolchain services test-services language-services language-tests run-languages test-binary nextest schemathesis soap-clients amqp-clients rabbitmq libfaketime libpq databases deny clean

build: toolchain services ## ./bin/busbar and ./bin/services/*.wasm
	$(CARGO) build --locked --release -p busbar
	install -D $(TARGET)/release/busbar bin/busbar

run: build ## Busbar on this machine, with the example services; with AMQP=URL orders come in by a RabbitMQ too
	./bin/busbar quickstart --services bin/services $(if $(AMQP),--amqp $(AMQP))

run-languages: build language-services ## the same, with the examples in Python and JavaScript
	mkdir -p bin/all-services
	cp bin/services/*.wasm bin/language-services/*.wasm bin/all-services/
	./bin/busbar quickstart --services bin/all-services

check: toolchain deny libpq ## format, lints, documentation, structure, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --all-features --quiet
	$(CARGO) test --locked -q -p busbar-tests --test tidy
	cargo-deny --all-features check --hide-inclusion-graph licenses bans sources

test: check test-binary test-services services language-services language-tests nextest schemathesis soap-clients amqp-clients rabbitmq libfaketime databases haproxy ## check, then unit and end-to-end tests
	BUSBAR_BIN="$(abspath $(TARGET))/debug/busbar" BUSBAR_SCHEMATHESIS="$(SCHEMATHESIS)/bin/schemathesis" \
	  BUSBAR_SOAP_CLIENTS="$(SOAP_CLIENTS)" BUSBAR_AMQP_CLIENTS="$(AMQP_CLIENTS)" \
	  cargo-nextest nextest run --locked --workspace --all-features --no-fail-fast

test-long: services bin/cluster/busbar test-services nextest schemathesis ## kill loops, many seeds; takes about three quarters of an hour
	BUSBAR_BIN="$(CURDIR)/bin/cluster/busbar" BUSBAR_SCHEMATHESIS="$(SCHEMATHESIS)/bin/schemathesis" \
	  cargo-nextest nextest run --locked --workspace --all-features --profile long --run-ignored only --no-fail-fast -E 'not test(cost::)'

bench: build test-services bin/cluster/busbar ## figures beside a bare hyper server in the same run
	$(CARGO) build --locked --release -p busbar-tests --bin bench
	BUSBAR_BIN="$(CURDIR)/bin/busbar" BUSBAR_CLUSTER_BIN="$(CURDIR)/bin/cluster/busbar" $(TARGET)/release/bench $(ARGS)
	$(if $(ARGS),,$(MAKE) bench-outgoing)

bench-outgoing: databases ## what calls of systems of others cost beside bare clients, HTTP and SQL
	$(CARGO) test --locked --release -p busbar-egress --test egress cost -- --ignored --nocapture
	$(CARGO) test --locked --release -p busbar-sql --test sql cost -- --ignored --nocapture --test-threads=1

# With all databases.
bin/cluster/busbar: rabbitmq databases haproxy libpq FORCE
	$(CARGO) build --locked --release -p busbar --features postgres,mysql
	install -D $(TARGET)/release/busbar $@

.PHONY: FORCE
FORCE:

cluster: services bin/cluster/busbar ## a whole cluster on this machine until Ctrl-C: two servers, PostgreSQL, RabbitMQ, HAProxy; ARGS='--servers 3 --database mariadb'
	$(CARGO) build --locked -p busbar-tests --bin cluster
	BUSBAR_BIN="$(CURDIR)/bin/cluster/busbar" $(TARGET)/debug/cluster $(ARGS)

advisories: deny ## known vulnerabilities of dependencies; needs the advisory database from the network
	cargo-deny --all-features check advisories

# rust-toolchain.toml alone does not add the target to a toolchain that is installed already.
toolchain:
	@rustup target list --installed | grep -qx $(WASM) || rustup target add $(WASM)

services: toolchain
	$(CARGO) build --locked --profile guest --target $(WASM) $(EXAMPLES:%=-p %)
	@for name in $(EXAMPLES); do install -D -m 644 "$(TARGET)/$(WASM)/guest/$${name//-/_}.wasm" "bin/services/$$name.wasm"; done

test-services: toolchain
	$(CARGO) build --locked --profile guest --target $(WASM) $(TEST_PLUGINS:%=-p %)
	@for name in $(TEST_PLUGINS); do install -D -m 644 "$(TARGET)/$(WASM)/guest/$${name//-/_}.wasm" "bin/test-services/$$name.wasm"; done

# The examples in Python and JavaScript, and what tests of these languages call. Needs python3 (3.11 or newer), and Node (20
# or newer) with npm; `make build` and `make run` do not. Built again only when their sources, SDK, contract or tools change.
language-services: $(PYTHON_SERVICES) $(JAVASCRIPT_SERVICES)

$(PYTHON_TOOLS)/installed: plugins/sdk-python/requirements.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(JAVASCRIPT_TOOLS)/installed: plugins/sdk-javascript/package.json plugins/sdk-javascript/package-lock.json
	rm -rf $(@D)
	mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --no-audit --no-fund --silent
	touch $@

bin/language-services/%.wasm: PLUGIN = plugins/$(basename $(notdir $@))
bin/test-services/%.wasm: PLUGIN = tests/plugins/$(basename $(notdir $@))

bin/language-services/currency.wasm: plugins/currency/service.py
bin/test-services/python-imports.wasm: tests/plugins/python-imports/service.py
$(PYTHON_SERVICES): $(PYTHON_TOOLS)/installed $(wildcard plugins/sdk-python/busbar_sdk/*.py plugins/wit/*.wit)
	mkdir -p $(@D)
	VIRTUAL_ENV=$(PYTHON_TOOLS) $(PYTHON_TOOLS)/bin/componentize-py --quiet --wit-path plugins/wit --world plugin \
	  componentize busbar_sdk.entry --python-path $(PLUGIN) --python-path plugins/sdk-python --output $@.part
	mv $@.part $@

bin/language-services/addresses.wasm: $(wildcard plugins/addresses/*.js*)
bin/test-services/javascript-imports.wasm: $(wildcard tests/plugins/javascript-imports/*.js*)
$(JAVASCRIPT_SERVICES): $(JAVASCRIPT_TOOLS)/installed plugins/sdk-javascript/build.mjs $(wildcard plugins/sdk-javascript/busbar-sdk/*.js plugins/wit/*.wit)
	mkdir -p $(@D)
	cp plugins/sdk-javascript/build.mjs $(JAVASCRIPT_TOOLS)
	node $(JAVASCRIPT_TOOLS)/build.mjs $(PLUGIN) $@.part
	mv $@.part $@

# Unit tests of the SDKs and of the examples, without a bus.
language-tests:
	cd plugins/sdk-python && PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover --start-directory tests
	cd plugins/currency && PYTHONPATH=../sdk-python PYTHONDONTWRITEBYTECODE=1 python3 -m unittest
	cd plugins/sdk-javascript && npm test --silent
	cd plugins/addresses && node --import ../sdk-javascript/busbar-sdk/testing/register.js --test

# With the features of the whole workspace, so that the tests build nothing of it a second time.
test-binary: toolchain libpq
	$(CARGO) build --locked --workspace --all-features

nextest:
	@command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest

# Tests the admin API by its description; in an environment of its own, which needs python3 only.
schemathesis: $(SCHEMATHESIS)/installed

$(SCHEMATHESIS)/installed: tests/schemathesis/requirements.txt
	rm -rf $(SCHEMATHESIS)
	python3 -m venv $(SCHEMATHESIS)
	$(SCHEMATHESIS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# Stock SOAP clients (tests/soap), in an environment of their own. Needs python3 and Node with npm; the Java ones are
# Debian's packages, which are installed by root or through sudo where they are missing.
soap-clients: $(SOAP_CLIENTS)/python/installed $(SOAP_CLIENTS)/node/installed $(JAVA_FILES)

$(SOAP_CLIENTS)/python/installed: tests/soap/python/requirements.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(SOAP_CLIENTS)/node/installed: tests/soap/node/package.json
	rm -rf $(@D)
	install -D -m 644 $< $(@D)/package.json
	npm install --prefix $(@D) --no-package-lock --no-audit --no-fund --silent
	touch $@

# A stock AMQP client (tests/amqp), in an environment of its own.
amqp-clients: $(AMQP_CLIENTS)/installed

$(AMQP_CLIENTS)/installed: tests/amqp/requirements.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(JAVA_FILES) &:
	$(call debian,$(JAVA_PACKAGES))

rabbitmq: $(RABBITMQ)

$(RABBITMQ):
	$(call debian,rabbitmq-server)

# The client libraries of the databases beside SQLite, for builds with all features; `make build` needs none.
libpq: $(CLIENT_LIBRARIES)

$(CLIENT_LIBRARIES) &:
	$(call debian,libpq-dev libmariadb-dev)

# Debian's, for tests that start servers of their own, as with rabbitmq.
databases: libpq $(DATABASES)

$(DATABASES) &:
	$(call debian,postgresql mariadb-server)

# Debian's, for tests that run balancers and give two of them one address in namespaces that `ip` makes, look at certificates
# with openssl and at histories with git.
haproxy: $(BALANCER_FILES)

$(BALANCER_FILES) &:
	$(call debian,haproxy keepalived iproute2 openssl git)

libfaketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { $(call debian,libfaketime); }

deny:
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny

clean:
	$(CARGO) clean
	rm -rf bin .busbar
