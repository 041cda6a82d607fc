//! A person of the registry in the demo: created, given an address and a contact, changed and exported.

use std::time::Duration;

use cotejo::platform::Entropy as _;
use serde_json::{Value, json};

use super::{api::Api, short, text};

/// An event that the customer's endpoint must receive: its name and the id of its resource.
pub(super) type Expected = Vec<(String, String)>;

pub(super) async fn play(api: &Api) -> Result<Expected, String> {
    println!("\nThe registry (POST /people, /addresses, /contacts; PUT /people/{{id}}; POST /people/export):");
    // A national id is unique, and the demo may run again on the same data.
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
    api.post("/addresses", &address).await?;
    let contact = json!({"person_id": id, "email": "user@example", "phone": "525591038054"});
    api.post("/contacts", &contact).await?;
    let changed = api.put(&format!("/people/{id}"), &json!({"marital_status_id": 1})).await?;
    println!(
        "  {}  {} years old, {:.0} % of what can be known, an address and a contact",
        short(&id),
        changed["age"],
        changed["information_percentage"].as_f64().unwrap_or_default() * 100.0
    );
    let job = text(&api.post("/people/export", &json!({})).await?, "id");
    let job = exported(api, &format!("/people/exports/{job}")).await?;
    let file = String::from_utf8(api.download(&text(&job, "url")).await?).map_err(|error| error.to_string())?;
    let line = file.lines().find(|line| line.starts_with(&id)).ok_or("the export lacks the person")?;
    if !line.contains("Marte,12") || !line.contains("+525591038054") {
        return Err("the export lacks the person's address or contact".to_owned());
    }
    println!("  exported: {} persons, {} bytes of CSV, this one with address and contact", job["persons"], file.len());
    // The address, the contact and the change each cause a person event.
    let told = ["person_register", "updated_data_to_person", "updated_data_to_person", "updated_data_to_person"];
    Ok(told.map(|event| (event.to_owned(), id.clone())).into())
}

/// How often the demo polls the export before it fails.
const TIMEOUT: usize = 100;

/// The export at `path`, once it is done.
async fn exported(api: &Api, path: &str) -> Result<Value, String> {
    for _ in 0..TIMEOUT {
        let job = api.get(path).await?;
        match job["state"].as_str() {
            Some("done") => return Ok(job),
            Some("failed") => return Err(format!("the export failed: {}", job["error"])),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    Err("the export does not end".to_owned())
}
