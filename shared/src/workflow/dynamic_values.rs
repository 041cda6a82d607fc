//! A person's values of dynamic properties: save them, show the latest of each property, list all.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::records::{Created, List, Records, Request};
use crate::{
    common::{
        Caller, FieldError, RawJson,
        page::{Cursor, Listed, ListedPage, MAX_PAGE_BYTES, PageRequest, PageView},
    },
    people::{
        Fields, Record, View,
        families::{
            CATALOG_VALUES, DYNAMIC_PROPERTIES, DYNAMIC_VALUES, PEOPLE,
            dynamic::{self, CatalogValue},
        },
    },
    store::keys::{by_kind_sort, month},
    workflow::Error,
};

pub struct DynamicValues<'a>(pub &'a Records);

impl DynamicValues<'_> {
    /// Saves the values in `given` that a person has in the property `id`. One read and one transaction; one more read
    /// for each catalog and each catalog value, and one if there is a `key`.
    ///
    /// # Errors
    /// `NotFound` if the property does not exist; `Invalid` with every value that breaks the property's rules;
    /// `KeyReused` if the key was used with another body or property.
    pub async fn save(&self, caller: &Caller, id: Uuid, given: &Fields, key: Option<&str>) -> Result<Created, Error> {
        let mut given_with = given.clone();
        let named = given_with.insert("dynamic_property_id".to_owned(), RawJson::of(&id));
        let request = Request::new(&given_with, key);
        // A repeated request gets the same answer, even if the property or its catalogs changed since.
        if let Some(made) = self.0.replay(&DYNAMIC_VALUES, caller, &request).await? {
            return Ok(made);
        }
        let property = self.0.get(&DYNAMIC_PROPERTIES, caller, id).await?;
        let fields = DYNAMIC_VALUES.read(&given_with, None, true, self.0.now());
        let mut problems = fields.as_ref().err().cloned().unwrap_or_default();
        if named.is_some_and(|named| named.read::<Uuid>() != Some(id)) {
            problems.push(FieldError::new("dynamic_property_id", "must equal the value in the path"));
        }
        let entries = dynamic::descriptor(&property.fields);
        let values: Option<BTreeMap<String, RawJson>> = given.get("values").and_then(RawJson::read);
        let values = values.map(dynamic::normalized);
        let values = match values {
            Some(values) => {
                let listed = self.listed(caller, dynamic::needed_of_catalogs(&entries, &values)).await?;
                dynamic::check(&entries, &values, &listed).unwrap_or_else(|wrong| {
                    problems.extend(wrong);
                    Fields::new()
                })
            }
            None => Fields::new(),
        };
        let Some(mut fields) = fields.ok().filter(|_| problems.is_empty()) else {
            return Err(Error::Invalid(problems));
        };
        fields.insert("values".to_owned(), RawJson::of(&values));
        fields.insert("dynamic_descriptor".to_owned(), RawJson::of(&self.0.view(&DYNAMIC_PROPERTIES, &property)));
        self.0.make(&DYNAMIC_VALUES, caller, fields, request).await
    }

    /// The values among `asked` that their catalogs contain, by a consistent read.
    async fn listed(&self, caller: &Caller, asked: BTreeSet<CatalogValue>) -> Result<BTreeSet<CatalogValue>, Error> {
        let mut by_catalog = BTreeMap::<Uuid, BTreeSet<String>>::new();
        for (catalog, value) in asked {
            by_catalog.entry(catalog).or_default().insert(value);
        }
        let mut found = BTreeSet::new();
        for (catalog, values) in by_catalog {
            let listed = self.0.among_listed(&CATALOG_VALUES, caller, catalog, values).await?;
            found.extend(listed.into_iter().map(|value| (catalog, value)));
        }
        Ok(found)
    }

    /// One page of values, newest first, optionally of one person or of one property.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn list(
        &self,
        caller: &Caller,
        person: Option<Uuid>,
        property: Option<Uuid>,
        request: &PageRequest,
    ) -> Result<PageView<View>, Error> {
        let filters =
            [("person_id", person), ("descriptor_id", property)].map(|(name, id)| (name, id.map(|id| id.to_string())));
        let list = List { path: DYNAMIC_VALUES.path, filters: &filters, room: MAX_PAGE_BYTES };
        self.0.list_of(&DYNAMIC_VALUES, caller, person, &list, request, |record| is_in(record, property)).await
    }

    /// The values of one person: the latest of each property, as many as fit into one answer, whatever `per_page` says;
    /// with `all`, one page of all values. Newest first; optionally of one property.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such person.
    pub async fn of_person(
        &self,
        caller: &Caller,
        person: Uuid,
        all: bool,
        property: Option<Uuid>,
        request: &PageRequest,
    ) -> Result<PageView<View>, Error> {
        self.0.get(&PEOPLE, caller, person).await?;
        let path = format!("/people/{person}/dynamic-values");
        if all {
            let filters = [("all", Some("true".to_owned())), ("descriptor_id", property.map(|id| id.to_string()))];
            let list = List { path: &path, filters: &filters, room: MAX_PAGE_BYTES };
            let wanted = |record: &Record| is_in(record, property);
            return self.0.list_of(&DYNAMIC_VALUES, caller, Some(person), &list, request, wanted).await;
        }
        let mut seen = BTreeSet::new();
        let is_latest = |record: &Record| is_in(record, property) && seen.insert(property_of(record));
        let latest = self.0.all_owned(&DYNAMIC_VALUES, caller, person, is_latest).await?;
        let (now, cursor) = (self.0.now(), request.cursor.as_ref());
        let below = cursor.and_then(|cursor| cursor.below.as_deref());
        let rest = latest.iter().map(|record| (by_kind_sort(record.created_at, record.id), record));
        let rest = rest.filter(|(place, _)| below.is_none_or(|below| place.as_str() < below));
        let entries = rest.map(|(place, record)| Listed {
            entry: DYNAMIC_VALUES.view(record, now),
            after: Cursor { month: month(now), below: Some(place), seen: 0 },
        });
        let entries: Vec<_> = entries.collect();
        let label = if cursor.is_some() { request.page } else { 1 };
        let whole = PageRequest { page: label, per_page: entries.len().max(request.per_page), cursor: None };
        let listed = ListedPage { seen: cursor.map_or(0, |cursor| cursor.seen), entries, next: None };
        let property = property.map(|id| id.to_string());
        let filters: Vec<_> = property.iter().map(|id| ("descriptor_id", id.as_str())).collect();
        Ok(PageView::new(&path, &filters, &whole, listed))
    }
}

fn property_of(record: &Record) -> Option<Uuid> {
    record.value("dynamic_property_id")
}

fn is_in(record: &Record, property: Option<Uuid>) -> bool {
    property.is_none_or(|property| property_of(record) == Some(property))
}
