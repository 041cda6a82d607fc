//! Whether a phone or an e-mail address is a person's.

use cotejo_tests::{Answer, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::people::{juan, register, sample};

/// A person with a contact.
struct Reached {
    world: World,
    person: String,
    contact: String,
}

impl Reached {
    async fn new() -> Self {
        let world = World::new().await;
        let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
        let contact = world.customer.post("/contacts", &sample("contacts", &person)).await.id();
        Self { world, person, contact }
    }

    async fn sms(&self) -> Answer {
        self.world
            .customer
            .post("/contacts/sms-codes", &json!({"person_id": self.person, "phone": "+525591038054"}))
            .await
    }

    async fn email(&self) -> Answer {
        self.world
            .customer
            .post("/contacts/email-codes", &json!({"person_id": self.person, "email": "user@example"}))
            .await
    }

    async fn verify_sms(&self, code: &str) -> Answer {
        let given = json!({"person_id": self.person, "phone": "525591038054", "code": code});
        self.world.customer.post("/contacts/sms-codes/verify", &given).await
    }

    /// The code in the last message to a phone.
    fn code(&self) -> String {
        let text = self.world.local.sms().last().unwrap().text.clone();
        text.chars().filter(char::is_ascii_digit).take(6).collect()
    }

    async fn confirmed(&self) -> (Value, Value) {
        let contact = self.world.customer.get(&format!("/contacts/{}", self.contact)).await.result().clone();
        (contact["sms_confirmation"].clone(), contact["email_confirmation"].clone())
    }
}

/// A code that is not this one.
fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_that_comes_back_confirms_the_contact_once() {
    let reached = Reached::new().await;
    let sent = reached.sms().await;
    assert_eq!((sent.status, sent.result()), (200, &json!("Sms code send")));
    let sms = reached.world.local.sms();
    assert_eq!((sms.len(), sms[0].to.as_str()), (1, "+525591038054"));
    let code = reached.code();
    assert_eq!(reached.verify_sms(&other(&code)).await.fields(), ["code"]);
    assert_eq!(reached.confirmed().await, (json!(false), json!(false)));
    let verified = reached.verify_sms(&code).await;
    assert_eq!((verified.status, verified.result()), (200, &json!("Phone validated")));
    assert_eq!(reached.confirmed().await, (json!(true), json!(false)));
    assert_eq!(reached.verify_sms(&code).await.fields(), ["code"], "it is used up");

    let sent = reached.email().await;
    assert_eq!((sent.status, sent.result()), (200, &json!("Email code send")));
    let mail = reached.world.local.mails().pop().unwrap();
    assert_eq!((mail.to, mail.subject.as_str()), (vec!["user@example".to_owned()], "Código de verificación"));
    let code: String = mail.text.chars().filter(char::is_ascii_digit).take(6).collect();
    let given = json!({"person_id": reached.person, "email": "USER@example", "code": code});
    assert_eq!(reached.world.customer.post("/contacts/email-codes/verify", &given).await.status, 200);
    assert_eq!(reached.confirmed().await, (json!(true), json!(true)));
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_five_tries_or_another_code() {
    let reached = Reached::new().await;
    reached.sms().await;
    let first = reached.code();
    reached.world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(reached.verify_sms(&first).await.fields(), ["code"]);
    reached.sms().await;
    let second = reached.code();
    reached.sms().await;
    let third = reached.code();
    if second != third {
        assert_eq!(reached.verify_sms(&second).await.fields(), ["code"]);
    }
    for _ in 0..4 {
        assert_eq!(reached.verify_sms(&other(&third)).await.fields(), ["code"]);
    }
    assert_eq!(reached.verify_sms(&third).await.fields(), ["code"], "it was tried too often");
    reached.sms().await;
    assert_eq!(reached.verify_sms(&reached.code()).await.status, 200);
}

#[tokio::test]
async fn five_codes_an_hour_are_sent_and_no_more() {
    let reached = Reached::new().await;
    for _ in 0..5 {
        assert_eq!(reached.sms().await.status, 200);
    }
    let refused = reached.sms().await;
    assert_eq!((refused.status, refused.error_code()), (429, "too_many_codes"));
    assert_eq!(refused.headers["retry-after"], "3600");
    assert_eq!(reached.world.local.sms().len(), 5);
    assert_eq!(reached.email().await.status, 200, "another contact is another matter");
    reached.world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(reached.sms().await.status, 200);
}

#[tokio::test]
async fn a_code_goes_to_a_contact_of_the_person_only() {
    let reached = Reached::new().await;
    let post = async |path: &str, given: Value| reached.world.customer.post(path, &given).await;
    let elsewhere = json!({"person_id": reached.person, "phone": "525500000000"});
    assert_eq!(post("/contacts/sms-codes", elsewhere).await.status, 404);
    let nobody = json!({"person_id": "71266b80-f04b-4a2c-9314-963d3a182f2b", "email": "user@example"});
    assert_eq!(post("/contacts/email-codes", nobody).await.status, 404);
    let wrong = json!({"person_id": "x", "phone": "call me", "more": 1});
    assert_eq!(post("/contacts/sms-codes", wrong).await.fields(), ["more", "person_id", "phone"]);
    let wrong = json!({"person_id": reached.person, "email": "user@example", "code": "12345"});
    assert_eq!(post("/contacts/email-codes/verify", wrong).await.fields(), ["code"]);
    assert_eq!(reached.world.local.sms().len() + reached.world.local.mails().len(), 0);
}

#[tokio::test]
async fn whoever_cannot_send_says_so() {
    let reached = Reached::new().await;
    // Nobody listens there.
    let account = json!({"url": "http://127.0.0.1:9/sms"});
    let set = ["provider", "set", "local", "sms"];
    reached.world.admin(&set, &account.to_string()).await.unwrap();
    let failed = reached.sms().await;
    assert_eq!((failed.status, failed.error_code()), (503, "code_not_sent"));
    assert!(reached.world.admin(&set, r#"{"uri": "https://sms.example.com"}"#).await.is_err());
    // Another tenant has no account for messages to phones.
    reached.world.clock.advance(SignedDuration::from_mins(10));
}
