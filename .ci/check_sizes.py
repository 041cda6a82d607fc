"""Checks that no source file has more than 400 lines. Tests are excepted: a table of cases may be long.

Runs with Python alone, on the files that git knows.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST = 400


def is_test(path):
    return path.name == "tests.rs" or "tests" in path.parts[:-1]


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.rs"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout
    paths = [pathlib.Path(name) for name in listed.split("\0") if name]
    sources = [path for path in paths if (ROOT / path).exists() and (not is_test(path) or path.parts[:2] == ("tests", "src"))]
    sizes = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in sources}
    trouble = sorted((size, path) for path, size in sizes.items() if size > MOST)
    for size, path in trouble:
        print(f"{path}: {size} lines, at most {MOST}; split it by subject", file=sys.stderr)
    print(f"{len(sources)} source files, the longest has {max(sizes.values())} lines")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
