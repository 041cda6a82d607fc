//! The imports of a file: every path into this crate, in `use` and elsewhere.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path of modules below the crate, and the item in the last module.
pub(super) type Module = Vec<String>;

/// One source file.
pub(super) struct SourceFile {
    pub(super) module: Module,
    /// Every path into the crate.
    pub(super) imports: Vec<Module>,
    /// Whether the file uses `lambda_http`, the HTTP of a function.
    pub(super) has_lambda_http: bool,
    /// Re-exported names, and their modules.
    pub(super) exports: Vec<(String, Module)>,
}

impl SourceFile {
    /// Parses the file `name` below `src` with the text `text`.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let mut module: Module = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let mut source =
            Self { module: module.clone(), imports: Vec::new(), exports: Vec::new(), has_lambda_http: false };
        source.walk(&module, text.parse::<TokenStream>().unwrap().into_iter().collect());
        source
    }

    /// Reads the tokens of the module `module`.
    fn walk(&mut self, module: &Module, tokens: Vec<TokenTree>) {
        let mut at = 0;
        while at < tokens.len() {
            self.has_lambda_http |= ident(&tokens, at).as_deref() == Some("lambda_http");
            let is_use = ident(&tokens, at) == Some("use".to_owned());
            if is_use {
                let is_public = at > 0 && matches!(ident(&tokens, at - 1).as_deref(), Some("pub"))
                    || at > 1 && ident(&tokens, at - 2).as_deref() == Some("pub");
                let end = (at..tokens.len()).find(|&end| is_punct(&tokens, end, ';')).unwrap_or(tokens.len());
                let mut paths = Vec::new();
                tree(&tokens[at + 1..end], &Vec::new(), &mut paths);
                self.has_lambda_http |= paths.iter().any(|path| path[0] == "lambda_http");
                for path in paths {
                    self.add(module, &path, is_public);
                }
                at = end;
            } else if let Some(first @ ("crate" | "super" | "self")) = ident(&tokens, at).as_deref()
                && !(at > 0 && is_punct(&tokens, at - 1, ':'))
            {
                let (path, end) = inline(&tokens, at);
                if path.len() > 1 || first == "crate" {
                    self.add(module, &path, false);
                }
                at = end;
            } else if ident(&tokens, at).as_deref() == Some("mod")
                && let (Some(name), Some(TokenTree::Group(group))) = (ident(&tokens, at + 1), tokens.get(at + 2))
            {
                let inner = [module.as_slice(), &[name]].concat();
                self.walk(&inner, group.stream().into_iter().collect());
                at += 3;
            } else {
                if let TokenTree::Group(group) = &tokens[at] {
                    self.walk(module, group.stream().into_iter().collect());
                }
                at += 1;
            }
        }
    }

    /// Adds a path as written in `module`; ignores a path that leaves the crate or leads nowhere.
    fn add(&mut self, module: &Module, path: &[String], is_public: bool) {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let full: Module = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("self") => [module.as_slice(), &path[1..]].concat(),
            Some("super") if supers <= module.len() => [&module[..module.len() - supers], &path[supers..]].concat(),
            // `pub use part::Name` in the module that has the part.
            _ if is_public => [module.as_slice(), path].concat(),
            _ => return,
        };
        if full.is_empty() || full[0] == "*" {
            return;
        }
        if is_public && let Some(name) = full.last() {
            self.exports.push((name.clone(), full.clone()));
        }
        if matches!(path.first().map(String::as_str), Some("crate" | "super" | "self")) {
            self.imports.push(full);
        }
    }
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, sign: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The path that begins at `at`, and the index after it.
fn inline(tokens: &[TokenTree], at: usize) -> (Module, usize) {
    let (mut path, mut at) = (vec![ident(tokens, at).unwrap()], at + 1);
    while is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':') {
        let Some(part) = ident(tokens, at + 2) else { break };
        path.push(part);
        at += 3;
    }
    (path, at)
}

/// Every path of a `use`.
fn tree(tokens: &[TokenTree], before: &Module, paths: &mut Vec<Module>) {
    for branch in tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
        let mut path = before.clone();
        for token in branch {
            match token {
                TokenTree::Ident(name) if name == "as" => break,
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    tree(&inner, &path, paths);
                    path.clear();
                }
                _ => {}
            }
        }
        if !path.is_empty() && path != *before {
            paths.push(path);
        }
    }
}
