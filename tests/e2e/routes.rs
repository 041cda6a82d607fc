//! Every route of template.yaml and whom it lets in: without a key, with a wrong one, another tenant's, one without the
//! scope, one that was revoked.
//!
//! What a route asks for stands in one table. A route that the template has and the table has not fails the first test.

use std::collections::{BTreeMap, BTreeSet};

use cotejo::common::Scope;
use cotejo_local::template::{DEPLOYED, Place, Template};
use cotejo_tests::{Answer, Customer, World, order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::people;

/// What a route asks of whoever calls it.
enum Access {
    /// A key with the scope. What it is about is named in the path, and another tenant's is not found.
    Named(Scope),
    /// A key with the scope. It is about the caller's own things, whatever they are.
    Own(Scope),
    /// A key with the scope. What it belongs to is named in the body, and another tenant's is not there.
    Within(Scope),
    /// The token in the path; a key opens nothing.
    Token,
    /// Nothing, since nothing is behind it.
    Nothing,
}

use Access::{Named, Nothing, Own, Token, Within};

/// Every route, as API Gateway names it.
const ROUTES: [(&str, Access); 102] = [
    ("POST /processes", Own(Scope::ProcessesWrite)),
    ("POST /uploads", Own(Scope::ProcessesWrite)),
    ("GET /processes", Own(Scope::ProcessesRead)),
    ("GET /processes/{id}", Named(Scope::ProcessesRead)),
    ("GET /processes/{id}/evidence/{evidence_id}", Named(Scope::ProcessesRead)),
    ("GET /processes/{id}/certificate", Named(Scope::ProcessesRead)),
    ("GET /providers/{provider}/health", Own(Scope::ProcessesRead)),
    ("POST /processes/{id}/decision", Named(Scope::ProcessesDecide)),
    ("PUT /processes/{id}/legal-hold", Named(Scope::ProcessesRedact)),
    ("POST /processes/{id}/redact", Named(Scope::ProcessesRedact)),
    ("POST /callbacks/{provider}/{token}", Token),
    ("GET /notification-channels", Own(Scope::ChannelsRead)),
    ("POST /notification-channels", Own(Scope::ChannelsWrite)),
    ("GET /notification-channels/{id}", Named(Scope::ChannelsRead)),
    ("PUT /notification-channels/{id}", Named(Scope::ChannelsWrite)),
    ("POST /notification-channels/{id}/secret", Named(Scope::ChannelsWrite)),
    ("GET /notification-channels/{id}/deliveries", Named(Scope::ChannelsRead)),
    ("GET /notification-channels/{id}/deliveries/{delivery_id}", Named(Scope::ChannelsRead)),
    ("POST /notification-channels/{id}/deliveries/{delivery_id}/replay", Named(Scope::ChannelsWrite)),
    ("GET /people-groups", Own(Scope::PeopleRead)),
    ("POST /people-groups", Own(Scope::PeopleWrite)),
    ("GET /people-groups/{id}", Named(Scope::PeopleRead)),
    ("PUT /people-groups/{id}", Named(Scope::PeopleWrite)),
    ("GET /people", Own(Scope::PeopleRead)),
    ("POST /people", Own(Scope::PeopleWrite)),
    ("GET /people/{id}", Named(Scope::PeopleRead)),
    ("PUT /people/{id}", Named(Scope::PeopleWrite)),
    ("DELETE /people/{id}", Named(Scope::PeopleWrite)),
    ("POST /people/{id}/restore", Named(Scope::PeopleWrite)),
    ("POST /people/external/{external_id}/restore", Named(Scope::PeopleWrite)),
    ("POST /people/search", Own(Scope::PeopleRead)),
    ("POST /people/from-curp", Own(Scope::PeopleWrite)),
    ("POST /people/external/search", Own(Scope::PeopleRead)),
    ("GET /people/external/{external_id}", Named(Scope::PeopleRead)),
    ("GET /people/facetec/{facetec_id}", Named(Scope::PeopleRead)),
    ("GET /people/national-id/{national_id}", Named(Scope::PeopleRead)),
    ("PUT /people/national-id/{national_id}", Own(Scope::PeopleWrite)),
    ("GET /addresses", Own(Scope::PeopleRead)),
    ("POST /addresses", Within(Scope::PeopleWrite)),
    ("GET /addresses/{id}", Named(Scope::PeopleRead)),
    ("PUT /addresses/{id}", Named(Scope::PeopleWrite)),
    ("GET /contacts", Own(Scope::PeopleRead)),
    ("POST /contacts", Within(Scope::PeopleWrite)),
    ("GET /contacts/{id}", Named(Scope::PeopleRead)),
    ("PUT /contacts/{id}", Named(Scope::PeopleWrite)),
    ("GET /references", Own(Scope::PeopleRead)),
    ("POST /references", Within(Scope::PeopleWrite)),
    ("GET /references/{id}", Named(Scope::PeopleRead)),
    ("PUT /references/{id}", Named(Scope::PeopleWrite)),
    ("GET /employments", Own(Scope::PeopleRead)),
    ("POST /employments", Within(Scope::PeopleWrite)),
    ("GET /employments/{id}", Named(Scope::PeopleRead)),
    ("PUT /employments/{id}", Named(Scope::PeopleWrite)),
    ("GET /bank-accounts", Own(Scope::PeopleRead)),
    ("POST /bank-accounts", Within(Scope::PeopleWrite)),
    ("GET /bank-accounts/{id}", Named(Scope::PeopleRead)),
    ("PUT /bank-accounts/{id}", Named(Scope::PeopleWrite)),
    ("GET /financials", Own(Scope::PeopleRead)),
    ("POST /financials", Within(Scope::PeopleWrite)),
    ("GET /financials/{id}", Named(Scope::PeopleRead)),
    ("PUT /financials/{id}", Named(Scope::PeopleWrite)),
    ("GET /biometric-results", Own(Scope::PeopleRead)),
    ("POST /biometric-results", Within(Scope::PeopleWrite)),
    ("GET /biometric-results/{id}", Named(Scope::PeopleRead)),
    ("PUT /biometric-results/{id}", Named(Scope::PeopleWrite)),
    ("GET /people/{id}/biometric-results", Named(Scope::PeopleRead)),
    ("GET /nationalities", Own(Scope::PeopleRead)),
    ("GET /states", Own(Scope::PeopleRead)),
    ("GET /marital-statuses", Own(Scope::PeopleRead)),
    ("GET /person-relations", Own(Scope::PeopleRead)),
    ("GET /catalogs", Own(Scope::PeopleRead)),
    ("POST /catalogs", Own(Scope::PeopleWrite)),
    ("GET /catalogs/{id}", Named(Scope::PeopleRead)),
    ("PUT /catalogs/{id}", Named(Scope::PeopleWrite)),
    ("GET /catalog-values", Own(Scope::PeopleRead)),
    ("POST /catalog-values", Within(Scope::PeopleWrite)),
    ("GET /catalog-values/{id}", Named(Scope::PeopleRead)),
    ("PUT /catalog-values/{id}", Named(Scope::PeopleWrite)),
    ("POST /catalog-values/bulk", Within(Scope::PeopleWrite)),
    ("GET /dynamic-properties", Own(Scope::PeopleRead)),
    ("POST /dynamic-properties", Own(Scope::PeopleWrite)),
    ("GET /dynamic-properties/{id}", Named(Scope::PeopleRead)),
    ("PUT /dynamic-properties/{id}", Named(Scope::PeopleWrite)),
    ("POST /dynamic-properties/{id}/values", Named(Scope::PeopleWrite)),
    ("GET /dynamic-values", Own(Scope::PeopleRead)),
    ("GET /dynamic-values/{id}", Named(Scope::PeopleRead)),
    ("GET /people/{id}/dynamic-values", Named(Scope::PeopleRead)),
    ("POST /people/export", Own(Scope::PeopleRead)),
    ("GET /people/exports/{id}", Named(Scope::PeopleRead)),
    ("POST /people/import", Own(Scope::PeopleWrite)),
    ("GET /people/imports/{id}", Named(Scope::PeopleRead)),
    ("POST /contacts/sms-codes", Named(Scope::PeopleWrite)),
    ("POST /contacts/sms-codes/verify", Named(Scope::PeopleWrite)),
    ("POST /contacts/email-codes", Named(Scope::PeopleWrite)),
    ("POST /contacts/email-codes/verify", Named(Scope::PeopleWrite)),
    ("GET /temporary-people", Own(Scope::PeopleRead)),
    ("POST /temporary-people", Own(Scope::PeopleWrite)),
    ("GET /temporary-people/{id}", Named(Scope::PeopleRead)),
    ("PUT /temporary-people/{id}", Named(Scope::PeopleWrite)),
    ("POST /temporary-people/{id}/person", Named(Scope::PeopleWrite)),
    ("POST /people/from-process", Within(Scope::PeopleWrite)),
    ("$default", Nothing),
];

impl Access {
    /// The scope that a key must have.
    fn scope(&self) -> Option<Scope> {
        match self {
            Named(scope) | Own(scope) | Within(scope) => Some(*scope),
            Token | Nothing => None,
        }
    }
}

/// A body that the route takes; `person` is the one that is there.
fn body(route: &str, person: &str, catalog: &str, process: &str) -> Option<Value> {
    let (method, path) = route.split_once(' ').unwrap_or_default();
    let list = path.trim_start_matches('/').trim_end_matches("/{id}");
    if people::LISTS.iter().any(|(known, _)| *known == list) && method != "GET" {
        return Some(people::sample(list, person));
    }
    match route {
        // Another one than is there: a national id is one person's.
        "POST /people" => {
            Some(json!({"national_id": "X", "name": "Wei", "first_lastname": "Xu", "second_lastname": "B",
            "ignore_curp_validation": true}))
        }
        "POST /people-groups" => Some(json!({"name": "Others", "description": "Whoever is left"})),
        "POST /people/search" => Some(json!({"ids": [person]})),
        "POST /people/external/search" => Some(json!({"external_ref_id": [EXTERNAL]})),
        "POST /people/from-curp" => Some(json!({"curp": "BOXW310820HNERXN09"})),
        "POST /people/from-process" => Some(json!({"process_id": process})),
        "POST /contacts/sms-codes" => Some(json!({"person_id": person, "phone": "525591038054"})),
        "POST /contacts/sms-codes/verify" => {
            Some(json!({"person_id": person, "phone": "525591038054", "code": "000000"}))
        }
        "POST /contacts/email-codes" => Some(json!({"person_id": person, "email": "user@example"})),
        "POST /contacts/email-codes/verify" => {
            Some(json!({"person_id": person, "email": "user@example", "code": "000000"}))
        }
        "POST /temporary-people" | "PUT /temporary-people/{id}" => Some(json!({"name": "John"})),
        "POST /temporary-people/{id}/person" => Some(json!({})),
        "POST /people/export" => Some(json!({"exclude": ["address"]})),
        "POST /dynamic-properties" => Some(property()),
        "PUT /dynamic-properties/{id}" => Some(json!({"description": "Another"})),
        "POST /dynamic-properties/{id}/values" => {
            Some(json!({"person_id": person, "values": {"test_01": "0123456789"}}))
        }
        "POST /catalogs" | "PUT /catalogs/{id}" => Some(json!({"name": "Catalogo de prueba"})),
        "POST /catalog-values" | "PUT /catalog-values/{id}" => {
            Some(json!({"custom_catalog_id": catalog, "label": "Test 01", "type": "string", "value": "test_01"}))
        }
        "PUT /people/{id}" => Some(json!({"name": "Juana"})),
        "PUT /people-groups/{id}" => Some(json!({"name": "Debtors"})),
        "PUT /people/national-id/{national_id}" => Some(json!({"name": "Juana"})),
        "POST /processes" => Some(order("never")),
        "POST /uploads" => Some(json!({"content_type": "image/jpeg", "bytes": 1})),
        "POST /processes/{id}/decision" => Some(json!({"decision": "approved", "reason": "seen"})),
        "PUT /processes/{id}/legal-hold" => Some(json!({"until": null})),
        "POST /callbacks/{provider}/{token}" => Some(json!({})),
        "POST /notification-channels" => Some(channel()),
        "PUT /notification-channels/{id}" => Some(json!({"name": "Another name"})),
        "POST /notification-channels/{id}/secret" => Some(json!({"previous_valid_hours": 24})),
        _ => None,
    }
}

/// What the person that is there is found by.
const EXTERNAL: &str = "client-7";

/// A channel that nobody listens at.
fn channel() -> Value {
    let events = ["process_approved"];
    json!({"name": "Back office", "type": "email", "active": true, "events": events, "config": {"emails": ["a@example.com"]}})
}

/// A dynamic property.
fn property() -> Value {
    let part = json!({"title": "Test 01", "type": "string", "rules": ["max:50", "min:10"]});
    json!({"name": "Test 01", "description": "Test 01", "descriptor": [part]})
}

/// The parts of a form, for routes that take one.
fn form(route: &str, catalog: &str) -> Option<Vec<(&'static str, String)>> {
    match route {
        "POST /catalog-values/bulk" => {
            let file = "type,label,value\nstring,Test 02,test_02\n";
            Some(vec![("custom_catalog_id", catalog.to_owned()), ("csv_file", file.to_owned())])
        }
        "POST /people/import" => Some(vec![("file", "national_id\n".to_owned())]),
        _ => None,
    }
}

/// A world with something behind every path.
struct Behind {
    world: World,
    process: Value,
    channel: Value,
    delivery: Value,
    /// An export and an import.
    jobs: [String; 2],
    /// A record of every list of the registry, by the list's path.
    records: BTreeMap<String, Value>,
}

impl Behind {
    async fn new() -> Self {
        let world = World::new().await;
        let channel = world.customer.post("/notification-channels", &channel()).await.result().clone();
        let process = world.run("approved").await;
        let path = format!("/notification-channels/{}/deliveries", channel["id"].as_str().unwrap());
        world.catch_up();
        let delivery = world.customer.get(&path).await.result()["data"][0].clone();
        let mut person = people::juan();
        person["external_ref_id"] = json!(EXTERNAL);
        person["facetec_ref_id"] = json!(EXTERNAL);
        let person = people::register(&world, &person).await;
        let group = world.customer.post("/people-groups", &body("POST /people-groups", "", "", "").unwrap()).await;
        let mut records = BTreeMap::from([("people-groups".to_owned(), group.result().clone())]);
        for (list, _) in people::LISTS {
            let record = people::sample(list, person["id"].as_str().unwrap());
            let record = world.customer.post(&format!("/{list}"), &record).await;
            records.insert(list.to_owned(), record.result().clone());
        }
        let catalog = world.customer.post("/catalogs", &json!({"name": "Catalogo de prueba"})).await;
        let value = body("POST /catalog-values", "", &catalog.id(), "").unwrap();
        let value = world.customer.post("/catalog-values", &value).await;
        records.insert("catalogs".to_owned(), catalog.result().clone());
        records.insert("catalog-values".to_owned(), value.result().clone());
        let temporary = world.customer.post("/temporary-people", &json!({"name": "John"})).await;
        records.insert("temporary-people".to_owned(), temporary.result().clone());
        let property = world.customer.post("/dynamic-properties", &property()).await;
        let values = json!({"person_id": person["id"], "values": {"test_01": "0123456789"}});
        let values = world.customer.post(&format!("/dynamic-properties/{}/values", property.id()), &values).await;
        records.insert("dynamic-properties".to_owned(), property.result().clone());
        records.insert("dynamic-values".to_owned(), values.result().clone());
        records.insert("people".to_owned(), person);
        let export = world.customer.post("/people/export", &json!({})).await.id();
        let import = world.customer.post_form("/people/import", &[("file", "national_id\n")]).await.id();
        Self { world, process, channel, delivery, jobs: [export, import], records }
    }

    fn person(&self) -> &str {
        self.records["people"]["id"].as_str().unwrap()
    }

    /// Calls a route about what is there.
    async fn call(&self, customer: &Customer, route: &str) -> Answer {
        let (method, path) = route.split_once(' ').unwrap_or(("GET", "/nothing/of/this/kind"));
        let list = path.split('/').nth(1).unwrap();
        let channel = (list == "notification-channels").then_some(&self.channel);
        let named = channel.or(self.records.get(list)).unwrap_or(&self.process);
        let path = path
            .replace("exports/{id}", &format!("exports/{}", self.jobs[0]))
            .replace("imports/{id}", &format!("imports/{}", self.jobs[1]))
            .replace("{id}", named["id"].as_str().unwrap())
            .replace("{delivery_id}", self.delivery["id"].as_str().unwrap())
            .replace("{evidence_id}", self.process["evidence"][0]["id"].as_str().unwrap())
            .replace("{external_id}", EXTERNAL)
            .replace("{facetec_id}", EXTERNAL)
            .replace("{national_id}", "PESJ880212HDFHLX01")
            .replace("{provider}", "link")
            .replace("{token}", "k1.local.-.webhook.x");
        assert!(!path.contains('{'), "{route} has a parameter that this test does not know");
        let catalog = self.records["catalogs"]["id"].as_str().unwrap();
        match form(route, catalog) {
            Some(parts) => customer.post_form(&path, &parts).await,
            None => {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                customer
                    .call(
                        method,
                        &path,
                        body(route, self.person(), catalog, self.process["id"].as_str().unwrap()).as_ref(),
                    )
                    .await
            }
        }
    }

    /// Calls every route that asks for a key, and checks how it refuses.
    async fn refuse(&self, customer: &Customer, status: u16, error_code: &str) {
        for (route, _) in ROUTES.iter().filter(|(_, door)| door.scope().is_some()) {
            let answer = self.call(customer, route).await;
            assert_eq!((answer.status, answer.error_code()), (status, error_code), "{route}");
        }
    }

    /// The process as its tenant sees it, and how many they have.
    async fn seen(&self) -> (Value, usize, Vec<Value>) {
        let mut records = Vec::new();
        self.world.catch_up();
        for list in self.records.keys() {
            records.push(self.world.customer.get(&format!("/{list}")).await.result()["data"].clone());
        }
        let list = self.world.customer.get("/processes").await;
        let process = self.world.customer.process(self.process["id"].as_str().unwrap()).await;
        (process, list.result()["data"].as_array().unwrap().len(), records)
    }
}

fn is_let_in(answer: &Answer) -> bool {
    answer.status != 401 && answer.status != 403
}

#[test]
fn the_table_has_every_route_of_the_template_and_no_other() {
    let parameters = [("PublicUrl", "http://localhost")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let place = Place { region: "eu-west-1".to_owned(), stack: "cotejo".to_owned(), parameters: parameters.into() };
    let template = Template::read(DEPLOYED, &place).unwrap();
    let routes: BTreeSet<_> =
        template.functions.iter().flat_map(|function| &function.routes).map(|route| route.key.as_str()).collect();
    assert_eq!(ROUTES.iter().map(|(route, _)| *route).collect::<BTreeSet<_>>(), routes);
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nothing_opens() {
    let behind = Behind::new().await;
    let before = behind.seen().await;
    for key in ["", "cotejo_live_nobody", "Bearer", "local"] {
        behind.refuse(&Customer::new(behind.world.local.url(), key), 401, "unauthorized").await;
    }
    // The hash under which a key is stored is no key.
    let stored = cotejo::store::api_keys::key_hash(behind.world.local.api_key());
    behind.refuse(&Customer::new(behind.world.local.url(), &stored), 401, "unauthorized").await;
    assert_eq!(behind.seen().await, before);
}

#[tokio::test]
async fn another_tenant_s_key_finds_nothing_and_changes_nothing() {
    let behind = Behind::new().await;
    let before = behind.seen().await;
    let other = behind.world.local.add_tenant("other").await.unwrap();
    let stranger = Customer::new(behind.world.local.url(), &other.api_key);
    for (route, door) in &ROUTES {
        let answer = behind.call(&stranger, route).await;
        match door {
            Named(_) => assert_eq!((answer.status, answer.error_code()), (404, "not_found"), "{route}"),
            Within(_) => {
                let owner = match *route {
                    "POST /catalog-values" | "POST /catalog-values/bulk" => "custom_catalog_id",
                    "POST /people/from-process" => "process_id",
                    _ => "person_id",
                };
                assert_eq!((answer.status, answer.fields()), (422, vec![owner]), "{route}");
            }
            Own(_) => {
                let told = answer.result().to_string();
                for of_the_first in [&before.0["id"], &before.0["provider_reference"], &json!(behind.person())] {
                    assert!(!told.contains(of_the_first.as_str().unwrap()), "{route}");
                }
            }
            Token | Nothing => {}
        }
    }
    assert_eq!(behind.seen().await, before);
}

#[tokio::test]
async fn a_key_opens_with_the_route_s_scope_and_not_with_all_the_others() {
    let behind = Behind::new().await;
    for scope in Scope::ALL {
        let others: Vec<_> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let name = scope.as_str().replace(':', "-");
        let with = behind.world.holder("local", &format!("only-{name}"), &[scope]).await;
        let without = behind.world.holder("local", &format!("without-{name}"), &others).await;
        for (route, _) in ROUTES.iter().filter(|(_, door)| door.scope() == Some(scope)) {
            let answer = behind.call(&without, route).await;
            assert_eq!((answer.status, answer.error_code()), (403, "forbidden"), "{route}");
            assert!(answer.body["error"].as_str().unwrap().contains(scope.as_str()), "the scope is named");
            assert!(is_let_in(&behind.call(&with, route).await), "{route}");
        }
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_after_half_a_minute_however_well_it_was_known() {
    let behind = Behind::new().await;
    let holder = behind.world.holder("local", "leaves", &Scope::ALL).await;
    for (route, _) in ROUTES.iter().filter(|(_, door)| door.scope().is_some()) {
        assert!(is_let_in(&behind.call(&holder, route).await), "{route}");
    }
    behind.world.admin(&["key", "revoke", "local", "leaves"], "").await.unwrap();
    behind.world.clock.advance(SignedDuration::from_secs(30));
    behind.refuse(&holder, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_key_is_no_way_into_what_asks_for_something_else() {
    let behind = Behind::new().await;
    for (route, door) in &ROUTES {
        let answer = behind.call(&behind.world.customer, route).await;
        match door {
            Token => assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"), "{route}"),
            Nothing => assert_eq!((answer.status, answer.error_code()), (404, "no_such_route"), "{route}"),
            Named(_) | Own(_) | Within(_) => assert!(is_let_in(&answer), "{route}"),
        }
    }
}
