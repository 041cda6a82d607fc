//! Converts a temporary person into a person, once.
//!
//! Everything is validated before anything is stored. The ids of the new records are derived from the temporary
//! person's id, so that the next request completes one that stopped half way.

use uuid::Uuid;

use super::records::{Created, Next, Records, Request};
use crate::{
    common::{Caller, RawJson},
    people::{
        Family, FieldType, Fields,
        families::{
            BANK_ACCOUNTS, EMPLOYMENTS, PEOPLE, TEMPORARY_PEOPLE,
            temporary::{self, CONVERTED},
        },
        schema::{self, Field},
    },
    workflow::Error,
};

/// The fields of the request.
static FIELDS: [Field; 4] = [
    Field::optional("person_data", FieldType::Object),
    Field::optional("employment_data", FieldType::Object),
    Field::optional("bank_data", FieldType::Object),
    Field::optional("extra_data", FieldType::Object),
];

/// Creates a person, with employment and bank account if they are known, from the temporary person and from `given`,
/// which takes precedence. One read, one transaction for each new record, and one more read and transaction.
///
/// # Errors
/// `NotFound` if the temporary person does not exist; `Invalid` with every wrong field, prefixed with its part.
pub async fn convert(records: &Records, caller: &Caller, id: Uuid, given: &Fields) -> Result<Created, Error> {
    let read = schema::read(&FIELDS, given, true);
    if !read.problems.is_empty() {
        return Err(Error::Invalid(read.problems));
    }
    let temporary = records.get(&TEMPORARY_PEOPLE, caller, id).await?;
    if let Some(person) = temporary.value::<Uuid>("person_id") {
        return Ok(Created { record: records.get(&PEOPLE, caller, person).await?, replayed: true });
    }
    let given = |name: &str| read.given.get(name).filter(|value| !value.is_null());
    let mut problems = Vec::new();
    let mut check = |part: &str, family: &Family, fields: &Fields| {
        let read = family.read(fields, None, true, records.now()).map_err(|wrong| {
            problems.extend(wrong.into_iter().map(|problem| problem.within(part)));
        });
        read.unwrap_or_default()
    };
    let person = temporary::person_data(&temporary, given("person_data"), given("extra_data"));
    let mut person = check("person_data", &PEOPLE, &person);
    person.insert("temporary_ref_id".to_owned(), RawJson::of(&id));
    let key = format!("temporary\t{id}");
    // All parts use an empty request: each part is created once, whatever the request contains.
    let nothing = Fields::new();
    let once = Request::new(&nothing, Some(&key));
    let person_id = once.id(&PEOPLE, caller).unwrap_or_default();
    let parts: [(&str, &'static Family); 2] = [("employment_data", &EMPLOYMENTS), ("bank_data", &BANK_ACCOUNTS)];
    let mut made = Vec::new();
    for (part, family) in parts {
        if let Some(mut fields) = temporary::part_data(&temporary, part, given(part)) {
            fields.insert("person_id".to_owned(), RawJson::of(&person_id));
            made.push((family, check(part, family, &fields)));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let person = records.make(&PEOPLE, caller, person, once.clone()).await.map_err(within_person_data)?.record;
    for (family, fields) in made {
        records.make(family, caller, fields, once.clone()).await?;
    }
    let linked = records.change(&TEMPORARY_PEOPLE, caller, id, Some(CONVERTED), |item| {
        if item.record.value::<Uuid>("person_id").is_some() {
            return Err(Error::NotFound("temporary person"));
        }
        item.record.fields.insert("person_id".to_owned(), RawJson::of(&person.id));
        Ok(Next::Store)
    });
    match linked.await {
        Ok(_) => Ok(Created { record: person, replayed: false }),
        // Another request converted it first, to the same person.
        Err(Error::NotFound(_)) => Ok(Created { record: person, replayed: true }),
        Err(error) => Err(error),
    }
}

/// Prefixes the errors of the person's transaction with its part.
fn within_person_data(error: Error) -> Error {
    match error {
        Error::Invalid(fields) => Error::Invalid(fields.into_iter().map(|field| field.within("person_data")).collect()),
        error => error,
    }
}
