"""Measures the memory of run-work and copy-long: ten pictures of 10 MB, and a video of 500 MB that run-work starts.

    cargo build --release -p run-work -p copy-long && cargo build --workspace --bins --tests
    python3 tests/smoke/memory.py

Starts the same as the smoke test, but these two functions as they are deployed, with the allocator's settings of template.yaml. One
event then has a video and two processes with pictures to copy, of the largest accepted size. It prints the memory of each function's
process as Linux reports it: resident at rest, and peak. More than LIMIT_MEGABYTES is a failure.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run as smoke  # noqa: E402

LIMIT_MEGABYTES = 64
VIDEO_MEGABYTES = 500
OTHERS = ["create-process", "query-status"]
MEASURED = ["run-work", "copy-long"]
# A debug build of the stores hashes every byte of the video.
COPY_SECONDS = 500
SPEED = "60"


def megabytes_of(process, field):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise smoke.Failed(f"Linux does not tell {field}")


def post(url, body):
    status, _, text = smoke.fetch("POST", url, {"Content-Type": "application/json"}, json.dumps(body).encode())
    smoke.check(status in (200, 201), f"{url}: {status}: {text[:300]!r}")
    return json.loads(text)


class Processes:
    """Processes of the local tenant, created and read through the functions."""

    def __init__(self, functions):
        self.functions = functions

    def create(self, order):
        event = self.functions.sample("create-process")
        event["headers"]["idempotency-key"] = str(uuid.uuid4())
        event["body"] = json.dumps(order)
        answer = self.functions.invoke("create-process", event)
        return smoke.envelope(f"a process at {order['provider']}", answer["statusCode"], answer["body"], 201)["id"]

    def wake(self, process):
        return self.read(process, "query-status-refresh")

    def read(self, process, sample="query-status"):
        event = self.functions.sample(sample)
        text = json.dumps(event).replace(event["pathParameters"]["id"], process)
        answer = self.functions.invoke("query-status", json.loads(text))
        return smoke.envelope(sample, answer["statusCode"], answer["body"], 200)


def look(functions, keys):
    """Hands run-work one event with a record for each key."""
    event = functions.sample("run-work")
    record = event["Records"][0]
    records = []
    for number, key in enumerate(keys):
        one = json.loads(json.dumps(record))
        one["eventID"] = str(number)
        one["dynamodb"]["Keys"]["pk"]["S"] = key
        one["dynamodb"]["NewImage"] = {"pk": {"S": key}, "sk": {"S": "#"}}
        one["dynamodb"].pop("OldImage", None)
        records.append(one)
    outcome = functions.invoke("run-work", {"Records": records})
    smoke.check(outcome == {"batchItemFailures": []}, f"run-work failed: {outcome}")


def tecalis(settings, script):
    made = post(settings["COTEJO_TECALIS_URL"].removesuffix("/tecalis") + "/_sandbox/tecalis/authorizations", {"script": script})
    return {
        "provider": "tecalis",
        "person": {"name": "Carmen Española Española"},
        "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
        "options": {"auth_uuid": made["auth_uuid"]},
    }


def play(functions, settings, measured):
    processes = Processes(functions)
    at_rest = {name: megabytes_of(process, "VmRSS") for name, process in measured.items()}
    filmed = processes.create(tecalis(settings, f"approved,video:{VIDEO_MEGABYTES}"))
    pictured = [processes.create(tecalis(settings, "approved,no-video,picture-size:10"))]
    auco = json.loads(functions.sample("create-process")["body"])
    auco["options"]["custom"] = {"sandbox": "approved,picture-size:10,no-callback"}
    pictured.append(processes.create(auco))
    # The person acts 30 seconds after the creation, twice at Tecalis, divided by the speed.
    time.sleep(2)
    processes.wake(filmed)
    look(functions, [f"TENANT#local#PROCESS#{filmed}"])
    videos = [piece for piece in processes.read(filmed)["evidence"] if piece["kind"] == "video"]
    smoke.check(len(videos) == 1 and videos[0]["state"] == "pending", f"there is no video to be copied: {videos}")

    for process in pictured:
        processes.wake(process)
    began = time.monotonic()
    keys = [f"TENANT#local#PROCESS#{process}" for process in pictured]
    look(functions, [f"TENANT#local#COPY#{videos[0]['id']}", *keys])
    # Nobody waits for copy-long.
    while True:
        kept = [piece for piece in processes.read(filmed)["evidence"] if piece["kind"] == "video"]
        if kept[0]["state"] == "stored" or time.monotonic() - began > COPY_SECONDS:
            break
        time.sleep(1)
    took = time.monotonic() - began
    smoke.check(kept[0]["state"] == "stored", f"the video was not copied: {kept}")
    smoke.check(kept[0]["bytes"] >= VIDEO_MEGABYTES << 20, f"the video is too short: {kept}")
    pictures = [piece for process in pictured for piece in processes.read(process)["evidence"] if piece["kind"] != "provider_response"]
    whole = [piece for piece in pictures if piece["state"] == "stored" and piece["bytes"] == 10 << 20]
    smoke.check(len(whole) == len(pictures) == 10, f"not ten pictures of 10 MB: {pictures}")
    print(f"copied in {took:.0f} s")
    for name, process in measured.items():
        peak = megabytes_of(process, "VmHWM")
        print(f"{name}: at rest {at_rest[name]:.1f} MB, peak {peak:.1f} MB")
        smoke.check(peak < LIMIT_MEGABYTES, f"the peak of {name} is over {LIMIT_MEGABYTES} MB")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--cargo-lambda", help="default: .venv/bin/cargo-lambda, then PATH")
    arguments.add_argument("--profile", default="release", help="folder of the measured functions' builds in the target directory")
    given = arguments.parse_args()
    target = smoke.target_directory()
    smoke.CALL_SECONDS = COPY_SECONDS
    with tempfile.TemporaryDirectory(prefix="cotejo-memory-", ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        running = smoke.Running(folder)
        try:
            plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ}
            data, port = folder / "data", smoke.free_port()
            local = [str(target / "debug/cotejo-local"), "--aws-only", "--fresh", "--speed", SPEED, "--port", str(port), "--data", str(data)]
            running.start("cotejo-local", local, plain)
            running.wait_for("stores and sandbox are up", (data / "env").exists)
            settings = smoke.read_settings(data / "env")
            functions = smoke.Functions(f"http://127.0.0.1:{port}", settings)
            emulator = [given.cargo_lambda or smoke.find_cargo_lambda(), "lambda", "watch", "--only-lambda-apis"]
            running.start("emulator", [*emulator, "--invoke-address", "127.0.0.1", "--invoke-port", str(port)], plain)
            running.wait_for("the emulator is up", lambda: smoke.is_listening(port))
            processes = {}
            for name in [*OTHERS, *MEASURED]:
                as_on_lambda = {
                    "AWS_LAMBDA_RUNTIME_API": f"{functions.url}/.rt/{name}",
                    "AWS_LAMBDA_FUNCTION_NAME": name,
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                }
                binary = target / (given.profile if name in MEASURED else "debug") / name
                smoke.check(binary.exists(), f"{binary} is missing; the first lines of this file say how to build it")
                processes[name] = running.start(name, [str(binary)], plain | settings | as_on_lambda)
            play(functions, settings, {name: processes[name] for name in MEASURED})
            running.check_alive()
        except smoke.Failed as failure:
            running.show_logs()
            print(f"not as it should be: {failure}", file=sys.stderr)
            return 1
        finally:
            running.end()
            shutil.rmtree(folder / "data", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
