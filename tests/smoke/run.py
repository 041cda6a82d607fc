"""Smoke test: do the binaries that get deployed start, and do they answer?

Starts the stores and the sandbox (`cotejo-local --aws-only`), cargo-lambda's emulator of Lambda, and the binaries of
create-process and query-status as a debug build leaves them; then creates one verification
and reads it back. Everything else about these functions is tested in-process; here only main(), the runtime and
the environment are new. Needs Python's standard library and cargo-lambda (in .venv/, or on PATH, or --cargo-lambda).
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FUNCTIONS = ["create-process", "query-status"]
WHOLE_RUN_SECONDS = 180
START_SECONDS = 60
# The emulator has no limit of its own: a call nobody answers hangs until the caller gives up.
CALL_SECONDS = 30
BEGAN = time.monotonic()

PROCESS = {
    "provider": "auco",
    "person": {"name": "Juan Pérez", "phone": "+573003003030", "email": "juan.perez@example.com"},
    "document": {"country": "CO", "type": "CC", "number": "1001001010"},
    "options": {"platform": "whatsapp", "email": "prueba@example.com"},
}


class Failed(Exception):
    """Something is not as it should be; the message says what."""


def say(text):
    print(f"  {time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


def check(holds, text):
    if not holds:
        raise Failed(text)


class Running:
    """Processes of this test, each with a log; all of them end with it."""

    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def start(self, name, command, environment):
        log = open(self.folder / f"{name}.log", "wb")
        # A session of its own, so that ending it reaches its children too.
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.all.append((name, process))
        return process

    def check_alive(self):
        for name, process in self.all:
            check(process.poll() is None, f"{name} ended by itself, with status {process.returncode}")

    def wait_for(self, what, happened):
        until = time.monotonic() + START_SECONDS
        while not happened():
            self.check_alive()
            check(time.monotonic() < until, f"{what}: not after {START_SECONDS} seconds")
            time.sleep(0.05)
        say(what)

    def show_logs(self):
        for name, process in self.all:
            ended = "" if process.poll() is None else f", which ended by itself with status {process.returncode}"
            lines = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
            print(f"--- the end of what {name} wrote{ended}", file=sys.stderr)
            print("\n".join(lines[-40:]), file=sys.stderr)

    def end(self):
        for how, patience in [(signal.SIGTERM, 5), (signal.SIGKILL, 5)]:
            for _, process in reversed(self.all):
                # Once a process is known to have ended, its number may be anybody's.
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, how)
            for _, process in self.all:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_listening(port):
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def read_settings(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def target_directory():
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return pathlib.Path(json.loads(found.stdout)["target_directory"])


def find_cargo_lambda():
    beside = ROOT / ".venv/bin/cargo-lambda"
    found = str(beside) if beside.exists() else shutil.which("cargo-lambda")
    check(found, "cargo-lambda is neither in .venv/bin nor on PATH; .ci/requirements.txt names its version")
    return found


def call(method, url, key=None, body=None):
    """Status and JSON of the answer, whatever the status."""
    request = urllib.request.Request(url, method=method)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(request, timeout=CALL_SECONDS) as answer:
            status, kind, text = answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as answer:
        status, kind, text = answer.code, answer.headers.get_content_type(), answer.read()
    except (TimeoutError, OSError) as error:
        raise Failed(f"{method} {url}: no answer within {CALL_SECONDS} seconds ({error})") from error
    check(kind == "application/json", f"{method} {url}: {status}, {kind} instead of JSON: {text[:300]!r}")
    return status, json.loads(text)


def expect(answer, status, what):
    check(answer[0] == status, f"{what}: status {answer[0]} instead of {status}: {json.dumps(answer[1])[:600]}")
    check(answer[1].get("success") is (status < 400), f"{what}: `success` does not go with status {status}")
    say(f"{what}: {status}")
    return answer[1]


def run(running, data, binaries, cargo_lambda):
    # Neither a developer's AWS settings nor a proxy may reach what is tested.
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME")}

    port = free_port()
    running.start(
        "cotejo-local",
        [str(binaries / "cotejo-local"), "--aws-only", "--fresh", "--port", str(port), "--data", str(data)],
        plain,
    )
    running.wait_for("stores and sandbox are up", (data / "env").exists)
    settings = read_settings(data / "env")
    key = settings.pop("COTEJO_API_KEY")

    emulator_port = free_port()
    emulator = f"http://127.0.0.1:{emulator_port}"
    running.start(
        "emulator",
        [cargo_lambda, "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(emulator_port)],
        plain,
    )
    running.wait_for("the emulator is up", lambda: is_listening(emulator_port))
    for name in FUNCTIONS:
        as_on_lambda = {
            "AWS_LAMBDA_RUNTIME_API": f"{emulator}/.rt/{name}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
        running.start(name, [str(binaries / name)], plain | settings | as_on_lambda)

    created = expect(call("POST", f"{emulator}/processes", key, PROCESS), 201, "create-process creates")["result"]
    check(created.get("status") == "in_progress", f"the new process is {created.get('status')!r}, not in_progress")
    check(created.get("provider_reference"), "the new process has no provider_reference")

    url = f"{emulator}/processes/{created['id']}"
    read = expect(call("GET", url, key), 200, "query-status reads it")["result"]
    for field in ["id", "provider", "provider_reference", "status", "created_at"]:
        check(read.get(field) == created.get(field), f"{field}: {created.get(field)!r} created, {read.get(field)!r} read")
    refused = expect(call("GET", url), 401, "query-status refuses a caller without a key")
    check(refused.get("error_code"), "the refusal has no error_code")
    running.check_alive()


def stop(number, _frame):
    raise Failed(f"stopped by {signal.Signals(number).name}" if number != signal.SIGALRM else f"not done after {WHOLE_RUN_SECONDS} seconds")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binaries", type=pathlib.Path, help="folder of the binaries; default: the workspace's debug build")
    arguments.add_argument("--cargo-lambda", help="default: .venv/bin/cargo-lambda, then PATH")
    given = arguments.parse_args()

    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGALRM]:
        signal.signal(number, stop)
    signal.alarm(WHOLE_RUN_SECONDS)
    with tempfile.TemporaryDirectory(prefix="cotejo-smoke-", ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        running = Running(folder)
        try:
            binaries = given.binaries.resolve() if given.binaries else target_directory() / "debug"
            for name in ["cotejo-local", *FUNCTIONS]:
                check((binaries / name).exists(), f"{binaries / name} is missing; build it with cargo build --workspace --bins --tests")
            run(running, folder / "data", binaries, given.cargo_lambda or find_cargo_lambda())
        except Failed as failure:
            running.show_logs()
            print(f"smoke test failed: {failure}", file=sys.stderr)
            return 1
        finally:
            signal.alarm(0)
            for number in [signal.SIGINT, signal.SIGTERM]:
                signal.signal(number, signal.SIG_IGN)
            running.end()
    print("smoke test passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
