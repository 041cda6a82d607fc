"""Completes the sample events with the API key and the callback token of a running `cargo local`.

    python3 tests/events/fill.py [--data .local] [--reference CODE] [--evidence ID]

writes DIR/events/*.json, for `cargo lambda invoke NAME --data-file DIR/events/….json`. Otherwise the samples are complete,
in the form in which Lambda delivers each event. Their process is the one that create-process.json creates:
its id follows from the tenant and the Idempotency-Key. Two values are known only later, from query-status: the
`provider_reference`, which receive-callback.json must have to be accepted, and the ids of the evidence, one of
which query-status-evidence.json requests.
"""

import argparse
import pathlib

SAMPLES = pathlib.Path(__file__).resolve().parent
# As the samples have them.
REFERENCE = "UCE4F7ULNQE3DNA2"
EVIDENCE = "73c21d5e-c14c-88fe-afd3-4728590def0a"


def read_settings(path):
    """The KEY=VALUE lines of a data directory's `env`."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def filled(name, settings, reference=None, evidence=None):
    """A sample's text for the local system that has these settings."""
    token = settings["COTEJO_AUCO_WEBHOOK_URL"].rsplit("/", 1)[1]
    text = (SAMPLES / f"{name}.json").read_text(encoding="utf-8")
    text = text.replace("COTEJO_API_KEY", settings["COTEJO_API_KEY"]).replace("CALLBACK_TOKEN", token)
    return text.replace(REFERENCE, reference or REFERENCE).replace(EVIDENCE, evidence or EVIDENCE)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=pathlib.Path, default=pathlib.Path(".local"), help="default: .local")
    arguments.add_argument("--reference", help="the process's provider_reference")
    arguments.add_argument("--evidence", help="id of a piece of its evidence")
    given = arguments.parse_args()
    settings = read_settings(given.data / "env")
    (given.data / "events").mkdir(mode=0o700, exist_ok=True)
    for sample in sorted(SAMPLES.glob("*.json")):
        path = given.data / "events" / sample.name
        path.write_text(filled(sample.stem, settings, given.reference, given.evidence), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
