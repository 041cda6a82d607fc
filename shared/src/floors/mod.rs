//! The floors of this crate: no module imports from a floor above its own, and no imports form a cycle.
//!
//! The test reads the imports from the source, including inline paths (`crate::…`).

#![expect(clippy::unwrap_used, reason = "tests")]

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use imports::{Module, SourceFile};

/// The floors, highest first. Modules of the same floor do not import each other.
const FLOORS: [&[&str]; 12] = [
    &["lambda"],
    &["http"],
    &["workflow"],
    &["store"],
    &["notify"],
    &["evidence"],
    &["objects"],
    &["deployment"],
    &["people", "providers"],
    &["process"],
    &["platform"],
    &["common"],
];

/// The floor of a module; the lowest is 0.
fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().rev().position(|floor| floor.contains(&module))
}

/// Every file of this crate.
fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                sources.push(SourceFile::new(&name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

/// Imports from a higher floor, or from a module that has no floor.
fn upward(sources: &[SourceFile]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.module.is_empty()) {
        let from = &source.module[0];
        for import in &source.imports {
            let to = &import[0];
            let is_fine = from == to || floor(from).zip(floor(to)).is_some_and(|(from, to)| to < from);
            if !is_fine && to != "floors" {
                wrong.push(format!("{} imports {}", source.module.join("::"), import.join("::")));
            }
        }
    }
    wrong
}

/// The files below `http` that use `lambda_http`.
fn using_lambda_http(sources: &[SourceFile]) -> Vec<String> {
    let below = sources.iter().filter(|source| source.module.first().is_some_and(|top| floor(top) < floor("http")));
    below.filter(|source| source.has_lambda_http).map(|source| source.module.join("::")).collect()
}

/// The cycles among the parts of each module.
fn cycles(sources: &[SourceFile]) -> Vec<String> {
    let modules: BTreeSet<&Module> = sources.iter().map(|source| &source.module).collect();
    // An item that a module re-exports belongs to the part that defines it.
    let mut exports: BTreeMap<Module, Module> = BTreeMap::new();
    for source in sources {
        for (name, from) in &source.exports {
            exports.insert([source.module.as_slice(), std::slice::from_ref(name)].concat(), from.clone());
        }
    }
    // The part of a top module that an import leads to.
    let part = |import: &Module| -> Option<(String, String)> {
        let import = exports.get(&import[..import.len().min(2)]).unwrap_or(import);
        let is_part = import.len() >= 2 && modules.contains(&import[..2].to_vec());
        is_part.then(|| (import[0].clone(), import[1].clone()))
    };
    let mut edges: BTreeMap<(String, String), BTreeSet<(String, String)>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.module.len() >= 2 && source.module[1] != "tests") {
        let from = (source.module[0].clone(), source.module[1].clone());
        let parts = source.imports.iter().filter_map(part).filter(|to| to.0 == from.0 && *to != from);
        edges.entry(from.clone()).or_default().extend(parts);
    }
    let mut found = BTreeSet::new();
    for start in edges.keys() {
        found.extend(shortest_cycle(start, &edges));
    }
    found.into_iter().collect()
}

/// The shortest cycle through a part; `None` unless the part is the first of it in alphabetical order.
fn shortest_cycle(
    start: &(String, String),
    edges: &BTreeMap<(String, String), BTreeSet<(String, String)>>,
) -> Option<String> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in edges.get(way.last().unwrap()).into_iter().flatten() {
                if next == start {
                    return (way.iter().min() == Some(start)).then(|| {
                        let names: Vec<_> = way.iter().map(|part| part.1.as_str()).collect();
                        format!("{}: {}", start.0, names.join(" > "))
                    });
                }
                if seen.insert(next.clone()) {
                    longer.push([way.as_slice(), std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[test]
fn no_import_runs_upward() {
    assert_eq!(upward(&sources()), [""; 0]);
}

#[test]
fn no_use_case_uses_lambda_http() {
    assert_eq!(using_lambda_http(&sources()), [""; 0]);
    for text in ["use lambda_http::http::HeaderMap;", "fn f(_: lambda_http::Request) {}"] {
        assert_eq!(
            using_lambda_http(&[SourceFile::new("workflow/create/mod.rs", text)]),
            ["workflow::create"],
            "{text}"
        );
    }
}

#[test]
fn imports_form_no_cycle() {
    assert_eq!(cycles(&sources()), [""; 0]);
}

#[test]
fn an_upward_import_is_found_in_every_notation() {
    for text in [
        "use crate::workflow::Error;",
        "use crate::{common::RawJson, workflow::{Error, create}};",
        "fn f() -> crate::workflow::Error { todo() }",
        "fn f() { g!(crate::workflow::Error) }",
        "use super::super::workflow;",
        "mod tests { use super::super::super::workflow; }",
        "pub use crate::workflow as w;",
    ] {
        let planted = [SourceFile::new("store/jobs.rs", text), SourceFile::new("workflow/mod.rs", "")];
        assert!(!upward(&planted).is_empty(), "{text}");
    }
    let fine = SourceFile::new(
        "store/jobs.rs",
        "use crate::common::RawJson; // crate::workflow\nconst A: &str = \"crate::http\";",
    );
    assert_eq!(upward(&[fine]), [""; 0]);
    let common = SourceFile::new("common/page.rs", "use crate::platform::Clock; use super::FieldError;");
    assert_eq!(upward(&[common]), ["common::page imports platform::Clock"]);
    let beside = SourceFile::new("people/mod.rs", "use crate::providers::Provider;");
    assert_eq!(upward(&[beside]).len(), 1);
}

#[test]
fn a_cycle_through_a_re_export_is_found() {
    let planted = [
        SourceFile::new("notify/mod.rs", "pub use send::Sender;"),
        SourceFile::new("notify/send.rs", "use super::email;"),
        SourceFile::new("notify/email/mod.rs", "use super::schedule;"),
        SourceFile::new("notify/schedule.rs", "use super::Sender;"),
    ];
    assert_eq!(cycles(&planted), ["notify: email > schedule > send"]);
    assert_eq!(cycles(&planted[..3]), [""; 0]);
}

/// The modules that a document lists: the names in code marks at the start of its lines.
fn named(text: &str, start: &str, end: char) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim_start_matches("//!").trim().strip_prefix(start));
    let firsts = lines.filter_map(|line| line.split(end).next());
    let names = firsts.flat_map(|first| first.split('`').skip(1).step_by(2).map(str::to_owned));
    names.filter(|name| floor(name).is_some()).collect()
}

#[test]
fn documentation_lists_the_same_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let floors: Vec<_> = FLOORS.concat().into_iter().map(str::to_owned).collect();
    for (file, start, end) in [("src/lib.rs", "- ", ':'), ("../docs/architecture.md", "| ", '|')] {
        assert_eq!(named(&fs::read_to_string(root.join(file)).unwrap(), start, end), floors, "{file}");
    }
}
