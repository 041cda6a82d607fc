"""Checks that `cargo local`, `cargo admin` and the tests, built one after the other, compile each dependency once.

Cargo compiles a crate once for each set of features, and the selected packages decide the set. `infra/features` requests the
union, and this check names the features that it lacks. The deployed functions must stay lean. Uses cargo only.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a developer builds day by day, each as cargo selects it.
SELECTIONS = {
    "cargo local": ["--package", "cotejo-local", "--edges", "normal,build"],
    "cargo admin": ["--package", "cotejo-admin", "--edges", "normal,build"],
    "cargo test -p cotejo-local": ["--package", "cotejo-local", "--edges", "normal,build,dev"],
    "cargo test -p cotejo-admin": ["--package", "cotejo-admin", "--edges", "normal,build,dev"],
    "cargo test -p cotejo": ["--package", "cotejo", "--edges", "normal,build,dev"],
    "cargo test -p cotejo-tests": ["--package", "cotejo-tests", "--edges", "normal,build,dev"],
}
# Features and crates that no deployed function needs.
BANNED = {"sso", "ssooidc", "aws-sdk-sso", "aws-sdk-ssooidc", "default-https-client"}


def tree(*selection):
    """The sets of features of each dependency: one for what runs, another where a build script or a macro uses it otherwise."""
    command = ["cargo", "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}", *selection]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in filter(None, lines):
        package, features = line.removesuffix(" (*)").split("|", 1)
        if "(/" not in package:
            found.setdefault(package, set()).add(frozenset(filter(None, features.split(","))))
    return found


def missing(features, whole):
    """What a set of features lacks of the nearest one that the whole workspace builds; None where it is one of them."""
    if features in whole:
        return None
    return min((sorted(larger - features) for larger in whole if larger > features), key=len, default=["?"])


def main():
    trouble = []
    whole = tree("--workspace", "--edges", "normal,build,dev")
    for name, selection in SELECTIONS.items():
        for package, sets in tree(*selection).items():
            for features in sets:
                lacks = missing(features, whole.get(package, set()))
                if lacks is not None:
                    trouble.append(f"{name}: {package} lacks {lacks}; add them to infra/features/Cargo.toml")
    for function in sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")):
        for package, features in tree("--package", function, "--edges", "normal").items():
            for name in sorted(BANNED & frozenset().union({package.split()[0]}, *features)):
                trouble.append(f"{function}: {package} brings {name}, which is deployed for nothing")
    for line in trouble:
        print(line, file=sys.stderr)
    print(f"{len(whole)} dependencies, {len(SELECTIONS)} selections")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
