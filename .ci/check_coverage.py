"""Checks that every test named in docs/coverage.md exists in the file it is said to be in."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[`(\w+)`\]\(\.\./([\w/.-]+)\)")


def main():
    page = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| item", "| ---"))]
    trouble, tests, files = [], set(), {}
    for row in rows:
        named = LINK.findall(row)
        if not named and not row.endswith("| none |"):
            trouble.append(f"names neither a test nor `none`: {row}")
        for test, path in named:
            if path not in files:
                file = ROOT / path
                files[path] = file.read_text(encoding="utf-8") if file.exists() else ""
            if f"fn {test}(" not in files[path]:
                trouble.append(f"{path} has no test {test}")
            tests.add((path, test))
    for line in sorted(set(trouble)):
        print(line, file=sys.stderr)
    print(f"{len(rows)} items, {len(tests)} tests")
    return 1 if trouble or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
