//! Whether a phone or an e-mail address is a person's.

use cotejo_tests::{Answer, Receiver, World};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

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
    // The same mailbox and number in another writing are confirmed, others are not.
    for (change, confirmed) in [
        (json!({"email": "User@Example", "phone": "55 9103 8054"}), (true, true)),
        (json!({"email": "other@example"}), (true, false)),
        (json!({"phone": "5591038055"}), (false, false)),
    ] {
        let path = format!("/contacts/{}", reached.contact);
        let changed = reached.world.customer.call(Method::PUT, &path, Some(&change)).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(reached.confirmed().await, (json!(confirmed.0), json!(confirmed.1)), "{change}");
    }

    // Whoever runs the local system by hand sees both messages.
    let mailbox = format!("{}/mailbox", reached.world.local.env()["AWS_ENDPOINT_URL_SESV2"]);
    let (_, mailbox) = reached.world.customer.open(&mailbox).await;
    let mailbox: Value = serde_json::from_slice(&mailbox).unwrap();
    assert_eq!(
        (&mailbox["mails"][0]["to"], &mailbox["sms"][0]["to"]),
        (&json!(["user@example"]), &json!("+525591038054"))
    );
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
async fn whoever_cannot_send_says_so_and_the_code_before_counts() {
    let reached = Reached::new().await;
    let provider = Receiver::start().await;
    let set = ["provider", "set", "local", "sms"];
    let account = json!({"url": provider.url()}).to_string();
    reached.world.admin(&set, &account).await.unwrap();
    let code = |at: usize| -> String {
        let text = provider.received()[at].json()["text"].as_str().unwrap().to_owned();
        text.chars().filter(char::is_ascii_digit).take(6).collect()
    };
    let refused = async || {
        provider.answer(503);
        let failed = reached.sms().await;
        // The customer's own account is none of the alarms' matter, which ring for a 5xx.
        assert_eq!((failed.status, failed.error_code()), (424, "code_not_taken"));
        provider.answer(200);
    };
    // The first one of all, and more than may be sent within an hour.
    for _ in 0..6 {
        refused().await;
    }
    assert_eq!(reached.verify_sms(&code(0)).await.fields(), ["code"], "it was not sent");
    assert_eq!(reached.sms().await.status, 200);
    let sent = code(provider.received().len() - 1);
    assert_eq!(reached.verify_sms(&other(&sent)).await.fields(), ["code"]);
    refused().await;
    // The tries of the one that was sent are counted as before.
    for _ in 0..3 {
        assert_eq!(reached.verify_sms(&other(&sent)).await.fields(), ["code"]);
    }
    assert_eq!(reached.verify_sms(&sent).await.status, 200);
    for _ in 0..4 {
        assert_eq!(reached.sms().await.status, 200);
    }
    assert_eq!(reached.sms().await.error_code(), "too_many_codes");

    assert!(reached.world.admin(&set, r#"{"uri": "https://sms.example.com"}"#).await.is_err());
}

#[tokio::test]
async fn a_code_that_may_have_arrived_counts() {
    let reached = Reached::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = json!({"url": format!("http://{}/sms", silent.local_addr().unwrap())});
    // It hears what is said, and hangs up without a word.
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = silent.accept().await {
            let mut heard = [0; 4096];
            let _ = connection.read(&mut heard).await;
        }
    });
    reached.world.admin(&["provider", "set", "local", "sms"], &account.to_string()).await.unwrap();
    for _ in 0..5 {
        assert_eq!(reached.sms().await.error_code(), "code_not_taken");
    }
    assert_eq!(reached.sms().await.error_code(), "too_many_codes");
}

#[tokio::test]
async fn a_code_counts_until_its_key_is_removed() {
    let reached = Reached::new().await;
    assert_eq!(reached.sms().await.status, 200);
    let code = reached.code();
    let key = json!({"id": "second", "key": "c2Vjb25kIGtleSwgb2YgdGhpcnR5LXR3byBieXRlcyE="});
    reached.world.edit_keys(|keys| keys["code_keys"].as_array_mut().unwrap().insert(0, key));
    reached.world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(reached.verify_sms(&other(&code)).await.fields(), ["code"]);
    assert_eq!(reached.verify_sms(&code).await.status, 200);
    assert_eq!(reached.verify_sms(&code).await.fields(), ["code"], "it is used up");
    // One that is sent now goes by the new key.
    assert_eq!(reached.sms().await.status, 200);
    let code = reached.code();
    reached.world.edit_keys(|keys| drop(keys["code_keys"].as_array_mut().unwrap().pop()));
    reached.world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(reached.verify_sms(&code).await.status, 200);
}
