//! What makes a family of records.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Field, Fields, Kind, Record, View,
    schema::{self, Read},
};
use crate::common::{FieldError, RawJson};

/// A family: everything that the generic use cases need to know of one kind of record. A family that is only fields is one
/// value of this type and nothing else.
pub struct Family {
    /// What its records are.
    pub kind: Kind,
    /// The path of its list.
    pub path: &'static str,
    /// Its fields, in the order in which they are shown.
    pub fields: &'static [Field],
    /// What each record belongs to.
    pub owner: Option<Owner>,
    /// Which records of other families the fields name, beside the owner; they must be there.
    pub references: Option<fn(&Fields) -> Vec<Named>>,
    /// Fields whose value no two records of a tenant share.
    pub unique: &'static [&'static str],
    /// The status that creating one is answered with.
    pub created: u16,
    /// Rules over several fields, and values that follow from others, on the values as they would be stored.
    pub validate_and_derive: Option<ValidateAndDerive>,
    /// What is shown beyond the fields, at the present moment.
    pub show: Option<Show>,
    /// What is shown and nobody sets, beside the times: it follows from other values. Where it comes back it counts for nothing.
    pub derived: &'static [&'static str],
    /// What its owner keeps of it.
    pub owner_projection: Option<ProjectionRule>,
    /// The field by whose value records of one owner are looked for; others may have the same.
    pub listed: Option<&'static str>,
    /// Entries of a page of its list where nothing else is asked for, if not as many as elsewhere.
    pub per_page: Option<usize>,
    /// Whether pages of its list say how many entries it has.
    pub counted: bool,
    /// The field behind which its times are shown; the last where there is none.
    pub times_after: Option<&'static str>,
    /// The event of a creation, where it is not that its owner's data changed.
    pub created_event: Option<&'static str>,
}

/// Rules and consequences of a request, at the present moment: changes the values, and says what is wrong with them.
pub type ValidateAndDerive = fn(&mut Fields, &Change<'_>, Timestamp) -> Vec<FieldError>;
/// Adds to what is shown of a record at the present moment.
pub type Show = fn(&Record, &mut View, Timestamp);

/// How an owner keeps what it must know of the records of a family without asking an index, which lags.
pub struct ProjectionRule {
    /// In which map of its item.
    pub map: &'static str,
    /// Under which name, and what. A family whose records are read by their owner goes by their ids.
    pub of: fn(&Record) -> (String, RawJson),
}

/// What an owner keeps of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerProjection {
    /// In which map of its item.
    pub map: &'static str,
    /// Under which name.
    pub name: String,
    /// What it keeps.
    pub said: RawJson,
}

/// A record that a field names: the field, what it is, and which.
pub type Named = (&'static str, Kind, Uuid);

/// The record that `field` names, if it names one.
#[must_use]
pub fn named(fields: &Fields, field: &'static str, kind: Kind) -> Vec<Named> {
    let id = fields.get(field).and_then(RawJson::read);
    id.map(|id| (field, kind, id)).into_iter().collect()
}

/// What records of a family belong to.
pub struct Owner {
    /// The field that names it.
    pub field: &'static str,
    /// Its kind.
    pub kind: Kind,
}

/// What a request does to a record.
pub struct Change<'a> {
    /// The values that it brings.
    pub given: &'a Fields,
    /// The values before it; a new record has none.
    pub present: Option<&'a Fields>,
}

impl Change<'_> {
    /// Whether it brings another value of a field than there was.
    #[must_use]
    pub fn touches(&self, field: &str) -> bool {
        let given = self.given.get(field);
        given.is_some() && given != self.present.and_then(|present| present.get(field))
    }
}

/// The times that every record shows.
const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// The event that a person's data changed.
pub const UPDATED_DATA: &str = "updated_data_to_person";

impl Family {
    /// A family that is only fields, belonging to a person.
    #[must_use]
    pub const fn of_person(kind: Kind, path: &'static str, fields: &'static [Field]) -> Self {
        Self {
            kind,
            path,
            fields,
            owner: Some(Owner { field: "person_id", kind: Kind::Person }),
            references: None,
            unique: &[],
            created: 201,
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

    /// Reads what a request brings for a record whose present values are `present`; a new one has none. Where `whole`, it must
    /// bring every field that is required.
    ///
    /// # Errors
    /// Every field that is not as it should be.
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

    /// What a request brings beyond what `record` shows at this moment: whoever sends back what was shown, with a change or two, brings
    /// these alone. What only we set, and never changes by itself, is refused later where it differs.
    #[must_use]
    pub fn brought(&self, given: &Fields, record: &Record, now: Timestamp) -> Fields {
        let shown = self.view(record, now);
        let is_shown = |name: &str, value: &RawJson| match name {
            // In any form that a path takes.
            "id" => value.read() == Some(record.id),
            _ => shown.part(name).is_some_and(|part| part.says_as(value)),
        };
        let follows = |name: &str| TIMES.contains(&name) || self.derived.contains(&name);
        let brought = given.iter().filter(|(name, value)| !follows(name) && !is_shown(name, value));
        brought.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What the owner keeps of a record.
    #[must_use]
    pub fn project(&self, record: &Record) -> Option<OwnerProjection> {
        let ProjectionRule { map, of } = self.owner_projection.as_ref()?;
        let (name, said) = of(record);
        Some(OwnerProjection { map, name, said })
    }

    fn is_stored(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && field.is_shown())
    }

    /// The record as customers see it.
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

    /// The event of a record's change; `None` where nobody is told.
    #[must_use]
    pub fn event(&self, new: bool) -> Option<&'static str> {
        let of_person =
            self.kind == Kind::Person || self.owner.as_ref().is_some_and(|owner| owner.kind == Kind::Person);
        self.created_event.filter(|_| new).or(of_person.then_some(UPDATED_DATA))
    }
}

/// One problem a field, the first: what has not even the right form needs no more to be said of it.
#[must_use]
pub(crate) fn distinct(problems: impl IntoIterator<Item = FieldError>) -> Vec<FieldError> {
    let mut seen = std::collections::HashSet::new();
    problems.into_iter().filter(|problem| seen.insert(problem.field.clone())).collect()
}
