//! What differs between the companies: how a verification there is ordered, and how they show their pictures.

use serde_json::{Value, json};

use super::{api::Api, hash};
use crate::runtime::Local;

/// A company that the sandbox plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    Auco,
    Tecalis,
}

/// A picture that the company shows.
pub(super) struct Shown {
    /// What we call its kind.
    pub kind: &'static str,
    /// The person's attempt, or its place among the pictures of its kind.
    pub number: usize,
    /// The company's link to it.
    pub link: String,
    /// Hash of what the sandbox drew, where it is ours.
    pub drawn: Option<String>,
}

/// The body that creates a process at Auco which goes as `script` says.
pub(super) fn auco_order(script: &str) -> Value {
    json!({
        "provider": "auco",
        "person": {"name": "Ana Torres Rojas", "phone": "+573001234567", "email": "ana@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1020304050"},
        "options": {"platform": "whatsapp", "email": "creator@example.com", "custom": {"sandbox": script}},
    })
}

impl Company {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auco => "Auco",
            Self::Tecalis => "Tecalis",
        }
    }

    /// Its base URL.
    pub(super) fn url(self, local: &Local) -> String {
        let setting = match self {
            Self::Auco => "COTEJO_AUCO_URL",
            Self::Tecalis => "COTEJO_TECALIS_URL",
        };
        local.env().get(setting).cloned().unwrap_or_default()
    }

    /// Whether the sandbox plays it; otherwise it is a server of the environment.
    pub(super) fn is_played(self, local: &Local) -> bool {
        local.is_own_sandbox(&self.url(local))
    }

    /// Whether it says by itself when something has happened.
    pub(super) fn calls_back(self) -> bool {
        self == Self::Auco
    }

    /// The body that creates a process which goes as `script` says.
    pub(super) async fn order(self, api: &Api, script: &str) -> Result<Value, String> {
        if self == Self::Auco {
            return Ok(auco_order(script));
        }
        let authorization = api.authorize(script).await?;
        Ok(json!({
            "provider": "tecalis",
            "person": {"name": "Carmen Española Española"},
            "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
            "options": {"auth_uuid": authorization},
        }))
    }

    /// The pictures that the company shows of a process, with fresh links.
    pub(super) async fn pictures(self, api: &Api, local: &Local, reference: &str) -> Result<Vec<Shown>, String> {
        match self {
            Self::Auco => Ok(of_auco(&api.ask_auco(reference).await?, local, reference)),
            Self::Tecalis => Ok(of_tecalis(&api.ask_tecalis(reference).await?, local, reference)),
        }
    }
}

fn of_auco(answer: &Value, local: &Local, code: &str) -> Vec<Shown> {
    let kinds = [
        ("identificationCardFront", "document_front"),
        ("identificationCardBack", "document_back"),
        ("photo", "selfie"),
    ];
    let attempts = answer["attempts"].as_array().into_iter().flatten().enumerate();
    let shown = attempts.flat_map(|(attempt, value)| {
        kinds.into_iter().filter_map(move |(theirs, kind)| {
            let drawn = local.sandbox().picture(code, attempt, theirs).map(|bytes| hash(&bytes));
            Some(Shown { kind, number: attempt + 1, link: value[theirs].as_str()?.to_owned(), drawn })
        })
    });
    shown.collect()
}

fn of_tecalis(answer: &Value, local: &Local, authorization: &str) -> Vec<Shown> {
    let drawn = local.sandbox().tecalis_pictures(authorization);
    let kinds = [
        ("OCR", "ocr_front", "document_front"),
        ("OCR", "ocr_back", "document_back"),
        ("OCR", "temporary", "frame"),
        ("POL", "selfie", "selfie"),
        ("POL", "temporary", "frame"),
    ];
    let mut shown = Vec::new();
    for (operation, theirs, kind) in kinds {
        let links = answer["operations"][operation]["images"][theirs].as_array();
        for (link, number) in links.into_iter().flatten().zip(1..) {
            let name = format!("{operation}/{theirs}/{number}");
            let drawn = drawn.iter().find(|(drawn, _)| *drawn == name).map(|(_, bytes)| hash(bytes));
            shown.push(Shown { kind, number, link: link.as_str().unwrap_or_default().to_owned(), drawn });
        }
    }
    shown
}
