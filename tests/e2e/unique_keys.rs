//! The key of unique values is replaced by another while environments know different keys, and one value stays one person's.

use cotejo::{
    people::{
        Fields,
        families::{GROUPS, PEOPLE},
    },
    platform::Platform,
    workflow::{Error, records::Records},
};
use cotejo_tests::{Disturbance, When, World, operator};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::juan;

const FIVE_MINUTES: SignedDuration = SignedDuration::from_mins(5);
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

/// An execution environment of the functions, with what it knew when it was last asked.
struct Environment {
    platform: Platform,
    records: Records,
}

impl Environment {
    /// One that knows the keys as they are now.
    async fn of(world: &World) -> Self {
        let deployment = world.environment();
        let environment = Self { records: Records::new(&deployment), platform: deployment.platform };
        environment.platform.warm().await.unwrap();
        environment
    }

    async fn insert(&self, number: &str) -> Result<Uuid, Error> {
        let made = self.records.create(&PEOPLE, &operator("local"), &person(number), None).await;
        made.map(|made| made.record.id)
    }

    async fn renumber(&self, id: Uuid, number: &str) -> Result<(), Error> {
        let given = fields(&json!({"national_id": number, "ignore_curp_validation": true}));
        self.records.update(&PEOPLE, &operator("local"), id, &given).await.map(|_| ())
    }
}

fn person(number: &str) -> Fields {
    let mut person = juan();
    person["national_id"] = json!(number);
    person["ignore_curp_validation"] = json!(true);
    fields(&person)
}

fn fields(value: &Value) -> Fields {
    serde_json::from_value(value.clone()).unwrap()
}

fn is_taken(outcome: &Result<Uuid, Error>) -> bool {
    matches!(outcome, Err(Error::Invalid(fields)) if fields.iter().any(|wrong| wrong.field == "national_id"))
}

/// What `cargo admin unique-keys` says as JSON.
async fn step(world: &World, word: &str) -> Value {
    let said = world.admin(&["unique-keys", word], "").await;
    said.unwrap_or_else(|error| panic!("{word}: {error}")).value().clone()
}

/// Why it does not do it.
async fn refused(world: &World, word: &str) -> String {
    let said = world.admin(&["unique-keys", word], "").await;
    said.err().unwrap_or_else(|| panic!("{word} was carried out")).to_string()
}

/// Both insert the same numbers, one before the other, the other before the one, and at once: each is one person's. Gives the
/// numbers.
async fn compete(step: &str, one: &Environment, other: &Environment) -> Vec<String> {
    let numbers = ["first", "second", "both"].map(|order| format!("{step}-{order}").to_uppercase());
    for (number, [first, second]) in numbers.iter().zip([[one, other], [other, one]]) {
        let outcomes = (first.insert(number).await, second.insert(number).await);
        assert!(outcomes.0.is_ok() && is_taken(&outcomes.1), "{number}: {outcomes:?}");
    }
    let (one, other) = tokio::join!(one.insert(&numbers[2]), other.insert(&numbers[2]));
    assert!((one.is_ok() && is_taken(&other)) || (other.is_ok() && is_taken(&one)), "{one:?} {other:?}");
    numbers.into()
}

/// Everybody finds each of these numbers, and nobody can have it once more.
async fn check(world: &World, environments: &[&Environment], numbers: &[String]) {
    for number in numbers {
        let found = world.customer.get(&format!("/people/national-id/{number}")).await;
        assert_eq!(found.status, 200, "{number}");
        for environment in environments {
            assert!(is_taken(&environment.insert(number).await), "{number}");
        }
    }
}

async fn guards(world: &World) -> usize {
    world.items().await.iter().filter(|item| item.key.contains("#UNIQUE#")).count()
}

#[tokio::test]
async fn two_environments_one_of_them_behind_give_a_number_to_one_person_in_each_step() {
    let world = World::new().await;
    let behind = Environment::of(&world).await;
    let mut numbers = vec!["BEFORE".to_owned()];
    behind.insert("BEFORE").await.unwrap();

    // Step 1.
    let added = step(&world, "add").await;
    let (old, new) = (added[0]["id"].as_str().unwrap(), added[1]["id"].as_str().unwrap());
    world.clock.advance(FIVE_MINUTES - SignedDuration::from_secs(1));
    let current = Environment::of(&world).await;
    numbers.extend(compete("added", &behind, &current).await);
    check(&world, &[&behind, &current], &numbers).await;
    let too_early = format!(
        "key {new} was added at 2026-11-02T09:00:00Z: wait until 2026-11-02T09:10:00Z, when every function knows it"
    );
    assert_eq!(refused(&world, "promote").await, too_early);
    assert_eq!(step(&world, "list").await["next"], "promote, after 2026-11-02T09:10:00Z");

    // Step 2.
    world.clock.advance(FIVE_MINUTES + SignedDuration::from_secs(1));
    let behind = Environment::of(&world).await;
    let promoted = step(&world, "promote").await;
    assert_eq!((&promoted[0]["id"], &promoted[1]["id"]), (&json!(new), &json!(old)));
    world.clock.advance(FIVE_MINUTES - SignedDuration::from_secs(1));
    let current = Environment::of(&world).await;
    numbers.extend(compete("promoted", &behind, &current).await);
    check(&world, &[&behind, &current], &numbers).await;
    let too_early = format!(
        "key {new} was put first at 2026-11-02T09:10:00Z: wait until 2026-11-02T09:20:00Z, when no function writes under {old} any more"
    );
    for word in ["move", "remove"] {
        assert_eq!(refused(&world, word).await, too_early, "{word}");
    }

    // The guards of those that are there.
    world.clock.advance(FIVE_MINUTES + SignedDuration::from_secs(1));
    let unmoved = format!("not all guards are moved from key {old} to key {new} yet, of these tenants: local");
    assert_eq!(refused(&world, "remove").await, unmoved);
    assert_eq!(step(&world, "list").await["next"], "move");
    let moved = step(&world, "move").await;
    assert_eq!((&moved[0]["records"], &moved[0]["done"]), (&json!(numbers.len()), &json!(true)));
    assert!((1..numbers.len()).contains(&usize::try_from(moved[0]["moved"].as_u64().unwrap()).unwrap()));
    assert_eq!(guards(&world).await, numbers.len(), "one for each");
    let behind = Environment::of(&world).await;
    numbers.extend(compete("moved", &behind, &current).await);
    check(&world, &[&behind, &current], &numbers).await;

    // Step 3.
    assert_eq!(step(&world, "list").await["next"], "remove");
    let removed = step(&world, "remove").await;
    assert_eq!((removed.as_array().unwrap().len(), &removed[0]["id"]), (1, &json!(new)));
    world.clock.advance(FIVE_MINUTES - SignedDuration::from_secs(1));
    let current = Environment::of(&world).await;
    numbers.extend(compete("removed", &behind, &current).await);
    check(&world, &[&behind, &current], &numbers).await;
    world.clock.advance(FIVE_MINUTES);
    check(&world, &[&Environment::of(&world).await], &numbers).await;
    assert_eq!(guards(&world).await, numbers.len(), "one for each");
    assert_eq!(refused(&world, "remove").await, format!("there is only one unique key, {new}: add another first"));
}

#[tokio::test]
async fn a_writer_that_does_not_look_under_the_other_key_is_found() {
    let world = World::new().await;
    step(&world, "add").await;
    world.clock.advance(TEN_MINUTES);
    let behind = Environment::of(&world).await;
    step(&world, "promote").await;
    let current = Environment::of(&world).await;
    assert!(current.insert("SOUND").await.is_ok() && is_taken(&behind.insert("SOUND").await));
    // Under the key that it writes, nothing stands in its way; only its look under the other one does.
    world.aws.wire().weaken("TransactWriteItems PERSON", "record_id = :record");
    assert!(current.insert("WEAK").await.is_ok() && behind.insert("WEAK").await.is_ok());
}

#[tokio::test]
async fn a_number_that_is_freed_or_taken_on_the_way_is_free_or_taken_for_everybody() {
    let world = World::new().await;
    let start = Environment::of(&world).await;
    let mut ids = Vec::new();
    for number in ["A", "B", "C", "D"] {
        ids.push(start.insert(number).await.unwrap());
    }
    step(&world, "add").await;
    world.clock.advance(TEN_MINUTES);
    let behind = Environment::of(&world).await;
    step(&world, "promote").await;
    let current = Environment::of(&world).await;
    // Each changes one that the other made or knows by another key.
    current.renumber(ids[0], "A2").await.unwrap();
    behind.renumber(ids[0], "A3").await.unwrap();
    behind.renumber(ids[1], "B2").await.unwrap();
    current.renumber(ids[1], "B3").await.unwrap();
    for (number, free) in
        [("A", true), ("A2", true), ("A3", false), ("B", true), ("B2", true), ("B3", false), ("C", false)]
    {
        for (environment, number) in [(&behind, number.to_owned()), (&current, number.to_owned())] {
            let outcome = environment.insert(&number).await;
            assert_eq!(outcome.is_ok(), free, "{number}");
            if let Ok(id) = outcome {
                environment.renumber(id, &format!("{number}-{id}")).await.unwrap();
            }
        }
    }
    // A deleted person keeps its number, and one that is restored while guards are moved has it as before.
    for id in &ids[2..] {
        assert_eq!(world.customer.call(reqwest::Method::DELETE, &format!("/people/{id}"), None).await.status, 200);
    }
    world.clock.advance(TEN_MINUTES);
    let (customer, path) = (world.customer.clone(), format!("/people/{}/restore", ids[3]));
    world.aws.interleave("TransactWriteItems", || {
        Box::pin(async move {
            assert_eq!(customer.post(&path, &json!({})).await.status, 200);
        })
    });
    let moved = world.admin_on_the_wire(&["unique-keys", "move"]).await.unwrap().value().clone();
    assert_eq!((&moved[0]["done"], &moved[0]["in_dispute"]), (&json!(true), &json!([])));
    step(&world, "remove").await;
    let last = Environment::of(&world).await;
    for number in ["A3", "B3", "C", "D"] {
        assert!(is_taken(&last.insert(number).await), "{number}");
    }
    for number in ["A", "A2", "B", "B2"] {
        assert!(last.insert(number).await.is_ok(), "{number}");
    }
}

#[tokio::test]
async fn moving_that_was_killed_goes_on_where_it_was() {
    let world = World::new().await;
    let start = Environment::of(&world).await;
    for number in 0..130 {
        start.insert(&format!("N{number}")).await.unwrap();
    }
    step(&world, "add").await;
    world.clock.advance(TEN_MINUTES);
    step(&world, "promote").await;
    world.clock.advance(TEN_MINUTES);
    // In the second page of a hundred.
    world.aws.wire().plan("TransactWriteItems", None, 110, Disturbance::Crash(When::After));
    tokio::select! {
        biased;
        moved = world.admin_on_the_wire(&["unique-keys", "move"]) => panic!("it was not killed: {:?}", moved.is_ok()),
        () = world.aws.crashed() => {}
    }
    let listed = step(&world, "list").await;
    assert_eq!((&listed["tenants"][0]["records"], &listed["tenants"][0]["done"]), (&json!(100), &json!(false)));
    assert!(refused(&world, "remove").await.ends_with("of these tenants: local"));
    world.aws.take_calls();
    let moved = world.admin_on_the_wire(&["unique-keys", "move"]).await.unwrap().value().clone();
    assert_eq!((&moved[0]["records"], &moved[0]["done"]), (&json!(130), &json!(true)));
    let transactions = world.aws.take_calls().iter().filter(|call| *call == "TransactWriteItems").count();
    assert!((1..30).contains(&transactions), "{transactions}: only what was not moved");
    let said = world.admin(&["unique-keys", "list"], "").await.unwrap().text();
    assert!(said.contains("local  done  130 records seen,") && said.ends_with("next: remove\n"), "{said}");
    step(&world, "remove").await;
    let last = Environment::of(&world).await;
    for number in 0..130 {
        assert!(is_taken(&last.insert(&format!("N{number}")).await), "{number}");
    }
}

#[tokio::test]
async fn a_step_out_of_its_order_is_refused_in_plain_words() {
    let world = World::new().await;
    let one = "there is only one unique key, local1: add another first";
    for word in ["promote", "move", "remove"] {
        assert_eq!(refused(&world, word).await, one, "{word}");
    }
    assert_eq!(step(&world, "list").await["next"], "nothing; `add` starts a rotation");
    let added = step(&world, "add").await;
    let new = added[1]["id"].as_str().unwrap();
    let two = format!("there are two unique keys already, local1 and {new}: remove one before you add another");
    assert_eq!(refused(&world, "add").await, two);
    let unused = "key local1 is first, and the one after it was never used: promote it first";
    assert_eq!(refused(&world, "move").await, unused);
    // What was never first has guarded nothing.
    let removed = step(&world, "remove").await;
    assert_eq!(removed.as_array().unwrap().len(), 1);
    // The rest of the secret is as it was, and no key is shown.
    assert_eq!(world.customer.get("/people").await.status, 200);
    let said = world.admin(&["unique-keys", "add"], "").await.unwrap().text();
    world.edit_keys(|keys| {
        for key in keys["unique_keys"].as_array().unwrap() {
            assert!(!said.contains(key["key"].as_str().unwrap()));
        }
    });
}

#[tokio::test]
async fn a_guard_that_is_left_under_the_old_key_keeps_it() {
    let world = World::new().await;
    let start = Environment::of(&world).await;
    step(&world, "add").await;
    world.clock.advance(TEN_MINUTES);
    step(&world, "promote").await;
    world.clock.advance(TEN_MINUTES);
    step(&world, "move").await;
    // Nothing that knows time can do this: an environment of three steps ago.
    world.clock.advance(-TEN_MINUTES - TEN_MINUTES);
    let id = start.insert("LATE").await.unwrap();
    world.clock.advance(TEN_MINUTES + TEN_MINUTES);
    let left = refused(&world, "remove").await;
    assert!(left.starts_with(&format!("record {id} of tenant local still has a guard under key local1")), "{left}");
    let moved = world.admin(&["unique-keys", "move", "--again"], "").await.unwrap();
    assert_eq!(moved.value()[0]["moved"], 1);
    step(&world, "remove").await;
    assert!(is_taken(&Environment::of(&world).await.insert("LATE").await));
}

#[tokio::test]
async fn an_environment_that_cannot_read_the_keys_again_gives_no_number_away() {
    let world = World::new().await;
    let cut_off = Environment::of(&world).await;
    let unreachable = || world.aws.fail("GetSecretValue", When::Before);
    world.clock.advance(SignedDuration::from_mins(9));
    unreachable();
    cut_off.insert("IN-TIME").await.unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(cut_off.insert("TOO-LATE").await.unwrap_err(), Error::Unavailable);
    // Nothing else depends on it.
    let group = fields(&json!({"name": "A", "description": "B"}));
    cut_off.records.create(&GROUPS, &operator("local"), &group, None).await.unwrap();
    world.clock.advance(SignedDuration::from_secs(30));
    cut_off.insert("AGAIN").await.unwrap();
}

#[tokio::test]
async fn a_repeated_request_is_known_until_its_key_is_removed() {
    let world = World::new().await;
    let first = world.customer.post_once("/people", "k", &juan()).await;
    assert_eq!(first.status, 201);
    let key = json!({"id": "second", "key": "c2Vjb25kIGtleSwgb2YgdGhpcnR5LXR3byBieXRlcyE="});
    world.edit_keys(|keys| keys["fingerprint_keys"].as_array_mut().unwrap().insert(0, key));
    world.clock.advance(FIVE_MINUTES);
    let again = world.customer.post_once("/people", "k", &juan()).await;
    assert_eq!((again.status, again.id()), (first.status, first.id()));
    world.edit_keys(|keys| drop(keys["fingerprint_keys"].as_array_mut().unwrap().pop()));
    world.clock.advance(FIVE_MINUTES);
    let gone = world.customer.post_once("/people", "k", &juan()).await;
    assert_eq!((gone.status, gone.error_code()), (422, "idempotency_key_reused"));
    // Whose a value is depends on none of that.
    assert_eq!(world.customer.post("/people", &juan()).await.fields(), ["national_id"]);
}
