"""Smoke test: do the binaries that get deployed start, and do they answer?

Starts the stores and the sandbox (`cotejo-local --aws-only`), cargo-lambda's emulator of Lambda, and every function's
binary as a debug build leaves it. Creates a verification and reads it back through the emulator's routes, then hands
the sample events of tests/events/ to the functions until the verification is approved and its pictures open.
All else about the functions is tested in-process; this test adds main(), the runtime, the environment and the
sample events. Needs Python's standard library and cargo-lambda (in .venv/, or on PATH, or --cargo-lambda).
"""

import argparse
import contextlib
import hashlib
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
sys.path.insert(0, str(ROOT / "tests/events"))
from fill import filled, read_settings  # noqa: E402

FUNCTIONS = [
    "create-process", "query-status", "decide-process", "receive-callback", "fetch-certificate", "poll-due", "run-work",
    "deliver-notifications", "notification-channels", "people", "person-records", "catalogs",
    "contact-verification", "temporary-people", "copy-long",
]
WHOLE_RUN_SECONDS = 180
START_SECONDS = 60
# The emulator has no timeout: a call without an answer hangs until the caller gives up.
CALL_SECONDS = 30
# In the sandbox the person acts 30 seconds after the creation, divided by this.
SPEED = "100"
BEGAN = time.monotonic()
# What leads the AWS CLI elsewhere. The system is told by its own settings alone where everything is.
NONSENSE = {
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_PROFILE": "nobody",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
}


class Failed(Exception):
    """A check failed; the message says which."""


def say(text):
    print(f"  {time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


def check(holds, text):
    if not holds:
        raise Failed(text)


class Running:
    """The processes of this test, each with a log. They end with the test."""

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
                # After a process has ended, the system may reuse its number.
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


def target_directory():
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    return pathlib.Path(json.loads(found.stdout)["target_directory"])


def find_cargo_lambda():
    beside = ROOT / ".venv/bin/cargo-lambda"
    found = str(beside) if beside.exists() else shutil.which("cargo-lambda")
    check(found, "cargo-lambda is neither in .venv/bin nor on PATH; .ci/requirements.txt names its version")
    return found


def fetch(method, url, headers=None, body=None):
    """Status, content type and bytes of the answer, whatever the status."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(request, timeout=CALL_SECONDS) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get_content_type(), answer.read()
    except OSError as error:
        raise Failed(f"{method} {url}: no answer within {CALL_SECONDS} seconds ({error})") from error


def envelope(what, status, text, wanted):
    """The answer of one of our routes, after a check of its status and form."""
    check(status == wanted, f"{what}: status {status} instead of {wanted}: {text[:600]!r}")
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise Failed(f"{what}: the answer is not JSON: {text[:300]!r}") from error
    check(answer.get("success") is (wanted < 400), f"{what}: `success` does not go with status {status}")
    say(f"{what}: {status}")
    return answer.get("result", answer)


class Functions:
    """The functions behind the emulator."""

    def __init__(self, url, settings):
        self.url = url
        self.settings = settings

    def route(self, what, method, path, wanted, sample=None, key=True):
        """Through the emulator's routes, with body and Idempotency-Key of a sample event."""
        headers, body = {}, None
        if key:
            headers["Authorization"] = f"Bearer {self.settings['COTEJO_API_KEY']}"
        if sample:
            event = self.sample(sample)
            headers |= {"Content-Type": "application/json", "Idempotency-Key": event["headers"]["idempotency-key"]}
            body = event["body"].encode()
        status, kind, text = fetch(method, self.url + path, headers, body)
        check(kind == "application/json", f"{what}: {status}, {kind} instead of JSON: {text[:300]!r}")
        return envelope(what, status, text, wanted)

    def sample(self, name, **known):
        return json.loads(filled(name, self.settings, **known))

    def invoke(self, name, event):
        """What the function returns for the event: the same call as `cargo lambda invoke`."""
        url = f"{self.url}/2015-03-31/functions/{name}/invocations"
        status, _, text = fetch("POST", url, {"Content-Type": "application/json"}, json.dumps(event).encode())
        check(status == 200, f"{name} failed: {status}: {text[:600]!r}")
        return json.loads(text or b"null")

    def invoke_http(self, name, sample, wanted, **known):
        answer = self.invoke(name, self.sample(sample, **known))
        check("statusCode" in answer, f"{name} does not answer {sample}.json as HTTP: {answer}")
        return envelope(f"{sample}.json", answer["statusCode"], answer["body"], wanted)


def play(functions, running):
    created = functions.route("POST /processes", "POST", "/processes", 201, sample="create-process")
    check(created.get("status") == "in_progress", f"the new process is {created.get('status')!r}, not in_progress")
    path = f"/processes/{created['id']}"
    read = functions.route("GET /processes/{id}", "GET", path, 200)
    for field in ["id", "provider", "provider_reference", "status", "created_at"]:
        check(created.get(field), f"{field} is missing")
        check(read.get(field) == created[field], f"{field}: {created[field]!r} created, {read.get(field)!r} read")
    refused = functions.route("the same without a key", "GET", path, 401, key=False)
    check(refused.get("error_code"), "the refusal has no error_code")

    # The sample events name that process, because its id follows from the Idempotency-Key.
    again = functions.invoke_http("create-process", "create-process", 201)
    check(again["id"] == created["id"], "the same Idempotency-Key made another process")
    taken = functions.invoke_http("receive-callback", "receive-callback", 200, reference=created["provider_reference"])
    check(taken == {"kept": True}, f"the sample callback was not kept: {taken}")
    listed = functions.invoke_http("query-status", "query-status-list", 200)
    check([entry["id"] for entry in listed["data"]] == [created["id"]], f"the list is not the one process: {listed}")
    woken = functions.invoke("poll-due", functions.sample("poll-due"))
    check(woken is None, f"poll-due returned {woken}")
    say("poll-due.json: done")

    until = time.monotonic() + START_SECONDS
    while True:
        functions.invoke_http("query-status", "query-status-refresh", 200)
        for name in ["run-work", "deliver-notifications"]:
            outcome = functions.invoke(name, functions.sample(name))
            check(outcome == {"batchItemFailures": []}, f"{name} failed: {outcome}")
            say(f"{name}.json: no record failed")
        read = functions.invoke_http("query-status", "query-status", 200)
        if read["status"] == "approved" and read["evidence_state"] == "complete":
            break
        check(time.monotonic() < until, f"not approved after {START_SECONDS} seconds but {read['status']}")
        time.sleep(0.2)
        running.check_alive()

    pictures = [piece for piece in read["evidence"] if piece["kind"] != "provider_response"]
    check(len(pictures) == 3, f"{len(pictures)} pictures instead of 3")
    for picture in pictures:
        link = functions.invoke_http("query-status", "query-status-evidence", 200, evidence=picture["id"])
        status, kind, content = fetch("GET", link["url"])
        check((status, kind) == (200, picture["content_type"]), f"the link to {picture['kind']} answers {status}, {kind}")
        check(hashlib.sha256(content).hexdigest() == picture["sha256"], f"{picture['kind']} has another SHA-256")
    say("the three pictures open and are what was recorded")

    copied = functions.invoke("copy-long", functions.sample("copy-long"))
    check(copied is None, f"copy-long returned {copied} for what nobody claimed")
    none = functions.invoke_http("fetch-certificate", "fetch-certificate", 404)
    check(none.get("error_code") == "no_certificate", f"not the answer of a process without a certificate: {none}")
    health = functions.invoke_http("query-status", "query-status-health", 200)
    check(health == {"provider": "link", "healthy": True}, f"LINK is played and not healthy: {health}")
    put = functions.invoke_http("create-process", "create-process-upload", 201)
    check(put["method"] == "PUT" and put["headers"]["content-length"] == "3", f"no place for an upload: {put}")
    channel = functions.invoke_http("notification-channels", "notification-channels", 201)
    again = functions.invoke_http("notification-channels", "notification-channels-get", 200)
    check(again["id"] == channel["id"], f"the sample asks for another channel than {channel['id']}")
    person = functions.invoke_http("people", "people", 201)
    again = functions.invoke_http("people", "people-external", 200)
    check(again["id"] == person["id"], f"the sample asks for another person than {person['id']}")
    address = functions.invoke_http("person-records", "person-records-addresses", 201)
    check(address["person_id"] == person["id"], f"the sample's address is not the person's: {address}")
    functions.invoke_http("person-records", "person-records-contacts", 201)
    sent = functions.invoke_http("contact-verification", "contact-verification-sms", 200)
    check(sent == "Sms code send", f"no code was sent: {sent}")
    job = functions.invoke_http("people", "people-import", 202)
    check(job["state"] == "queued", f"the import is not on its way: {job}")
    functions.invoke_http("temporary-people", "temporary-people", 201)
    states = functions.invoke_http("catalogs", "catalogs-states", 200)
    check(len(states) == 33, f"{len(states)} states instead of 33")
    functions.invoke_http("decide-process", "decide-process-hold", 200)
    held = functions.invoke_http("decide-process", "decide-process-redact", 409)
    check(held.get("error_code") == "on_legal_hold", f"a process on legal hold is redacted: {held}")


def run(running, data, binaries, cargo_lambda):
    # Neither a developer's AWS settings nor a proxy may reach what is tested.
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ}

    # cotejo-local keeps the functions' port free and sends the sandbox's webhooks there.
    port = free_port()
    running.start(
        "cotejo-local",
        [str(binaries / "cotejo-local"), "--aws-only", "--fresh", "--speed", SPEED, "--port", str(port), "--data", str(data)],
        plain | NONSENSE | {"AWS_ACCESS_KEY_ID": "nobody", "AWS_REGION": "nowhere-1", "AWS_SECRET_ACCESS_KEY": "nothing"},
    )
    running.wait_for("stores and sandbox are up", (data / "env").exists)
    settings = read_settings(data / "functions.env")

    functions = Functions(f"http://127.0.0.1:{port}", settings)
    running.start(
        "emulator",
        [cargo_lambda, "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)],
        plain,
    )
    running.wait_for("the emulator is up", lambda: is_listening(port))
    for name in FUNCTIONS:
        as_on_lambda = {
            "AWS_LAMBDA_RUNTIME_API": f"{functions.url}/.rt/{name}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
        running.start(name, [str(binaries / name)], plain | NONSENSE | settings | as_on_lambda)
    play(functions, running)
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
