//! The types of this crate, parsed from its source, and the largest size of a value of each.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use syn::{Fields, GenericArgument, Item, PathArguments, Type};

use super::Bound::{self, Bytes, Entries};

/// Type names that occur several times: the file of the type that is stored.
const OF_SEVERAL: [(&str, &str); 12] = [
    ("Attempt", "notify/delivery.rs"),
    ("Config", "notify/channel.rs"),
    ("Delivery", "notify/delivery.rs"),
    ("Document", "process/request.rs"),
    ("Event", "process/event.rs"),
    ("Outcome", "process/findings.rs"),
    ("Part", "people/job.rs"),
    ("Place", "store/guard_moves.rs"),
    ("Rotation", "platform/secrets/unique_keys.rs"),
    ("Step", "people/job.rs"),
    ("Trouble", "notify/channel.rs"),
    ("Verdict", "process/decision.rs"),
];

/// Bytes as JSON of values that cannot grow.
const FIXED: [(&str, usize); 14] = [
    ("bool", 5),
    ("u8", 3),
    ("u16", 5),
    ("u32", 10),
    ("u64", 20),
    ("usize", 20),
    ("f64", 25),
    ("Uuid", 38),
    ("ProcessId", 38),
    ("TenantId", 42),
    ("Timestamp", 32),
    ("Date", 12),
    ("Scope", 20),
    ("Kind", 20),
];

/// The types of this crate, and the findings about them.
pub(super) struct Types {
    all: HashMap<String, Vec<(PathBuf, Item)>>,
    bounds: HashMap<&'static str, Bound>,
    used: BTreeSet<&'static str>,
    /// Fields that can grow and have no bound.
    pub(super) missing: Vec<String>,
}

impl Types {
    pub(super) fn read(bounds: Vec<(&'static str, Bound)>) -> Self {
        let mut types = Self {
            all: HashMap::new(),
            bounds: bounds.into_iter().collect(),
            used: BTreeSet::new(),
            missing: Vec::new(),
        };
        types.read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        types
    }

    fn read_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read_folder(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
                for item in file.items {
                    let name = match &item {
                        Item::Struct(item) => item.ident.to_string(),
                        Item::Enum(item) => item.ident.to_string(),
                        _ => continue,
                    };
                    self.all.entry(name).or_default().push((path.clone(), item));
                }
            }
        }
    }

    /// Bounds of fields that no item reached.
    pub(super) fn unused(&self) -> Vec<&'static str> {
        self.bounds.keys().copied().filter(|bound| !self.used.contains(bound)).collect()
    }

    /// The most bytes that a value of the type `name` takes.
    pub(super) fn size(&mut self, name: &str) -> usize {
        let several = OF_SEVERAL.iter().find(|(of, _)| *of == name).map(|(_, file)| *file);
        let found = self.all.get(name).map(Vec::as_slice).unwrap_or_default();
        let found: Vec<_> = found.iter().filter(|(path, _)| several.is_none_or(|file| path.ends_with(file))).collect();
        let [(_, item)] = found.as_slice() else { panic!("there are {} types called {name}", found.len()) };
        match item.clone() {
            Item::Struct(item) => self.fields(name, None, &item.fields),
            Item::Enum(item) => {
                let variants = item.variants.iter();
                let sizes = variants.map(|variant| {
                    let called = variant.ident.to_string();
                    called.len() + 20 + self.fields(name, Some(&called), &variant.fields)
                });
                sizes.max().unwrap_or_default()
            }
            _ => 0,
        }
    }

    fn fields(&mut self, of: &str, variant: Option<&str>, fields: &Fields) -> usize {
        let mut size = 2;
        for (at, field) in fields.iter().enumerate() {
            // A variant with one value uses the variant's name.
            let name =
                field.ident.as_ref().map_or_else(|| variant.map_or(at.to_string(), str::to_owned), ToString::to_string);
            size += name.len() + 4 + self.value(&field.ty, &format!("{of}.{name}"));
        }
        size
    }

    fn value(&mut self, ty: &Type, path: &str) -> usize {
        if let Type::Tuple(tuple) = ty {
            return tuple.elems.iter().map(|ty| self.value(ty, path) + 1).sum();
        }
        if let Type::Reference(reference) = ty {
            return self.value(&reference.elem, path);
        }
        let Type::Path(ty) = ty else { panic!("{path} is of a kind that this test does not know") };
        let last = ty.path.segments.last().unwrap();
        let name = last.ident.to_string();
        let inner: Vec<Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => {
                let types = arguments.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty.clone()),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        };
        match (name.as_str(), inner.as_slice()) {
            ("Option" | "Box", [inner]) => self.value(inner, path),
            // A private value may have any type; only the type inside is measured.
            ("Private", [inner]) => self.value(inner, path),
            ("Vec" | "BTreeSet", [entry]) => {
                let count = self.entries(path);
                count * (self.value(entry, &format!("{path}[]")) + 1)
            }
            ("BTreeMap", [key, entry]) => {
                let count = self.entries(path);
                count * (self.value(key, &format!("{path}[key]")) + self.value(entry, &format!("{path}[]")) + 2)
            }
            // The values of a record, by field.
            ("Fields", []) => {
                let count = self.entries(path);
                count * (self.bytes(&format!("{path}[key]")) + self.bytes(&format!("{path}[]")))
            }
            ("String" | "str" | "Value" | "RawJson", []) => self.bytes(path),
            (name, []) => match FIXED.iter().find(|(fixed, _)| *fixed == name) {
                Some((_, bytes)) => *bytes,
                None => self.size(name),
            },
            _ => panic!("{path} is a {name}, which this test does not know"),
        }
    }

    fn entries(&mut self, path: &str) -> usize {
        match self.bound(path) {
            Some(Entries(count)) => *count,
            _ => self.unbounded(path),
        }
    }

    fn bytes(&mut self, path: &str) -> usize {
        match self.bound(path) {
            Some(Bytes(bytes)) => *bytes,
            _ => self.unbounded(path),
        }
    }

    fn bound(&mut self, path: &str) -> Option<&Bound> {
        let (declared, bound) = self.bounds.get_key_value(path)?;
        self.used.insert(declared);
        Some(bound)
    }

    fn unbounded(&mut self, path: &str) -> usize {
        self.missing.push(path.to_owned());
        0
    }
}
