"""Checks that every crate of ours uses the lints of the workspace, which forbid `unsafe`, and its dependency versions.

A crate without `[lints] workspace = true` compiles like any other, so the omission would go unnoticed. Uses cargo only.
"""

import json
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def manifest(path):
    return tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def own_versions(crate):
    """The dependencies whose version the crate says itself."""
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    tables = [crate, *crate.get("target", {}).values()]
    named = [entry for table in tables for kind in kinds for entry in table.get(kind, {}).items()]
    return sorted(name for name, value in named if not (isinstance(value, dict) and value.get("workspace")))


def main():
    workspace = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout
    )
    trouble = []
    if manifest(ROOT / "Cargo.toml")["workspace"]["lints"]["rust"].get("unsafe_code") != "forbid":
        trouble.append("Cargo.toml: the workspace's lints do not forbid unsafe code")
    for package in workspace["packages"]:
        crate = manifest(package["manifest_path"])
        if crate.get("lints") != {"workspace": True}:
            trouble.append(f"{package['name']}: needs `[lints] workspace = true` and no lints of its own")
        for name in own_versions(crate):
            trouble.append(f"{package['name']}: {name} has a version of its own; put it into the workspace's Cargo.toml")
    for line in trouble:
        print(line, file=sys.stderr)
    print(f"{len(workspace['packages'])} crates")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
