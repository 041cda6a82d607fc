# Daily steps. `just` lists them; CONTRIBUTING.md has the plain commands for each.

# List the steps
default:
    @just --list

# Format and lints, as the gate checks them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# End-to-end tests, all or by module: just test races:: people::
test *FILTERS:
    cargo test -p cotejo-tests --test e2e -- {{FILTERS}}

# Unit tests of the shared crate, all or by name: just unit callback
unit *FILTERS:
    cargo test -p cotejo --lib -- {{FILTERS}}

# Run the local system: just run --fresh --log
run *OPTIONS:
    cargo local {{OPTIONS}}

# Play the demo
demo *OPTIONS:
    cargo local demo {{OPTIONS}}

# Operate the local system: just admin status
admin *COMMAND:
    cargo admin --local {{COMMAND}}

# Renew snapshots; look at `git diff` before you commit: just snapshots outcomes::
snapshots *FILTERS:
    INSTA_UPDATE=always cargo test -p cotejo-tests --test e2e -- {{FILTERS}}

# Check the documents against the code
docs:
    python3 .ci/check_docs.py
    python3 .ci/check_coverage.py

# Everything that must pass before a change is merged
gate:
    .ci/run
