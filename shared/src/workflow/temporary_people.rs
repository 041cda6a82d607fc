//! Making a person of a temporary one, once.
//!
//! Everything is looked at before anything is stored. What is made has ids that follow from the temporary person's, so that a
//! request that stopped half way is finished by the next one.

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

/// What a request may bring.
static FIELDS: [Field; 4] = [
    Field::optional("person_data", FieldType::Object),
    Field::optional("employment_data", FieldType::Object),
    Field::optional("bank_data", FieldType::Object),
    Field::optional("extra_data", FieldType::Object),
];

/// Makes a person, with employment and bank account where either is known, of what is known of the temporary person and what is
/// `given`, which overrides it. One read, a transaction for each record that is made, and a read and a transaction more.
///
/// # Errors
/// 404 where there is no such temporary person; 422 with every wrong field, by the part that it is in.
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
    // The parts' request says nothing: whatever it says, it is made once.
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
        // Somebody else was faster, with the same person.
        Err(Error::NotFound(_)) => Ok(Created { record: person, replayed: true }),
        Err(error) => Err(error),
    }
}

/// What a person's own transaction found wrong, by the part that it is in.
fn within_person_data(error: Error) -> Error {
    match error {
        Error::Invalid(fields) => Error::Invalid(fields.into_iter().map(|field| field.within("person_data")).collect()),
        error => error,
    }
}
