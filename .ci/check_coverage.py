"""Checks that every test named in docs/coverage.md is a test in the file it is said to be in.

Only a reader can judge whether a test would fail if its subject broke.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[`(\w+)`\]\(\.\./([\w/.-]+)\)")
# Every link into the repository must have this form. Otherwise a typing error would hide it from this check.
ANY_LINK = re.compile(r"\]\(\.\./")
TEST = re.compile(r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(")


def main():
    page = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| item", "| ---"))]
    links = set(LINK.findall(page))
    files = {}
    for path in {path for _, path in links}:
        file = ROOT / path
        files[path] = set(TEST.findall(file.read_text(encoding="utf-8"))) if file.is_file() else None

    trouble = []
    for line in page.splitlines():
        if len(ANY_LINK.findall(line)) != len(LINK.findall(line)):
            trouble.append(f"has a link that names no test: {line}")
    for row in rows:
        if not LINK.search(row) and not row.endswith("| none |"):
            trouble.append(f"has neither a test nor `none`: {row}")
    for test, path in sorted(links):
        if files[path] is None:
            trouble.append(f"{path} does not exist")
        elif test not in files[path]:
            trouble.append(f"{path} has no test {test}")
    for line in dict.fromkeys(trouble):
        print(line, file=sys.stderr)
    opened, untested = sum("*Open*" in row for row in rows), sum(row.endswith("| none |") for row in rows)
    print(f"{len(rows)} items, {untested} of them without a test, {opened} open; {len(links)} tests in {len(files)} files")
    return 1 if trouble or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
