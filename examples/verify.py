"""A customer's calls with Python's standard library: create a verification, follow it by webhook, verify each signature,
download the evidence, register a person with address and contact.

Usage: COTEJO_URL=… COTEJO_API_KEY=… python3 verify.py FOLDER [--port 9081]
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import queue
import threading
import time
import urllib.error
import urllib.request
import uuid

ENDED = {"approved", "rejected", "expired", "cancelled", "failed"}
PATIENCE_SECONDS = 300


class Refused(Exception):
    """Cotejo refused a call. `error_code` is stable; the sentence may change."""

    def __init__(self, answer):
        fields = "".join(f" {field['field']} {field['message']};" for field in answer.get("fields", []))
        super().__init__(f"{answer['error_code']}: {answer['error']}{fields} (request {answer['request_id']})")
        self.error_code = answer["error_code"]


class Cotejo:
    """The API with one key."""

    def __init__(self, url, key):
        self.url, self.key = url, key

    def call(self, method, path, body=None, idempotency_key=None):
        """The `result` of a call. Waits and repeats after 429 and 503; with an idempotency key that is safe for `POST` too."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(5):
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)["result"]
            except urllib.error.HTTPError as answer:
                if answer.code not in (429, 503) or attempt == 4:
                    raise Refused(json.load(answer)) from None
                time.sleep(int(answer.headers.get("Retry-After", 2)))


def is_genuine(secret, headers, body, now):
    """Whether a webhook comes from Cotejo (Standard Webhooks 1.0.0), and is not older than five minutes."""
    event, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{event}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(signed).decode()
    # There is one signature for each valid secret; while a secret is replaced there are two.
    return any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split())


class Receiver:
    """A web server that gets events. Each event arrives in `events` once, although it may be sent more than once."""

    def __init__(self, port):
        self.secret, self.events, seen = None, queue.Queue(), set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                genuine = outer.secret is not None and is_genuine(outer.secret, self.headers, body, time.time())
                if genuine and self.headers["webhook-id"] not in seen:
                    seen.add(self.headers["webhook-id"])
                    outer.events.put(json.loads(body))
                # Answer fast, with a 2xx. Anything else is sent again later.
                self.send_response(204 if genuine else 401)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/cotejo"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def verify(cotejo, receiver, folder):
    channel = cotejo.call("POST", "/notification-channels", {
        "name": "Example", "type": "webhook", "active": True, "config": {"url": receiver.url},
        "events": ["process_approved", "process_rejected", "process_in_review", "process_expired", "process_cancelled", "process_failed"],
    }, idempotency_key=str(uuid.uuid4()))
    receiver.secret = channel["config"]["secret"]  # shown in this answer only: store it

    # The order's number in your own system is a good idempotency key.
    order = str(uuid.uuid4())
    process = cotejo.call("POST", "/processes", {
        "provider": "auco",
        "person": {"name": "Juan Pérez", "phone": "+573003003030", "email": "juan.perez@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1001001010"},
        "options": {"platform": "whatsapp", "email": "you@example.com"},
        "metadata": {"order": order},
    }, idempotency_key=order)
    path = f"/processes/{process['id']}"
    print("created:", process["id"])

    # An event says that something happened, not what: read the process. If no event comes for a while, read it all the same.
    until = time.monotonic() + PATIENCE_SECONDS
    while process["status"] not in ENDED and time.monotonic() < until:
        try:
            event = receiver.events.get(timeout=30)
            print("webhook, genuine:", event["event"])
        except queue.Empty:
            pass
        process = cotejo.call("GET", path)
    print("status:", process["status"])
    for check in process["findings"]["checks"]:
        print(f"  {check['name']}: {check['outcome']}")

    while process["evidence_state"] == "pending" and time.monotonic() < until:
        time.sleep(1)
        process = cotejo.call("GET", path)
    for piece in process["evidence"]:
        if piece["state"] == "stored":
            link = cotejo.call("GET", f"{path}/evidence/{piece['id']}?expires_in_min=5")
            with urllib.request.urlopen(link["url"], timeout=30) as picture:  # opens without a key
                content = picture.read()
            if hashlib.sha256(content).hexdigest() != piece["sha256"]:
                raise ValueError(f"{piece['kind']} is not what was stored")
            (folder / f"{piece['kind']}-{piece['id']}").write_bytes(content)
            print("saved:", piece["kind"])
    cotejo.call("PUT", f"/notification-channels/{channel['id']}", {"active": False})


def register(cotejo):
    national_id = "BOXW310820HNERXN09"
    person = cotejo.call("PUT", f"/people/national-id/{national_id}", {
        "name": "Wei", "first_lastname": "Xu", "second_lastname": "Bo",
    })
    cotejo.call("POST", "/addresses", {
        "person_id": person["id"], "street": "Marte", "ext_num": "12", "state": "DF", "municipality": "Iztacalco",
        "colony": "Cristobal Colon", "zip_code": "08016", "references": "",
    })
    cotejo.call("POST", "/contacts", {"person_id": person["id"], "email": "wei@example.com", "phone": "+525591038054"})
    person = cotejo.call("GET", f"/people/national-id/{national_id}")
    print(f"person: {person['name']} {person['first_lastname']}, {len(person['addresses'])} address, {len(person['contact_data'])} contact")
    try:
        cotejo.call("POST", "/contacts", {"person_id": person["id"], "email": "not an address", "phone": "1"})
    except Refused as refused:
        print("refused:", refused)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path, help="where to save the evidence")
    arguments.add_argument("--port", type=int, default=9081, help="where webhooks arrive; default 9081")
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    cotejo = Cotejo(os.environ["COTEJO_URL"], os.environ["COTEJO_API_KEY"])
    verify(cotejo, Receiver(given.port), given.folder)
    register(cotejo)


if __name__ == "__main__":
    main()
