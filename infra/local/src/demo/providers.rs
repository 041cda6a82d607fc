//! What differs between the providers: the request body, and where the originals of the evidence are.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cotejo_sandbox::LinkPicture;
use serde_json::{Value, json};

use super::{api::Api, hash, scripts::Script};
use crate::runtime::Local;

/// A provider for which the sandbox has a stand-in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    Auco,
    Link,
    Tecalis,
}

/// A picture, video or certificate that Cotejo must store.
pub(super) struct Original {
    /// What we call its kind.
    pub kind: &'static str,
    /// The person's attempt, or its place among the pictures of its kind.
    pub number: usize,
    pub place: Place,
    /// Hash of the sandbox's file, if the provider is the sandbox.
    pub made: Option<String>,
}

/// Where an original is.
pub(super) enum Place {
    /// Behind the provider's link, which expires.
    Link(String),
    /// Here: the demo submitted it, or the sandbox made it.
    Here(Bytes),
}

/// The kind of evidence that is a certificate.
pub(super) const CERTIFICATE: &str = "certificate";

/// LINK's pictures, under our names for them.
const SUBMITTED: [(LinkPicture, &str); 3] =
    [(LinkPicture::Front, "document_front"), (LinkPicture::Back, "document_back"), (LinkPicture::Selfie, "selfie")];

/// The request body for a process at Auco that follows `script`.
pub(super) fn auco_order(script: &str) -> Value {
    json!({
        "provider": "auco",
        "person": {"name": "Ana Torres Rojas", "phone": "+573001234567", "email": "ana@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1020304050"},
        "options": {"platform": "whatsapp", "email": "creator@example.com", "custom": {"sandbox": script}},
    })
}

impl Provider {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auco => "Auco",
            Self::Link => "LINK",
            Self::Tecalis => "Tecalis",
        }
    }

    pub(super) fn url(self, local: &Local) -> String {
        let setting = match self {
            Self::Auco => "COTEJO_AUCO_URL",
            Self::Link => "COTEJO_LINK_URL",
            Self::Tecalis => "COTEJO_TECALIS_URL",
        };
        local.env().get(setting).cloned().unwrap_or_default()
    }

    /// Whether the sandbox stands in for it; otherwise the environment names a server.
    pub(super) fn is_sandbox(self, local: &Local) -> bool {
        local.is_own_sandbox(&self.url(local))
    }

    /// Whether the demo works with the real provider. It does not where it needs the sandbox's authorizations (Tecalis) or
    /// pictures (LINK).
    pub(super) fn works_elsewhere(self) -> bool {
        self == Self::Auco
    }

    /// Whether it is a real provider, which writes to the people in a request.
    pub(super) fn reaches_people(self, local: &Local) -> bool {
        let url = self.url(local);
        let host = reqwest::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned));
        !self.is_sandbox(local) && !matches!(host.as_deref(), Some("127.0.0.1" | "localhost" | "[::1]"))
    }

    /// Whether it sends callbacks.
    pub(super) fn calls_back(self) -> bool {
        self != Self::Tecalis
    }

    /// The request body for a process that follows `script`.
    pub(super) async fn order(self, api: &Api, local: &Local, script: &Script) -> Result<Value, String> {
        let mut order = match self {
            Self::Auco => return Ok(auco_order(script.words)),
            Self::Link => json!({"provider": "link", "pictures": submit(api, local, script).await?, "options": {}}),
            Self::Tecalis => {
                json!({"provider": "tecalis", "options": {"auth_uuid": api.authorize(script.words).await?}})
            }
        };
        order["person"] = json!({"name": "Carmen Española Española"});
        order["document"] = json!({"country": "ES", "type": "DNI", "number": "99999999R"});
        for option in script.options {
            order["options"][option] = true.into();
        }
        Ok(order)
    }

    /// The originals of a process's evidence, with fresh links.
    pub(super) async fn originals(
        self,
        api: &Api,
        local: &Local,
        script: &Script,
        reference: &str,
    ) -> Result<Vec<Original>, String> {
        match self {
            Self::Auco => Ok(of_auco(&api.ask_auco(reference).await?, local, reference)),
            Self::Link => of_link(local, script, reference),
            Self::Tecalis => Ok(of_tecalis(&api.ask_tecalis(reference).await?, local, reference)),
        }
    }
}

fn drawn(local: &Local, kind: LinkPicture, script: &Script) -> Result<Bytes, String> {
    local.sandbox().link_picture(kind, script.words).map_err(|error| error.to_string())
}

/// The pictures of a request, in both possible ways: the document inline, the face as an upload.
async fn submit(api: &Api, local: &Local, script: &Script) -> Result<Value, String> {
    let mut pictures = json!({});
    for (kind, name) in SUBMITTED {
        let picture = drawn(local, kind, script)?;
        pictures[name] = match kind {
            LinkPicture::Selfie => json!({"upload_id": api.upload("image/jpeg", picture).await?}),
            _ => json!({"content": BASE64.encode(picture)}),
        };
    }
    Ok(pictures)
}

fn of_auco(answer: &Value, local: &Local, code: &str) -> Vec<Original> {
    let kinds = [
        ("identificationCardFront", "document_front"),
        ("identificationCardBack", "document_back"),
        ("photo", "selfie"),
    ];
    let attempts = answer["attempts"].as_array().into_iter().flatten().enumerate();
    let originals = attempts.flat_map(|(attempt, value)| {
        kinds.into_iter().filter_map(move |(theirs, kind)| {
            let made = local.sandbox().picture(code, attempt, theirs).map(|bytes| hash(&bytes));
            let place = Place::Link(value[theirs].as_str()?.to_owned());
            Some(Original { kind, number: attempt + 1, place, made })
        })
    });
    originals.collect()
}

fn of_link(local: &Local, script: &Script, id: &str) -> Result<Vec<Original>, String> {
    let here = |kind, bytes: Bytes| {
        let made = Some(hash(&bytes));
        Original { kind, number: 1, place: Place::Here(bytes), made }
    };
    let mut originals = Vec::new();
    for (kind, name) in SUBMITTED {
        originals.push(here(name, drawn(local, kind, script)?));
    }
    originals.extend(local.sandbox().link_certificate(id).map(|bytes| here(CERTIFICATE, bytes)));
    Ok(originals)
}

fn of_tecalis(answer: &Value, local: &Local, authorization: &str) -> Vec<Original> {
    let made = local.sandbox().tecalis_pictures(authorization);
    let kinds = [
        ("OCR", "ocr_front", "document_front"),
        ("OCR", "ocr_back", "document_back"),
        ("OCR", "temporary", "frame"),
        ("POL", "selfie", "selfie"),
        ("POL", "temporary", "frame"),
    ];
    let linked = |link: &Value| Place::Link(link.as_str().unwrap_or_default().to_owned());
    let mut originals = Vec::new();
    for (operation, theirs, kind) in kinds {
        let links = answer["operations"][operation]["images"][theirs].as_array();
        for (link, number) in links.into_iter().flatten().zip(1..) {
            let name = format!("{operation}/{theirs}/{number}");
            let made = made.iter().find(|(made, _)| *made == name).map(|(_, bytes)| hash(bytes));
            originals.push(Original { kind, number, place: linked(link), made });
        }
    }
    let video = &answer["general"]["video"];
    if video.is_string() {
        let made = local.sandbox().tecalis_video(authorization).map(|(_, sha256)| hex::encode(sha256));
        originals.push(Original { kind: "video", number: 1, place: linked(video), made });
    }
    originals
}
