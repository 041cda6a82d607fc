"""Fills in what the sample events leave open, from a running `cargo local`: its API key and its callback token.

    python3 tests/events/fill.py [--data .local]

writes DIR/events/*.json, for `cargo lambda invoke NAME --data-file DIR/events/….json`. The samples are complete otherwise,
in the form in which Lambda hands each event over. Their process is the one that create-process.json creates:
its id follows from the tenant and the Idempotency-Key. Which pieces of evidence it has is known once run-work has
run; query-status shows them, and query-status-evidence.json wants the id of one.
"""

import argparse
import pathlib

SAMPLES = pathlib.Path(__file__).resolve().parent


def read_settings(path):
    """The KEY=VALUE lines of a data directory's `env`."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def filled(name, settings):
    """A sample's text for the local system that has these settings."""
    token = settings["COTEJO_AUCO_WEBHOOK_URL"].rsplit("/", 1)[1]
    text = (SAMPLES / f"{name}.json").read_text(encoding="utf-8")
    return text.replace("COTEJO_API_KEY", settings["COTEJO_API_KEY"]).replace("CALLBACK_TOKEN", token)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=pathlib.Path, default=pathlib.Path(".local"), help="default: .local")
    data = arguments.parse_args().data
    settings = read_settings(data / "env")
    (data / "events").mkdir(mode=0o700, exist_ok=True)
    for sample in sorted(SAMPLES.glob("*.json")):
        path = data / "events" / sample.name
        path.write_text(filled(sample.stem, settings), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
