//! The records of an owner: from a list, which may lag, or from the owner's own item, which is consistent.

use uuid::Uuid;

use super::{List, Records, owner_field};
use crate::{
    common::{
        Caller,
        page::{Cursor, Listed, ListedPage, MAX_PER_PAGE, PageRequest, PageView},
    },
    people::{Family, Record, View},
    store::keys::{by_kind_sort, month},
    workflow::Error,
};

fn first_page() -> PageRequest {
    PageRequest { page: 1, per_page: MAX_PER_PAGE, cursor: None }
}

impl Records {
    /// The latest records of a family that belong to another record, for an answer: at most a hundred, and as many as
    /// fit into `room` bytes. The rest is a page of the family's own list. Two requests.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn owned(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Uuid,
        room: usize,
    ) -> Result<PageView<View>, Error> {
        let filters = [(owner_field(family), Some(owner.to_string()))];
        let list = List { path: family.path, filters: &filters, room };
        self.list_of(family, caller, Some(owner), &list, &first_page(), |_| true).await
    }

    /// The records of a family whose ids `owner` holds, newest first, by a consistent read. One request.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(in crate::workflow) async fn kept(
        &self,
        family: &Family,
        caller: &Caller,
        owner: &Record,
    ) -> Result<Vec<Record>, Error> {
        Ok(self.0.store.kept(caller, family, owner).await?)
    }

    /// As [`Self::kept`] for an answer: as many as fit into `room` bytes. The rest is a page of the family's own list.
    /// One request.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(in crate::workflow) async fn kept_within(
        &self,
        family: &Family,
        caller: &Caller,
        owner: &Record,
        room: usize,
    ) -> Result<PageView<View>, Error> {
        let now = self.0.now();
        let kept = self.kept(family, caller, owner).await?;
        let entries = kept.iter().map(|record| Listed {
            entry: family.view(record, now),
            after: Cursor { month: month(now), below: Some(by_kind_sort(record.created_at, record.id)), seen: 0 },
        });
        let listed = ListedPage { seen: 0, entries: entries.collect(), next: None };
        let owner = owner.id.to_string();
        Ok(PageView::within(room, family.path, &[(owner_field(family), &owner)], &first_page(), listed))
    }

    /// Every `wanted` record of a family that belongs to another record, newest first. The newest may be missing, so no
    /// decision may depend on the result. Two requests for each hundred.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub(in crate::workflow) async fn all_owned(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Uuid,
        mut wanted: impl FnMut(&Record) -> bool,
    ) -> Result<Vec<Record>, Error> {
        let (mut records, mut request) = (Vec::new(), first_page());
        loop {
            let page = self
                .0
                .store
                .list_records(caller, caller.tenant_since(), (family.kind, Some(owner)), &request, self.0.now())
                .await?;
            records.extend(page.entries.into_iter().map(|listed| listed.entry).filter(&mut wanted));
            match page.next {
                Some(next) => request.cursor = Some(next),
                None => return Ok(records),
            }
        }
    }
}
