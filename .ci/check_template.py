"""Checks that everything that repeats template.yaml agrees with it.

Functions are crates under functions/, the routes of `cargo lambda watch` in Cargo.toml are the template's, and every
route and every function has a sample event in tests/events/. docs/runbook.md explains every alarm and
no other, and ends each entry with a command of `cargo admin`. Alarms and dashboard show only metrics that the code records, and all of them.
Each function knows its own Timeout, settings of routes belong to existing routes, the alarm on
indexes watches all indexes, and docs/deploy.md builds every function and explains every parameter. A batch of the stream ends before its
function's Timeout, which is at most 30 seconds, and handles all its items at once. Lambda does not repeat calls
that it starts by itself, because the schedule repeats the work.
Uses PyYAML (it comes with cfn-lint) and cargo. cfn-lint checks the template itself.
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Template(yaml.SafeLoader):
    """YAML in which a short intrinsic such as `!Ref Table` is just text."""


Template.add_multi_constructor("!", lambda loader, tag, node: f"!{tag}")


def main():
    template = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Template)
    workspace = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout
    )
    binaries = {
        target["name"]
        for package in workspace["packages"]
        if pathlib.Path(package["manifest_path"]).parent.parent == ROOT / "functions"
        for target in package["targets"]
        if "bin" in target["kind"]
    }
    functions = {
        pathlib.PurePosixPath(resource["Properties"]["CodeUri"]).name: resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    routes = {
        (event["Properties"]["Method"], event["Properties"]["Path"], name)
        for name, properties in functions.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }
    watched = {
        (entry["method"], path, entry["function"])
        for path, entries in workspace["metadata"]["lambda"]["watch"]["router"].items()
        for entry in entries
    }
    samples = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "tests/events").glob("*.json")}
    sampled = {event.get("routeKey") for event in samples.values()}
    # A sample's file name starts with its function's name.
    with_sample = {name for name in functions if any(file.startswith(name) for file in samples)}

    alarms = {name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    explained = {name for heading in re.findall(r"^### (.+)$", runbook, re.M) for name in re.findall(r"`(\w+)`", heading)}
    # For every alarm, there is a command to type at night.
    entries = re.split(r"^#{2,3} ", runbook, flags=re.M)
    entries = [entry for entry in entries if re.match(r"`\w+`", entry)]
    next_step = re.compile(r"`cargo admin (status|provider (pause|resume) [^`]+|process wake [^`]+)`$")
    without_command = [entry.splitlines()[0] for entry in entries if not next_step.search(entry.strip())]
    telemetry = (ROOT / "shared/src/platform/telemetry.rs").read_text(encoding="utf-8")
    recorded = set(re.findall(r"=> \(\"(\w+)\", \"\w+\"\)", telemetry))
    shown = {
        resource["Properties"]["MetricName"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"].get("Namespace") == "Cotejo"
    }
    # The dashboard is JSON in a text of the template.
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    shown |= set(re.findall(r'\["Cotejo", "(\w+)"', text)) | set(re.findall(r'MetricName=\\"(\w+)\\"', text))

    stream = (ROOT / "shared/src/workflow/stream.rs").read_text(encoding="utf-8")
    batch_seconds = int(re.search(r"BATCH_TIME: Duration = Duration::from_secs\((\d+)\)", stream).group(1))
    at_once = int(re.search(r"AT_ONCE: usize = (\d+)", stream).group(1))

    deploy = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    built = set(re.findall(r"--package ([a-z-]+)", deploy))
    documented = set(re.findall(r"^\| `([A-Z]\w+)` \|", deploy, re.M))
    table = template["Resources"]["Table"]["Properties"]
    indexes = {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
    watched_indexes = {
        dimension["Value"]
        for metric in template["Resources"]["IndexThrottles"]["Properties"]["Metrics"]
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "GlobalSecondaryIndexName"
    }

    trouble = []
    for name in sorted(built ^ set(functions)):
        trouble.append(f"{name}: a function of template.yaml or a package in docs/deploy.md's build, not both")
    for name in sorted(documented ^ set(template["Parameters"])):
        trouble.append(f"{name}: a parameter of template.yaml or of docs/deploy.md's tables, not both")
    for key in sorted(template["Resources"]["Api"]["Properties"]["RouteSettings"].keys() - {f"{m} {p}" for m, p, _ in routes}):
        trouble.append(f"{key}: settings of a route that no function has")
    for name in sorted(indexes ^ watched_indexes):
        trouble.append(f"{name}: an index that IndexThrottles does not watch, or none")
    for name, properties in sorted(functions.items()):
        if properties["Environment"]["Variables"]["COTEJO_FUNCTION_SECONDS"] != properties["Timeout"]:
            trouble.append(f"{name}: COTEJO_FUNCTION_SECONDS must be its Timeout")
    for name, properties in sorted(functions.items()):
        events = properties.get("Events", {}).values()
        readers = [event["Properties"] for event in events if event["Type"] == "DynamoDB"]
        if readers and not batch_seconds + 3 <= properties["Timeout"] <= 30:
            trouble.append(f"{name}: its Timeout must be 30 seconds at most, and 3 more than BATCH_TIME in stream.rs")
        if any(reader["BatchSize"] > at_once for reader in readers):
            trouble.append(f"{name}: its BatchSize is more than AT_ONCE in stream.rs, so that items wait for each other")
        is_started = all(event["Type"] == "Schedule" for event in events)
        if is_started and properties.get("EventInvokeConfig", {}).get("MaximumRetryAttempts") != 0:
            trouble.append(f"{name}: is started by events and must say MaximumRetryAttempts: 0")
    for name in sorted(alarms ^ explained):
        trouble.append(f"{name}: an alarm in template.yaml or a heading in docs/runbook.md, not both")
    for heading in without_command:
        trouble.append(f"{heading}: its entry in docs/runbook.md must end in `cargo admin status`, `provider pause|resume` or `process wake`")
    for name in sorted(shown - recorded):
        trouble.append(f"{name}: a metric in template.yaml that shared/src/platform/telemetry.rs does not record")
    for name in sorted(recorded - shown):
        trouble.append(f"{name}: a metric that neither an alarm nor the dashboard shows")
    for name in sorted(binaries ^ set(functions)):
        trouble.append(f"{name}: in functions/ or in template.yaml, not in both")
    for method, path, name in sorted(watched ^ {route for route in routes if route[1] != "$default"}):
        trouble.append(f"{method} {path} of {name}: in template.yaml or in Cargo.toml's watch routes, not in both")
    for method, path, _ in sorted(routes):
        if path != "$default" and f"{method} {path}" not in sampled:
            trouble.append(f"{method} {path}: no sample event in tests/events/")
    for name in sorted(set(functions) - with_sample):
        trouble.append(f"{name}: no sample event in tests/events/")
    for line in trouble:
        print(line, file=sys.stderr)
    print(f"{len(functions)} functions, {len(routes)} routes, {len(samples)} sample events, {len(alarms)} alarms, {len(shown)} metrics")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
