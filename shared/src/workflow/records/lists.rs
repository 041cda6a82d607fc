use uuid::Uuid;

use super::{List, Records, owner_field};
use crate::{
    common::{
        Caller,
        page::{MAX_PAGE_BYTES, PageRequest, PageView, Total},
    },
    people::{Family, Record, View},
    workflow::Error,
};

impl Records {
    /// One page of a family's records, newest first, optionally of one owner. Two requests, and one for each further
    /// month.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn list(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Option<Uuid>,
        request: &PageRequest,
    ) -> Result<PageView<View>, Error> {
        let filters = [(owner_field(family), owner.map(|owner| owner.to_string()))];
        let list = List { path: family.path, filters: &filters, room: MAX_PAGE_BYTES };
        self.list_of(family, caller, owner, &list, request, |_| true).await
    }

    /// As [`Self::list`], with only the `wanted` records: a page may be short although the list continues.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(in crate::workflow) async fn list_of(
        &self,
        family: &Family,
        caller: &Caller,
        owner: Option<Uuid>,
        list: &List<'_>,
        request: &PageRequest,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<PageView<View>, Error> {
        let now = self.0.now();
        let (store, since) = (&self.0.store, caller.tenant_since());
        let page = store.list_records(caller, since, (family.kind, owner), request, now).await?;
        let total = match page.next {
            _ if !family.counted => None,
            // A page beyond the last one is empty; so may be a page whose records are all deleted.
            None if page.seen == 0 || !page.entries.is_empty() => Some(Total(Some(page.seen + page.entries.len()))),
            _ => Some(Total(store.count_records(caller, since, (family.kind, owner), now).await?)),
        };
        let page = page.map(|record| wanted(&record).then(|| family.view(&record, now)));
        let filters: Vec<_> =
            list.filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        Ok(PageView { total, ..PageView::within(list.room, list.path, &filters, request, page) })
    }
}
