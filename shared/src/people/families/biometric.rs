//! Biometric results, and the summary of them that a person shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    common::RawJson,
    people::{Family, Field, FieldType, Kind, ProjectionRule, Record, View, family::Names},
};

/// Results of biometric checks. The person keeps the latest of each type.
pub static BIOMETRIC_RESULTS: Family = Family {
    show: Some(show_type),
    derived: &["typeName"],
    owner_projection: Some(ProjectionRule { map: PROJECTIONS, of: project }),
    ..Family::of_person(
        Kind::BiometricResult,
        Names { path: "/biometric-results", noun: "biometric result", resource: "person_biometric" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("type", FieldType::Numbered(&TYPES)),
            Field::optional("facetec_id", FieldType::Text),
            Field::optional("execution_date", FieldType::Moment),
            Field::optional("metadata", FieldType::Object),
        ],
    )
};

const PROJECTIONS: &str = "biometric";

/// The types of biometric checks; answers show a type's index.
pub const TYPES: [&str; 5] = [LIVENESS, "ENROLL", "FACE_3D_MATCH", "FACE_2D_MATCH", FACE_MATCH_ID];

const LIVENESS: &str = "LIVENESS";
const FACE_MATCH_ID: &str = "FACE_MATCH_ID";

fn show_type(record: &Record, view: &mut View, _now: Timestamp) {
    let name = record.text("type");
    let number = TYPES.iter().position(|known| *known == name);
    view.replace("type", &number);
    view.show_after("type", "typeName", &name);
}

/// The type's latest result: what it says of liveness or of a match.
fn project(record: &Record) -> (String, RawJson) {
    let metadata = record.value::<Map<String, Value>>("metadata").unwrap_or_default();
    let part = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let at = record.value::<Timestamp>("execution_date").unwrap_or(record.created_at);
    let result = serde_json::json!({ "at": at, "safe": part("safe"), "match_level": part("matchLevel") });
    (record.text("type"), RawJson::of(&result))
}

#[derive(Deserialize)]
struct Latest {
    safe: Value,
    match_level: Value,
}

/// The `biometrics` that a person shows: what was given, overridden by its latest results: liveness by a result of type `LIVENESS`,
/// match and its level by one of type `FACE_MATCH_ID`.
#[must_use]
pub fn summary(person: &Record) -> Option<RawJson> {
    let latest = |kind: &str| {
        let mut results = person.projections_in(PROJECTIONS);
        results.find(|(name, _)| *name == kind)?.1.read::<Latest>()
    };
    let given = person.fields.get("biometrics").filter(|given| !given.is_null());
    let (liveness, matched) = (latest(LIVENESS), latest(FACE_MATCH_ID));
    if liveness.is_none() && matched.is_none() {
        return given.cloned();
    }
    let mut summary: BTreeMap<String, RawJson> = given.and_then(RawJson::read).unwrap_or_default();
    if let Some(liveness) = liveness {
        summary.insert("liveness".to_owned(), RawJson::of(&liveness.safe));
    }
    if let Some(matched) = matched {
        summary.insert("match_id".to_owned(), RawJson::of(&matched.safe));
        summary.insert("match_level".to_owned(), RawJson::of(&matched.match_level));
    }
    Some(RawJson::of(&summary))
}
