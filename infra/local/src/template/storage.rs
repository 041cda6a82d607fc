//! Tables and buckets.

use jiff::SignedDuration;

use super::{Place, TemplateError, node::Node};

/// A DynamoDB table as the template defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// Whether the table must exist already; otherwise it is created.
    pub is_there: bool,
    /// The key: the hash attribute, and the range attribute if there is one.
    pub key: Vec<KeyAttribute>,
    /// Type of every attribute that is part of a key (`S`, `N` or `B`).
    pub attributes: Vec<(String, String)>,
    pub indexes: Vec<Index>,
    /// The stream's view type (`NEW_AND_OLD_IMAGES` …); `None` without a stream.
    pub stream_view: Option<String>,
    /// The TTL attribute: an item's expiry time in seconds since 1970.
    pub ttl_attribute: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyType,
}

/// The part an attribute plays in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    Hash,
    Range,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    pub key: Vec<KeyAttribute>,
    /// The attributes beside the keys.
    pub projection: Projection,
}

/// The attributes of an index beside its own and the table's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    KeysOnly,
    Include(Vec<String>),
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    /// The bucket's lifecycle rules.
    pub expirations: Vec<Expiration>,
}

/// Objects that are deleted some time after they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiration {
    /// What their keys begin with.
    pub prefix: String,
    pub life: SignedDuration,
}

impl Table {
    /// What `!GetAtt Table.StreamArn` gives locally: a stand-in that names the table. The store's own ARN is known only
    /// once the table exists.
    #[must_use]
    pub fn stream_arn(&self) -> String {
        stream_arn(&self.name)
    }
}

pub(crate) fn stream_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:local:{}:table/{table}/stream/local", Place::ACCOUNT)
}

/// Properties that protect data in the cloud and change nothing for a reader or writer.
const CLOUD_ONLY: &[&str] = &[
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "TableClass",
    "Tags",
    "WarmThroughput",
];

pub(super) fn table(node: &Node<'_>, name: String, is_there: bool) -> Result<Table, TemplateError> {
    let read = [
        "TableName",
        "BillingMode",
        "KeySchema",
        "AttributeDefinitions",
        "GlobalSecondaryIndexes",
        "StreamSpecification",
        "TimeToLiveSpecification",
    ];
    node.only(&[&read[..], CLOUD_ONLY].concat())?;
    if let Some(mode) = node.optional("BillingMode")
        && mode.text()? != "PAY_PER_REQUEST"
    {
        return Err(mode.error("only PAY_PER_REQUEST is known locally"));
    }
    Ok(Table {
        name,
        is_there,
        key: key(&node.required("KeySchema")?)?,
        attributes: attributes(&node.required("AttributeDefinitions")?)?,
        indexes: node.optional("GlobalSecondaryIndexes").map_or_else(|| Ok(Vec::new()), |list| indexes(&list))?,
        stream_view: node.optional("StreamSpecification").map(|stream| stream_view(&stream)).transpose()?,
        ttl_attribute: match node.optional("TimeToLiveSpecification") {
            Some(ttl) => ttl_attribute(&ttl)?,
            None => None,
        },
    })
}

fn attributes(definitions: &Node<'_>) -> Result<Vec<(String, String)>, TemplateError> {
    let mut attributes = Vec::new();
    for definition in definitions.items()? {
        definition.only(&["AttributeName", "AttributeType"])?;
        let kind = definition.required("AttributeType")?;
        if !["S", "N", "B"].contains(&kind.text()?) {
            return Err(kind.error("must be S, N or B"));
        }
        attributes.push((definition.required("AttributeName")?.text()?.to_owned(), kind.text()?.to_owned()));
    }
    Ok(attributes)
}

fn indexes(list: &Node<'_>) -> Result<Vec<Index>, TemplateError> {
    let mut indexes = Vec::new();
    for index in list.items()? {
        index.only(&["IndexName", "KeySchema", "Projection", "OnDemandThroughput", "WarmThroughput"])?;
        indexes.push(Index {
            name: index.required("IndexName")?.text()?.to_owned(),
            key: key(&index.required("KeySchema")?)?,
            projection: projection(&index.required("Projection")?)?,
        });
    }
    Ok(indexes)
}

fn stream_view(stream: &Node<'_>) -> Result<String, TemplateError> {
    stream.only(&["StreamViewType"])?;
    let view = stream.required("StreamViewType")?;
    if !["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"].contains(&view.text()?) {
        return Err(view.error("is not a stream view type"));
    }
    Ok(view.text()?.to_owned())
}

fn ttl_attribute(ttl: &Node<'_>) -> Result<Option<String>, TemplateError> {
    ttl.only(&["AttributeName", "Enabled"])?;
    let attribute = ttl.required("AttributeName")?.text()?.to_owned();
    Ok(ttl.required("Enabled")?.truth()?.then_some(attribute))
}

fn key(node: &Node<'_>) -> Result<Vec<KeyAttribute>, TemplateError> {
    let mut key = Vec::new();
    for part in node.items()? {
        part.only(&["AttributeName", "KeyType"])?;
        let kind = part.required("KeyType")?;
        let kind = match kind.text()? {
            "HASH" => KeyType::Hash,
            "RANGE" => KeyType::Range,
            _ => return Err(kind.error("must be HASH or RANGE")),
        };
        key.push(KeyAttribute { name: part.required("AttributeName")?.text()?.to_owned(), kind });
    }
    Ok(key)
}

fn projection(node: &Node<'_>) -> Result<Projection, TemplateError> {
    node.only(&["ProjectionType", "NonKeyAttributes"])?;
    let kind = node.required("ProjectionType")?;
    match kind.text()? {
        "ALL" => Ok(Projection::All),
        "KEYS_ONLY" => Ok(Projection::KeysOnly),
        "INCLUDE" => {
            let names = node.required("NonKeyAttributes")?.items()?;
            let names = names.iter().map(|name| name.text().map(str::to_owned));
            Ok(Projection::Include(names.collect::<Result<_, _>>()?))
        }
        _ => Err(kind.error("must be ALL, KEYS_ONLY or INCLUDE")),
    }
}

/// Properties of buckets that change no answer. Locally there are no versions, and every bucket has legal holds.
const BUCKET_CLOUD_ONLY: &[&str] = &[
    "BucketEncryption",
    "LoggingConfiguration",
    "ObjectLockEnabled",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
    "VersioningConfiguration",
];

pub(super) fn bucket(node: &Node<'_>, name: String) -> Result<Bucket, TemplateError> {
    node.only(&[&["BucketName", "LifecycleConfiguration"], BUCKET_CLOUD_ONLY].concat())?;
    let mut expirations = Vec::new();
    if let Some(lifecycle) = node.optional("LifecycleConfiguration") {
        lifecycle.only(&["Rules"])?;
        for rule in lifecycle.required("Rules")?.items()? {
            expirations.extend(expiration(&rule)?);
        }
    }
    Ok(Bucket { name, expirations })
}

/// What a lifecycle rule deletes. Rules for old versions and unfinished uploads have no effect locally.
fn expiration(rule: &Node<'_>) -> Result<Option<Expiration>, TemplateError> {
    rule.only(&[
        "Id",
        "Status",
        "Prefix",
        "ExpirationInDays",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    ])?;
    let Some(days) = rule.optional("ExpirationInDays") else { return Ok(None) };
    let prefix = rule.optional("Prefix").map(|prefix| prefix.text().map(str::to_owned)).transpose()?;
    let is_enabled = rule.required("Status")?.text()? == "Enabled";
    let days = i32::try_from(days.number()?).map_err(|_| days.error("must be a number of days"))?;
    let life = SignedDuration::from_hours(24 * i64::from(days));
    let expiration = Expiration { prefix: prefix.unwrap_or_default(), life };
    Ok(is_enabled.then_some(expiration))
}
