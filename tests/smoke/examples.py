"""Smoke test: do the programs in examples/ work?

Starts the local system as a debug build leaves it and runs each example against it as a customer would. Checks that the verification is
approved, that every picture is saved, that webhooks are genuine, and that check_signature.sh refuses a wrong secret, a changed body and
an old timestamp. Needs Python's standard library, sh, curl, jq and openssl.
"""

import argparse
import base64
import hashlib
import hmac
import os
import pathlib
import signal
import shlex
import subprocess
import sys
import tempfile
import time

from run import ROOT, Failed, Running, check, free_port, say, target_directory

EXAMPLES = ROOT / "examples"
SPEED = "20"
ONE_EXAMPLE_SECONDS = 120
PICTURES = {"document_front", "document_back", "selfie"}


def run_example(command, environment, folder):
    """What the example prints; it must end well and save the three pictures."""
    what = next(pathlib.Path(part).name for part in command if "verify." in part)
    done = subprocess.run(
        [*command, str(folder)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ONE_EXAMPLE_SECONDS
    )
    check(done.returncode == 0, f"{what} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    for promise in ["created: ", "status: approved", "1 address, 1 contact"]:
        check(promise in done.stdout, f"{what} did not print {promise!r}:\n{done.stdout}{done.stderr}")
    saved = {line.removeprefix("saved: ") for line in done.stdout.splitlines() if line.startswith("saved: ")}
    check(PICTURES <= saved, f"{what} saved {sorted(saved)} only")
    pictures = [path for path in folder.iterdir() if path.name.rsplit("-", 5)[0] in PICTURES]
    check(len(pictures) == 3 and all(path.read_bytes()[:2] == b"\xff\xd8" for path in pictures), f"{what}: the pictures are not there")
    say(f"{what}: a verification, its pictures, a person")
    return done.stdout


def check_signature(secret, timestamp, signature, body):
    command = ["sh", str(EXAMPLES / "check_signature.sh"), secret, "evt_1", str(timestamp), signature]
    return subprocess.run(command, input=body, capture_output=True, timeout=30).returncode == 0


def signatures():
    """check_signature.sh accepts what Standard Webhooks asks for, and nothing else."""
    key, body, now = os.urandom(24), '{"event":"process_approved","text":"á"}\n'.encode(), int(time.time())
    secret = "whsec_" + base64.b64encode(key).decode()
    other = "whsec_" + base64.b64encode(os.urandom(24)).decode()

    def signed(at):
        return "v1," + base64.b64encode(hmac.digest(key, f"evt_1.{at}.".encode() + body, hashlib.sha256)).decode()

    check(check_signature(secret, now, signed(now), body), "check_signature.sh refuses a genuine webhook")
    check(check_signature(secret, now, f"v1,AAAA {signed(now)}", body), "check_signature.sh refuses the second of two signatures")
    check(not check_signature(other, now, signed(now), body), "check_signature.sh accepts another secret")
    check(not check_signature(secret, now, signed(now), body + b" "), "check_signature.sh accepts a changed body")
    check(not check_signature(secret, now - 3600, signed(now - 3600), body), "check_signature.sh accepts an old webhook")
    say("check_signature.sh: genuine, second, foreign, changed, old")


def run(running, folder, binaries):
    # Neither a developer's settings nor a proxy may reach what is tested.
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | {"LANG": "C.UTF-8"}
    data, port = folder / "data", free_port()
    running.start(
        "cotejo-local",
        [str(binaries / "cotejo-local"), "--fresh", "--speed", SPEED, "--port", str(port), "--data", str(data)],
        plain,
    )
    running.wait_for("the local system is up", (data / "env").exists)
    # As examples/README.md says: a shell loads the settings, and the programs find them in their environment.
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    load = next(line.split("#")[0].strip() for line in readme.splitlines() if ".local/env" in line)
    loaded = ["sh", "-c", load.replace(".local/env", shlex.quote(str(data / "env"))) + '; exec "$@"', "sh"]
    run_example([*loaded, "sh", str(EXAMPLES / "verify.sh")], plain, folder / "shell")
    verify = [*loaded, sys.executable, str(EXAMPLES / "verify.py"), "--port", str(free_port())]
    printed = run_example(verify, plain, folder / "python")
    check("webhook, genuine: process_approved" in printed, f"verify.py got no genuine webhook:\n{printed}")
    check("refused: invalid_request" in printed, f"verify.py's last call was not refused:\n{printed}")
    running.check_alive()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binaries", type=pathlib.Path, help="folder of the binaries; default: the workspace's debug build")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="cotejo-examples-", ignore_cleanup_errors=True) as folder:
        running = Running(pathlib.Path(folder))
        try:
            signatures()
            run(running, pathlib.Path(folder), given.binaries.resolve() if given.binaries else target_directory() / "debug")
        except (Failed, subprocess.TimeoutExpired) as failure:
            running.show_logs()
            print(f"smoke test of the examples failed: {failure}", file=sys.stderr)
            return 1
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            running.end()
    print("smoke test of the examples passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
