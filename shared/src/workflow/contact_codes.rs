//! Verifies a phone or an e-mail address: a code of six digits is sent to it, and the person enters the code.
//!
//! A code is valid for ten minutes and five tries. Only the last code counts. A contact gets at most five codes an
//! hour. A code that the sender refused is not counted; after a timeout the code is counted, because the person may
//! have received it. `verify` first confirms the contact and then uses up the code, so a crash in between loses
//! nothing.

use jiff::SignedDuration;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::records::{Next, Records};
use crate::{
    common::{
        Authority as _, Caller, RawJson,
        values::{email::mailbox, phone},
    },
    deployment::Deployment,
    notify::{
        Sender, Sent,
        sms::{self, SmsAccount, TEXT},
    },
    people::{
        FieldType, Fields, Record,
        families::{CONTACTS, PEOPLE},
        family::UPDATED_DATA,
        schema,
    },
    platform::secrets::keyed_hash,
    store::{
        StoreError,
        codes::{Grant, NewCode},
        records::RecordItem,
    },
    workflow::Error,
};

/// How many times sending a code is tried before the customer gets an error.
const TRIES: usize = 2;
/// How long a code is valid.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How many times one code may be tried.
const MAX_TRIES: u32 = 5;
/// How many codes one contact may receive within [`WITHIN`].
const MAX_SENT: u64 = 5;
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The channel of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Sms,
    Email,
}

impl Way {
    /// The field of a contact that holds the destination.
    fn field(self) -> &'static str {
        match self {
            Self::Sms => "phone",
            Self::Email => "email",
        }
    }

    /// The field that records the confirmation.
    fn confirmation(self) -> &'static str {
        match self {
            Self::Sms => "sms_confirmation",
            Self::Email => "email_confirmation",
        }
    }

    /// The canonical form of a phone or an address.
    fn plain(self, value: &str) -> String {
        match self {
            Self::Sms => phone::known(value),
            Self::Email => mailbox(value),
        }
    }

    fn form(self) -> FieldType {
        match self {
            Self::Sms => FieldType::Phone,
            Self::Email => FieldType::Email,
        }
    }
}

pub struct ContactCodes {
    records: Records,
    sender: Sender,
}

/// The contact of a request.
struct Wanted {
    person: Uuid,
    value: String,
    code: Option<String>,
}

impl ContactCodes {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self { records: Records::new(deployment), sender: Sender::new(&deployment.platform) }
    }

    /// Sends a code. Four requests, and the message; one more if the message was not accepted.
    ///
    /// # Errors
    /// `NotFound` if the person has no such contact; `Invalid` with every wrong field; `NotSetUp` if no sender is set
    /// up; `TooManyCodes` after five codes within an hour; `CodeNotTaken` if the tenant's own provider does not accept
    /// the message; `CodeNotSent` if our mail does not.
    pub async fn send(&self, caller: &Caller, way: Way, given: &Fields) -> Result<(), Error> {
        let wanted = read(way, given, false)?;
        self.contacts(caller, way, &wanted).await?;
        let services = self.records.services();
        let account = match way {
            Way::Email if !self.sender.has_mail() => return Err(Error::NotSetUp("Sending e-mail")),
            Way::Email => None,
            Way::Sms => match services.platform.secrets.account(caller.tenant(), sms::ACCOUNT).await? {
                None => return Err(Error::NotSetUp("Sending SMS")),
                Some(account) => Some(account.read::<SmsAccount>()?),
            },
        };
        let code = format!("{:06}", (services.entropy().fraction() * 1_000_000.0) as u32);
        let hashes = self.hashes(way, &wanted, &code).await?;
        let Some((contact, hash)) = hashes.first() else { return Err(Error::Unavailable) };
        let grant = self.grant(caller, contact, hash).await?;
        let mut may_be_there = false;
        for _ in 0..TRIES {
            let sent = match &account {
                Some(account) => self.sender.sms(account, &wanted.value, &code).await,
                None => {
                    let text = TEXT.replace("{code}", &code);
                    self.sender.mail(wanted.value.clone().into(), "Código de verificación", &text).await
                }
            };
            match sent {
                Sent::Taken => return Ok(()),
                Sent::Uncertain => may_be_there = true,
                Sent::Refused => {}
            }
        }
        if !may_be_there {
            services.store.take_code_back(grant).await?;
        }
        Err(if account.is_some() { Error::CodeNotTaken } else { Error::CodeNotSent })
    }

    /// Stores the hash of the code that counts from now on. Two requests, and two for each lost race.
    async fn grant(&self, caller: &Caller, contact: &str, hash: &str) -> Result<Grant, Error> {
        let services = self.records.services();
        let mut races = services.races();
        loop {
            let now = services.now();
            let before = services.store.sent_codes(caller, contact).await?;
            let since = before.since().filter(|since| *since + WITHIN > now);
            let sent = since.map_or(0, |_| before.sent());
            if sent >= MAX_SENT {
                let again = since.map_or(now, |since| since + WITHIN).duration_since(now).as_secs();
                return Err(Error::TooManyCodes { retry_after: u32::try_from(again).unwrap_or(0).max(1) });
            }
            let code = NewCode {
                hash,
                good_until: now + GOOD_FOR,
                since: since.unwrap_or(now),
                sent: sent + 1,
                forget_at: now + WITHIN + GOOD_FOR,
            };
            match services.store.put_code(caller, contact, before, &code).await {
                Err(StoreError::Conflict) => races.lose().await?,
                granted => return Ok(granted?),
            }
        }
    }

    /// Verifies a code and confirms the person's contacts with that phone or address. Three requests, one read and one
    /// transaction for each contact, and one more request.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::send`]; `Invalid` if the code is wrong or expired.
    pub async fn verify(&self, caller: &Caller, way: Way, given: &Fields) -> Result<(), Error> {
        let wanted = read(way, given, true)?;
        let contacts = self.contacts(caller, way, &wanted).await?;
        let hashes = self.hashes(way, &wanted, wanted.code.as_deref().unwrap_or_default()).await?;
        let store = &self.records.services().store;
        let mut counts = None;
        for (contact, hash) in &hashes {
            // The code may have been sent when another key was first.
            if let Some(sent) = store.try_code(caller, contact, MAX_TRIES, self.records.now()).await? {
                counts = Some((contact, hash, sent));
                break;
            }
        }
        let over = || Error::invalid_field("code", "has expired or was tried too often");
        let (contact, hash, counts) = counts.ok_or_else(over)?;
        if !bool::from(counts.as_bytes().ct_eq(hash.as_bytes())) {
            return Err(Error::invalid_field("code", "is not the code that was sent last"));
        }
        for record in contacts {
            self.confirm(caller, way, &record).await?;
        }
        Ok(store.use_code(caller, contact, hash).await?)
    }

    /// Confirms a contact, unless it changed since it was read.
    async fn confirm(&self, caller: &Caller, way: Way, contact: &Record) -> Result<(), Error> {
        let confirm = |item: &mut RecordItem| {
            if item.record.text(way.field()) != contact.text(way.field()) {
                return Ok(Next::Leave);
            }
            item.record.fields.insert(way.confirmation().to_owned(), RawJson::of(&true));
            Ok(Next::Store)
        };
        self.records.change(&CONTACTS, caller, contact.id, Some(UPDATED_DATA), confirm).await.map(|_| ())
    }

    /// The person's contacts with that phone or address.
    async fn contacts(&self, caller: &Caller, way: Way, wanted: &Wanted) -> Result<Vec<Record>, Error> {
        let person = self.records.get(&PEOPLE, caller, wanted.person).await?;
        let mut contacts = self.records.kept(&CONTACTS, caller, &person).await?;
        contacts.retain(|contact| way.plain(&contact.text(way.field())) == way.plain(&wanted.value));
        if contacts.is_empty() { Err(Error::NotFound("contact")) } else { Ok(contacts) }
    }

    /// Keyed hashes of the contact, and of the contact with its code, under each key. New codes use the first key.
    async fn hashes(&self, way: Way, wanted: &Wanted, code: &str) -> Result<Vec<(String, String)>, Error> {
        let secrets = self.records.services().platform.secrets.current().await?;
        let contact = format!("code\u{0}{}\u{0}{}\u{0}{}", way.field(), wanted.person, way.plain(&wanted.value));
        let with_code = format!("{contact}\u{0}{code}");
        let hashes = secrets.code_keys.iter().map(|key| {
            let key = key.key.bytes()?;
            Ok((keyed_hash(&contact, &key), keyed_hash(&with_code, &key)))
        });
        hashes.collect()
    }
}

fn read(way: Way, given: &Fields, with_code: bool) -> Result<Wanted, Error> {
    let fields = [
        schema::Field::required("person_id", FieldType::Id),
        schema::Field::required(way.field(), way.form()),
        schema::Field::required("code", FieldType::Digits(6, 6)),
    ];
    let read = schema::read(if with_code { &fields } else { &fields[..2] }, given, true);
    if !read.problems.is_empty() {
        return Err(Error::Invalid(read.problems));
    }
    let text = |name: &str| read.given.get(name).and_then(RawJson::read::<String>);
    let person = read.given.get("person_id").and_then(RawJson::read).unwrap_or_default();
    Ok(Wanted { person, value: text(way.field()).unwrap_or_default(), code: text("code") })
}
