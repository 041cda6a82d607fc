//! What a family of records is: its names, fields, owner, uniqueness, rules, and how its records are read and shown.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Field, Fields, Kind, Record, View,
    schema::{self, Read},
};
use crate::common::{FieldError, RawJson};

/// Everything that the generic use cases need to know of one kind of record.
pub struct Family {
    pub kind: Kind,
    pub path: &'static str,
    /// What errors call a record.
    pub noun: &'static str,
    /// What events call a record.
    pub resource: &'static str,
    /// In the order in which they are shown.
    pub fields: &'static [Field],
    pub owner: Option<Owner>,
    /// The records that the fields refer to, beside the owner; they must exist.
    pub references: Option<fn(&Fields) -> Vec<Reference>>,
    /// Fields of which no two records of a tenant share a value.
    pub unique: &'static [&'static str],
    pub validate_and_derive: Option<ValidateAndDerive>,
    pub show: Option<Show>,
    /// What is shown and derived from other values. A request that sends it back has no effect.
    pub derived: &'static [&'static str],
    pub owner_projection: Option<ProjectionRule>,
    /// A field by whose value records of one owner can be found; it need not be unique.
    pub listed: Option<&'static str>,
    /// The default page size of its list, if it differs from other lists.
    pub per_page: Option<usize>,
    /// Whether pages of its list show the total.
    pub counted: bool,
    /// The field after which the times are shown; by default the last one.
    pub times_after: Option<&'static str>,
    /// The event of a creation, if it is not [`UPDATED_DATA`].
    pub created_event: Option<&'static str>,
}

/// What the records of a family are called.
pub struct Names {
    pub path: &'static str,
    /// In errors.
    pub noun: &'static str,
    /// In events: the seed's `model` or `resource_name`, where it has one.
    pub resource: &'static str,
}

/// Rules over several fields and derived values, on the values as they would be stored: changes them, and returns what is invalid.
pub type ValidateAndDerive = fn(&mut Fields, &Change<'_>, Timestamp) -> Vec<FieldError>;
/// Adds what is shown beyond the fields at this moment.
pub type Show = fn(&Record, &mut View, Timestamp);

/// How an owner keeps what it must know of a family's records, so that no index is asked: indexes lag.
pub struct ProjectionRule {
    /// The map in the owner's item.
    pub map: &'static str,
    /// The name in the map, and the value. The name is the record's id where the owner's records are read by it.
    pub of: fn(&Record) -> (String, RawJson),
}

/// What an owner keeps of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerProjection {
    pub map: &'static str,
    pub name: String,
    pub value: RawJson,
}

/// A reference to a record: the field, the kind and the id.
pub type Reference = (&'static str, Kind, Uuid);

/// The reference in `field`, if it has a value.
#[must_use]
pub fn reference(fields: &Fields, field: &'static str, kind: Kind) -> Vec<Reference> {
    let id = fields.get(field).and_then(RawJson::read);
    id.map(|id| (field, kind, id)).into_iter().collect()
}

/// What records of a family belong to.
pub struct Owner {
    /// The field with its id.
    pub field: &'static str,
    pub kind: Kind,
}

/// What a request does to a record.
pub struct Change<'a> {
    /// The values in the request.
    pub given: &'a Fields,
    /// The values before it; `None` for a new record.
    pub present: Option<&'a Fields>,
}

impl Change<'_> {
    /// Whether the request changes the field's value.
    #[must_use]
    pub fn touches(&self, field: &str) -> bool {
        let given = self.given.get(field);
        given.is_some() && given != self.present.and_then(|present| present.get(field))
    }
}

const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// The page size of those lists for which the seed shows 15.
pub const SHORT_PAGE: usize = 15;

/// The event that a person's data changed: a record of it was created or changed.
pub const UPDATED_DATA: &str = "updated_data_to_person";

impl ProjectionRule {
    /// Keeps the ids of the records and nothing else.
    #[must_use]
    pub const fn ids(map: &'static str) -> Self {
        Self { map, of: |record| (record.id.to_string(), RawJson::null()) }
    }
}

impl Family {
    /// A family of fields without rules, whose records belong to a person.
    #[must_use]
    pub const fn of_person(kind: Kind, names: Names, fields: &'static [Field]) -> Self {
        Self {
            kind,
            path: names.path,
            noun: names.noun,
            resource: names.resource,
            fields,
            owner: Some(Owner { field: "person_id", kind: Kind::Person }),
            references: None,
            unique: &[],
            validate_and_derive: None,
            show: None,
            derived: &[],
            owner_projection: None,
            listed: None,
            per_page: None,
            counted: false,
            times_after: None,
            created_event: None,
        }
    }

    /// Reads a request for a record whose values are `present`; a new record has none. `whole` demands every required field. Returns
    /// the values as they are stored.
    ///
    /// # Errors
    /// Every invalid field.
    pub fn read(
        &self,
        given: &Fields,
        present: Option<&Fields>,
        whole: bool,
        now: Timestamp,
    ) -> Result<Fields, Vec<FieldError>> {
        let Read { given, mut problems } = schema::read(self.fields, given, whole);
        let mut fields = present.cloned().unwrap_or_default();
        fields.extend(given.iter().filter(|(name, _)| self.is_stored(name)).map(|(n, v)| (n.clone(), v.clone())));
        if let Some(validate_and_derive) = self.validate_and_derive {
            problems.extend(validate_and_derive(&mut fields, &Change { given: &given, present }, now));
        }
        if problems.is_empty() { Ok(fields) } else { Err(distinct(problems)) }
    }

    /// What a request changes of what `record` shows at this moment, so that a customer can send back what was shown with a change
    /// or two. A read-only field that differs stays in, and is refused later.
    #[must_use]
    pub fn brought(&self, given: &Fields, record: &Record, now: Timestamp) -> Fields {
        let shown = self.view(record, now);
        let is_shown = |name: &str, value: &RawJson| match name {
            // In any spelling that a path accepts.
            "id" => value.read() == Some(record.id),
            _ => shown.part(name).is_some_and(|part| part.says_as(value)),
        };
        let follows = |name: &str| TIMES.contains(&name) || self.derived.contains(&name);
        let brought = given.iter().filter(|(name, value)| !follows(name) && !is_shown(name, value));
        brought.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    #[must_use]
    pub fn project(&self, record: &Record) -> Option<OwnerProjection> {
        let ProjectionRule { map, of } = self.owner_projection.as_ref()?;
        let (name, value) = of(record);
        Some(OwnerProjection { map, name, value })
    }

    /// Whether its records belong to one of that kind.
    #[must_use]
    pub fn belongs_to(&self, kind: Kind) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.kind == kind)
    }

    fn is_stored(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && field.is_shown())
    }

    /// The record as customers see it at this moment.
    #[must_use]
    pub fn view(&self, record: &Record, now: Timestamp) -> View {
        let mut view = View::default();
        view.show("id", &record.id);
        for field in self.fields.iter().filter(|field| field.is_shown()) {
            view.put(field.name, record.fields.get(field.name).cloned().unwrap_or_else(|| field.absent()));
        }
        let last = self.fields.iter().rfind(|field| field.is_shown()).map_or("id", |field| field.name);
        let before_times = self.times_after.unwrap_or(last);
        view.show_after(before_times, "updated_at", &record.updated_at);
        view.show_after(before_times, "created_at", &record.created_at);
        if let Some(show) = self.show {
            show(record, &mut view, now);
        }
        view
    }

    /// The event of a record's creation or change; `None` where nobody is notified.
    #[must_use]
    pub fn event(&self, new: bool) -> Option<&'static str> {
        let of_person = self.kind == Kind::Person || self.belongs_to(Kind::Person);
        self.created_event.filter(|_| new).or(of_person.then_some(UPDATED_DATA))
    }
}

/// The first problem of each field: a value of the wrong type needs no further message.
#[must_use]
pub(crate) fn distinct(problems: impl IntoIterator<Item = FieldError>) -> Vec<FieldError> {
    let mut seen = std::collections::HashSet::new();
    problems.into_iter().filter(|problem| seen.insert(problem.field.clone())).collect()
}
