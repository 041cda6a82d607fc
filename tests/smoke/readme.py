"""Smoke test: do the commands of README.md work as they are printed?

Runs the blocks of README.md one after another in one bash, in a folder of its own that looks like a clone. Replacements on PATH make that
fast and repeatable: `cargo local`, `cargo admin` and the functions are the binaries of a
debug build, the sandbox's people are faster, and `sleep` is shorter. Every answer must be a success, and everything that the page promises must
be there at the end. Needs the ports that the page names, bash, curl, Python's standard library and cargo-lambda.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from run import ROOT, Failed, check, find_cargo_lambda, say, target_directory

# Sections whose blocks are not run here: all tests, a deployment.
LEFT_OUT = ["Cotejo", "Deploy"]
PORTS = [9000, 9080, 9100]
WHOLE_RUN_SECONDS = 240
FASTER = 20

CARGO = """#!/usr/bin/env bash
case "$1" in
    local) shift; exec "{binaries}/cotejo-local" --speed {faster} "$@" ;;
    admin) shift; exec "{binaries}/cotejo-admin" "$@" ;;
    lambda) exec "{cargo_lambda}" "$@" ;;
    run) # the emulator builds and starts a function
        while [ $# -gt 0 ]; do [ "$1" = --bin ] && exec "{binaries}/$2"; shift; done ;;
esac
exec "{cargo}" "$@"
"""
SLEEP = """#!/usr/bin/env bash
exec {sleep} "$(awk "BEGIN {{ print $1 / 10 }}")"
"""


def blocks():
    """The shell blocks of README.md, each with its section."""
    section, found = "Cotejo", []
    for part in re.split(r"^(?=#+ )", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M):
        heading = re.match(r"#+ (.+)", part)
        section = heading.group(1) if heading else section
        found += [(section, block) for block in re.findall(r"^```sh\n(.*?)^```$", part, re.M | re.S)]
    return [(section, block) for section, block in found if section not in LEFT_OUT]


def script(numbered):
    lines = []
    for number, (section, block) in numbered:
        lines.append(f"echo '@@ {number} {section}'\n{block}\necho")
    return "\n".join(lines)


def shim(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def run(folder, binaries, cargo_lambda):
    for port in PORTS:
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError as error:
                raise Failed(f"port {port}, which README.md names, is in use") from error
    place, shims = folder / "clone", folder / "shims"
    place.mkdir()
    shims.mkdir()
    for name in ["Cargo.toml", "Cargo.lock", "functions", "infra", "shared", "tests", "template.yaml", "docs"]:
        (place / name).symlink_to(ROOT / name)
    names = {"binaries": binaries, "cargo_lambda": cargo_lambda, "cargo": shutil.which("cargo"), "faster": FASTER}
    shim(shims, "cargo", CARGO.format(**names))
    shim(shims, "sleep", SLEEP.format(sleep=shutil.which("sleep")))

    # Neither a developer's settings nor a proxy may reach what is tested.
    plain = {name: os.environ[name] for name in ("HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ}
    plain |= {"PATH": f"{shims}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    numbered = list(enumerate(blocks(), 1))
    check(len(numbered) >= 10, f"only {len(numbered)} blocks were found in README.md")
    log = open(folder / "log", "wb")
    shell = subprocess.Popen(
        ["bash", "-c", script(numbered)], cwd=place, env=plain, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )
    log.close()
    try:
        until = time.monotonic() + WHOLE_RUN_SECONDS
        while shell.poll() is None:
            check(time.monotonic() < until, f"README.md's commands are not done after {WHOLE_RUN_SECONDS} seconds")
            time.sleep(0.1)
        said = (folder / "log").read_text(encoding="utf-8", errors="replace")
        look(said, place, len(numbered))
    except Failed:
        print((folder / "log").read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
        raise
    finally:
        # All its background processes are in the group of its session, or of cargo-lambda's.
        for how in [signal.SIGTERM, signal.SIGKILL]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, how)
            time.sleep(1)


def look(said, place, count):
    """Checks that the commands printed everything that the page promises."""
    parts = re.split(r"^@@ (\d+) (.+)$", said, flags=re.M)
    outputs = dict(zip(map(int, parts[1::3]), parts[3::3]))
    titles = dict(zip(map(int, parts[1::3]), parts[2::3]))
    check(len(outputs) == count, f"{len(outputs)} of {count} blocks were run")
    for number, output in outputs.items():
        what = f"block {number} ({titles[number]})"
        for bad in ['"success":false', "error:", "command not found", "No such file", "Traceback"]:
            check(bad not in output, f"{what} says {bad!r}")
    say(f"{count} blocks of README.md ran")
    promises = {
        "a verification is approved": '"status":"approved"',
        "a picture's link": '"kind":"document_front"',
        "the certificate": "\n200\n",
        "a webhook, signed": "signed by Cotejo:",
        "a person of a CURP": '"national_id":"PESJ880212HDFHLX01"',
        "a person of another country": '"national_id":"CC1001001010"',
        "a code that confirms": '"result":"Phone validated"',
        "an invoked function": '"statusCode":201',
        "the operator's overview": "overdue   ",
    }
    for what, words in promises.items():
        check(words in said, f"{what}: {words!r} was never said")
    check("NOT SIGNED" not in said, "a webhook has another signature than README.md's receiver makes")
    check((place / "certificate.pdf").read_bytes().startswith(b"%PDF"), "certificate.pdf is no PDF")
    environment = (place / ".local/env").read_text(encoding="utf-8")
    check("AWS_" not in environment, ".local/env would replace a person's AWS settings")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binaries", type=pathlib.Path, help="folder of the binaries; default: the workspace's debug build")
    arguments.add_argument("--cargo-lambda", help="default: .venv/bin/cargo-lambda, then PATH")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="cotejo-readme-", ignore_cleanup_errors=True) as folder:
        try:
            binaries = given.binaries.resolve() if given.binaries else target_directory() / "debug"
            run(pathlib.Path(folder), binaries, given.cargo_lambda or find_cargo_lambda())
        except Failed as failure:
            print(f"smoke test of README.md failed: {failure}", file=sys.stderr)
            return 1
    print("smoke test of README.md passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
