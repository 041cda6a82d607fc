//! References: people who know a person.

use jiff::Timestamp;

use crate::people::{
    Family, Field, FieldType, Kind, ProjectionRule, Record, View,
    family::Names,
    lists::{self, Name},
};

/// References. The person keeps their ids.
pub static REFERENCES: Family = Family {
    owner_projection: Some(ProjectionRule::ids("reference")),
    show: Some(show_relation),
    derived: &["person_relation"],
    ..Family::of_person(
        Kind::Reference,
        Names { path: "/references", noun: "reference", resource: "person_reference" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::required("name", FieldType::Name),
            Field::required("phone", FieldType::Phone),
            Field::required("person_relation_id", FieldType::Entry(Name::PersonRelations)),
        ],
    )
};

fn show_relation(record: &Record, view: &mut View, _now: Timestamp) {
    let id = record.value("person_relation_id");
    let relation = id.and_then(|id| lists::entry(Name::PersonRelations, id));
    view.show_after("person_relation_id", "person_relation", &relation);
}
