//! The fourth stage: the event source mappings between the table's stream and the functions.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{Base, stores::Stores};
use crate::{
    functions::RunningFunctions,
    options::{LocalError, Mode},
    stores::StoreError,
    stream::{Keep, Mapping, Poller, Positions, Trimmer},
    template::{Function, Place, StreamTrigger},
};

#[derive(Default)]
pub(super) struct Streams {
    pub pollers: Vec<Poller>,
    /// `None` where the stream is in a store of the environment.
    pub trimmer: Option<Trimmer>,
}

impl Streams {
    pub fn open(base: &Base, stores: &Stores, functions: &RunningFunctions) -> Result<Self, LocalError> {
        let positions = Arc::new(Positions::open(base.data.file("stream.json"))?);
        let mut pollers = Vec::new();
        for (mapping, stream) in mappings(base, &stores.streams, functions, !stores.has_ttl) {
            let positions = Arc::clone(&positions);
            pollers.push(Poller::new(base.access.streams(), &stream, &base.access.region, mapping, positions));
        }
        let trimmer = stores.database.clone().map(|database| Trimmer::new(database, positions, &pollers));
        Ok(Self { pollers, trimmer })
    }
}

/// Every stream trigger as a mapping, with the ARN that the store gave its stream.
fn mappings(
    base: &Base,
    streams: &HashMap<String, String>,
    running: &RunningFunctions,
    own_time: bool,
) -> Vec<(Mapping, String)> {
    let mut mappings = Vec::new();
    for function in &base.template.functions {
        for trigger in &function.streams {
            if let Some(arn) = streams.get(&trigger.stream) {
                mappings.push((mapping(base, running, function, trigger, own_time), arn.clone()));
            }
        }
    }
    mappings
}

fn mapping(
    base: &Base,
    running: &RunningFunctions,
    function: &Function,
    trigger: &StreamTrigger,
    own_time: bool,
) -> Mapping {
    let (running, name) = (running.clone(), function.crate_name.clone());
    Mapping {
        trigger: trigger.clone(),
        own_time,
        function_arn: format!("arn:aws:lambda:{}:{}:function:{name}", base.access.region, Place::ACCOUNT),
        invoke: Arc::new(move |event| {
            let function = running.get(&name);
            Box::pin(async move { function?.invoke(event).await })
        }),
        keep: keep(base.access.s3()),
        seams: base.seams.clone(),
        first_wait: if base.mode == Mode::Live { Duration::from_millis(200) } else { Duration::ZERO },
    }
}

/// Writes records that failed into their bucket.
fn keep(client: aws_sdk_s3::Client) -> Keep {
    Arc::new(move |bucket, key, content| {
        let put = client.put_object().bucket(bucket).key(key).content_type("application/json");
        let put = put.body(aws_sdk_s3::primitives::ByteStream::from(content)).send();
        Box::pin(async move { put.await.map(|_| ()).map_err(|error| StoreError::call("put", &error).to_string()) })
    })
}
