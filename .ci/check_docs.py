"""Checks that the documents name only what exists.

In README.md, CONTRIBUTING.md, SECURITY.md, docs/ and examples/: every link leads to a file of the repository and to a heading in it; every
path in code style exists (from the root, from shared/src or from the document's own folder); and every name like `Type::name` or
`CONSTANT_NAME` in code style occurs in the source. Log messages in docs/runbook.md and docs/deploy.md are messages of the source, and
`just …` names recipes of the justfile.
`docs/coverage.md` has a check of its own for its tests. Uses Python's standard library and git.
"""

import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "examples/**/*.md"]
FENCE = re.compile(r"^( *)```.*?^\1```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[(?:[^\]\[]|`[^`]*`)*\]\(([^)\s]+)\)")
# A path has a folder of ours, or a file name that we use, at its end.
PATH = re.compile(r"^\.?[\w.{},-]+(?:/[\w.{},-]+)*(?:\.(?:rs|py|md|toml|yaml|json|sh|tsv)|/)$")
# Placeholders in instructions: what the reader replaces, what a program writes, and another program's names.
PLACEHOLDER = re.compile(r"NAME|LIST|FUNCTION|TENANT|…|\*|^target/|^\.local|^\.lambda|^\.venv|^_|^CKV_")
RUST_NAME = re.compile(r"^(?:\w+::)*([A-Z]\w*)::(\w+)(?:\(.*\))?$")
CONSTANT = re.compile(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
# A log line, such as `process refreshed`: words in small letters. A command is none.
MESSAGE = re.compile(r"^(?!(?:cargo|sam|aws|jq|process|provider|tenant|key|delivery|dead-letters|unique-keys|move|just) )[a-z]+(?: [a-z]+)+$")
WITH_MESSAGES = {"docs/runbook.md", "docs/deploy.md"}
# Files that a reader makes, or that belong to another program.
ELSEWHERE = {
    "auco.json", "link.json", "sms.json", "keys.json", "samconfig.toml", "packaged.yaml", "parameters.json", "rollback.json",
    "people.csv", "receiver.py", "process.json", "wire.rs", "options.rs", "mapping.rs", "mod.rs", "tests.rs",
    "fixtures/", "auco/", "main.rs",
}


def files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return {name for name in listed if (ROOT / name).exists()}


def anchors(text):
    """The anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings]
    return {heading.strip().lower().replace(" ", "-") for heading in plain}


def spelled_out(path):
    """The paths that `a/{b,c}.rs` stands for."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def main():
    known = files()
    folders = {str(parent) for name in known for parent in pathlib.PurePosixPath(name).parents}
    base_names = {pathlib.PurePosixPath(name).name for name in known}
    sources = [name for name in known if name.endswith((".rs", ".yaml", ".py", ".toml", ".md")) and not name.startswith("docs/")]
    words, rust = set(), ""
    for name in sources:
        source = (ROOT / name).read_text(encoding="utf-8")
        words.update(re.findall(r"\w+", source))
        rust += source if name.endswith(".rs") else ""

    def exists(path, folder):
        bases = ["", "shared/src/", f"{folder}/"]
        places = [str(pathlib.PurePosixPath(base + path)) for base in bases]
        return any(place in known or place in folders for place in places) or ("/" not in path and path in base_names)

    recipes = set(re.findall(r"^([a-z]+)[ :*A-Z]*:", (ROOT / "justfile").read_text(encoding="utf-8"), re.M))
    documents = sorted({file for pattern in DOCUMENTS for file in ROOT.glob(pattern)})
    trouble, checked = [], 0
    for document in documents:
        name = document.relative_to(ROOT).as_posix()
        folder = str(pathlib.PurePosixPath(name).parent)
        whole = document.read_text(encoding="utf-8")
        text = FENCE.sub("", whole)
        for target in LINK.findall(text):
            if re.match(r"\w+:", target):
                continue
            checked += 1
            path, _, anchor = target.partition("#")
            place = (document.parent / path).resolve() if path else document
            if not place.exists():
                trouble.append(f"{name}: links to {target}, which does not exist")
            elif anchor and place.suffix == ".md" and anchor not in anchors(place.read_text(encoding="utf-8")):
                trouble.append(f"{name}: links to {target}, and there is no such heading")
        for code in CODE.findall(text):
            name_in_rust, constant = RUST_NAME.match(code), CONSTANT.match(code)
            if PATH.match(code) and not PLACEHOLDER.search(code) and code not in ELSEWHERE:
                checked += 1
                trouble += [f"{name}: names `{path}`, which does not exist" for path in spelled_out(code) if not exists(path, folder)]
            elif name_in_rust and not PLACEHOLDER.search(code):
                checked += 1
                trouble += [f"{name}: names `{code}`, and no source has `{word}`" for word in name_in_rust.groups() if word not in words]
            elif constant and code not in words and not PLACEHOLDER.search(code):
                trouble.append(f"{name}: names `{code}`, which no source has")
            elif recipe := re.match(r"just ([a-z]+)", code):
                checked += 1
                if recipe.group(1) not in recipes:
                    trouble.append(f"{name}: names `{code}`, and the justfile has no such recipe")
            elif name in WITH_MESSAGES and MESSAGE.match(code):
                checked += 1
                # Long messages may be broken over two lines of the source.
                if f'"{code}' not in rust and f'{code}"' not in rust:
                    trouble.append(f"{name}: quotes the message `{code}`, which no source has")
    for line in dict.fromkeys(trouble):
        print(line, file=sys.stderr)
    print(f"{len(documents)} documents, {checked} paths, links and names")
    return 1 if trouble or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
