//! A person of the registry in the demo: registered, with an address and a contact, changed.

use cotejo::platform::Entropy as _;
use serde_json::json;

use super::{api::Api, short, text};

/// What the customer's systems must be told of it: the event, and what it is about.
pub(super) type Expected = Vec<(String, String)>;

/// Plays it.
pub(super) async fn play(api: &Api) -> Result<Expected, String> {
    println!("\nThe registry (POST /people, /addresses, /contacts; PUT /people/{{id}}):");
    // The demo may be played again on the same data, and a national id is one person's.
    let national_id = format!("DEMO{}", cotejo::platform::SystemEntropy.uuid().simple());
    let person = json!({
        "national_id": national_id, "ignore_curp_validation": true, "name": "Juan", "first_lastname": "Perez",
        "second_lastname": "Suares", "birthdate": "1988-02-12", "gender": "MALE", "nationality_id": 144, "state_id": 7
    });
    let id = text(&api.post("/people", &person).await?, "id");
    let address = json!({
        "person_id": id, "street": "Marte", "ext_num": "12", "state": "DF", "municipality": "IZTACALCO",
        "colony": "Cristobal Colon", "zip_code": "08016", "references": "Al lado de una tienda"
    });
    let address = text(&api.post("/addresses", &address).await?, "id");
    let contact = json!({"person_id": id, "email": "user@example", "phone": "525591038054"});
    let contact = text(&api.post("/contacts", &contact).await?, "id");
    let changed = api.put(&format!("/people/{id}"), &json!({"marital_status_id": 1})).await?;
    println!(
        "  {}  {} years old, {:.0} % of what can be known, an address and a contact",
        short(&id),
        changed["age"],
        changed["information_percentage"].as_f64().unwrap_or_default() * 100.0
    );
    let told = [("person_register", &id), ("updated_data_to_person", &address), ("updated_data_to_person", &contact)];
    Ok(told.map(|(event, about)| (event.to_owned(), about.clone())).into())
}
