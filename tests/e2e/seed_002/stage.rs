//! A system in which there is one of everything that the seed's operations are about, made of the seed's own samples.

use std::collections::BTreeMap;

use cotejo_tests::{Answer, World};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::Sample;

/// The external id and the id at FaceTec of the stage's person.
pub const EXTERNAL_ID: &str = "external-987654321";
const FACETEC_ID: &str = "dev-12345678";

/// The stage.
pub struct Stage {
    pub world: World,
    /// What there is one of, by its list.
    ids: BTreeMap<&'static str, String>,
}

impl Stage {
    /// One with nothing on it but a temporary person, for what is made once.
    pub async fn bare(samples: &[Sample]) -> Self {
        let mut stage = Self { world: World::new().await, ids: BTreeMap::new() };
        stage.make("temporary-people", samples, &[]).await;
        stage
    }

    /// One with everything.
    pub async fn full(samples: &[Sample]) -> Self {
        let mut stage = Self::bare(samples).await;
        let operation = "POST /temporary-people/{id}/person";
        let request = stage.request(sample(samples, operation), amendment(operation));
        assert_eq!(stage.send(operation, request).await.status, 201);
        stage.world.clock.advance(SignedDuration::from_secs(1));
        stage.make("people-groups", samples, &[]).await;
        let ids = [
            ("\"external_ref_id\": null", "\"external_ref_id\": \"external-987654321\""),
            ("\"facetec_ref_id\": null", "\"facetec_ref_id\": \"dev-12345678\""),
            ("\"marital_status_id\": null", "\"marital_status_id\": 1"),
        ];
        stage.make("people", samples, &ids).await;
        for list in ["references", "employments", "financials", "bank-accounts", "notification-channels"] {
            stage.make(list, samples, amendment(&format!("POST /{list}"))).await;
        }
        for street in ["\"Venus\"", "\"Marte\""] {
            let amendment = [("\"Marte\"", street), ("\"source\": null", "\"source\": \"ine\"")];
            stage.make("addresses", samples, &amendment).await;
        }
        let reached = [("525591038054", "525546134819"), ("user@example", "test@example.com")];
        for amendment in [&reached[..], &[]] {
            stage.make("contacts", samples, amendment).await;
        }
        for kind in ["\"FACE_MATCH_ID\"", "\"LIVENESS\""] {
            stage.make("biometric-results", samples, &[("\"LIVENESS\"", kind)]).await;
        }
        stage.make("catalogs", samples, &[]).await;
        for value in ["\"test_01 and more\"", "\"test_01\""] {
            stage.make("catalog-values", samples, &[("\"test_01\"", value)]).await;
        }
        stage.make("dynamic-properties", samples, &[]).await;
        let operation = "POST /dynamic-properties/{id}/values";
        let request = stage.request(sample(samples, operation), amendment(operation));
        let made = stage.send(operation, request).await;
        stage.ids.insert("dynamic-values", made.id());
        stage
    }

    /// Makes what the seed's sample for a list asks for, with an amendment.
    pub async fn make(&mut self, list: &'static str, samples: &[Sample], amendment: &[(&str, &str)]) {
        let operation = format!("POST /{list}");
        let request = self.request(sample(samples, &operation), amendment);
        let made = self.send(&operation, request).await;
        assert!(matches!(made.status, 200 | 201), "{list}: {made:?}");
        self.ids.insert(list, made.id());
    }

    /// The id of what there is one of.
    pub fn id(&self, list: &str) -> &str {
        self.ids.get(list).map_or("71266b80-f04b-4a2c-9314-963d3a182f2a", String::as_str)
    }

    /// A request of the seed's about what is here, amended. Ids of it that name something are filler and become those of what is
    /// here; all else stays as it came.
    pub fn request(&self, sample: &Sample, amendment: &[(&str, &str)]) -> Option<String> {
        let mut text = sample.request.as_ref()?.get().to_owned();
        for (field, list) in [
            ("person_id", "people"),
            ("custom_catalog_id", "catalogs"),
            ("dynamic_property_id", "dynamic-properties"),
            ("catalog_id", "catalogs"),
        ] {
            let start = format!("\"{field}\": \"");
            if let Some(at) = text.find(&start).map(|at| at + start.len()) {
                text.replace_range(at..at + 36, self.id(list));
            }
        }
        text = text.replace(
            "\"ids\": [\"71266b80-f04b-4a2c-9314-963d3a182f2a\"",
            &format!("\"ids\": [{:?}", self.id("people")),
        );
        text = text.replace("[\"external-123456789\"]", &format!("[{EXTERNAL_ID:?}]"));
        Some(amendment.iter().fold(text, |text, (from, to)| text.replace(from, to)))
    }

    /// The path of an operation, about what is here.
    pub fn path(&self, operation: &str) -> String {
        let path = operation.split_once(' ').unwrap().1;
        let list = path.split('/').nth(1).unwrap();
        path.replace("{id}", self.id(list))
            .replace("{external_id}", EXTERNAL_ID)
            .replace("{facetec_id}", FACETEC_ID)
            .replace("{national_id}", "PESJ880212HDFHLX01")
    }

    /// Sees to it that what an operation is about is as it must be before it, whatever came before.
    pub async fn prepare(&self, operation: &str) {
        let person = format!("/people/{}", self.id("people"));
        if operation.contains(" /people") {
            let ids = json!({"external_ref_id": EXTERNAL_ID, "facetec_ref_id": FACETEC_ID, "marital_status_id": 1});
            self.world.customer.put(&person, &ids).await;
        }
        match operation {
            "POST /people/external/{external_id}/restore" => {
                assert_eq!(self.world.customer.call(Method::DELETE, &person, None).await.status, 200);
            }
            "POST /contacts/sms-codes/verify" | "POST /contacts/email-codes/verify" => {
                let send = operation.trim_end_matches("/verify");
                let contact = if send.contains("sms") {
                    json!({"person_id": self.id("people"), "phone": "525546134819"})
                } else {
                    json!({"person_id": self.id("people"), "email": "test@example.com"})
                };
                let sent = self.world.customer.post(send.trim_start_matches("POST "), &contact).await;
                assert_eq!(sent.status, 200, "{sent:?}");
            }
            _ => {}
        }
        self.world.catch_up();
    }

    /// Sends an operation.
    pub async fn send(&self, operation: &str, request: Option<String>) -> Answer {
        let (method, path) = (operation.split(' ').next().unwrap(), self.path(operation));
        let customer = &self.world.customer;
        match operation {
            "POST /people/import" => {
                customer.post_form(&path, &[("file", "national_id,name\nPESJ880212HDFHLX01,Juan\n")]).await
            }
            "POST /catalog-values/bulk" => {
                let rows = "type,label,value\nstring,Uno,uno\narray,Dos,\"[\"\"a\"\",\"\"b\"\"]\"\n";
                customer.post_form(&path, &[("custom_catalog_id", self.id("catalogs")), ("csv_file", rows)]).await
            }
            _ => customer.call_as(method.parse().unwrap(), &path, request).await,
        }
    }

    /// The code that was sent last, where any was.
    pub fn code(&self, operation: &str) -> String {
        let (sms, mails) = (self.world.local.sms(), self.world.local.mails());
        let is_sms = operation.contains("sms");
        let text = if is_sms { sms.last().map(|sms| &sms.text) } else { mails.last().map(|mail| &mail.text) };
        text.into_iter().flat_map(|text| text.chars()).filter(char::is_ascii_digit).take(6).collect()
    }
}

/// The sample of an operation.
pub fn sample<'a>(samples: &'a [Sample], operation: &str) -> &'a Sample {
    samples.iter().find(|sample| sample.operation == operation).unwrap()
}

/// What must be changed of a sample that does not go through as it stands, to see the answer all the same: what stands there, and what
/// takes its place.
pub fn amendment(operation: &str) -> &'static [(&'static str, &'static str)] {
    match operation {
        "POST /bank-accounts" | "PUT /bank-accounts/{id}" => &[("12345678901234568", "\"002010077777777771\"")],
        "POST /notification-channels" | "PUT /notification-channels/{id}" => &[("\"slack\"", "\"email\"")],
        "POST /dynamic-properties/{id}/values" => &[("\"example\": \"test_01\"", "\"test_01\": \"test_01 and more\"")],
        "POST /temporary-people/{id}/person" => {
            &[("\"person_data\": {}", "\"person_data\": {\"ignore_curp_validation\": true}")]
        }
        _ => &[],
    }
}
