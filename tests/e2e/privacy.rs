//! Nothing about a person, and no secret, is in any line that a whole run logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use cotejo::providers::{auco::AucoAccount, link::LinkAccount};
use cotejo_sandbox::LinkPicture;
use cotejo_tests::{World, link_order, order};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs a verification at LINK whose token expires and whose certificate comes late, with an upload, to its redaction, and
/// gives the links that were issued meanwhile.
async fn certify_at_link(world: &World) -> [String; 2] {
    let options = json!({"manual_on_warning": true, "certify": true});
    let script = "warning-rejected,token-expires,certificate-html:1";
    let mut order = link_order(world.local.sandbox(), script, false, &options);
    let front = world.local.sandbox().link_picture(LinkPicture::Front, script).unwrap();
    let place = world.customer.post("/uploads", &json!({"content_type": "image/jpeg", "bytes": front.len()})).await;
    assert_eq!(world.customer.upload(place.result(), front).await, 200);
    order["pictures"]["document_front"] = json!({"upload_id": place.result()["id"]});
    order["person"]["name"] = json!("Canaria Delatora");
    let id = world.customer.create(&order).await.id();
    let process = world.finish(&id, 24).await;
    assert_eq!((&process["status"], &process["certificate"]["state"]), (&json!("rejected"), &json!("stored")));
    let certificate = world.customer.get(&format!("/processes/{id}/certificate")).await;
    assert_eq!(world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await.status, 200);
    world.local.pump().await;
    let link = |result: &serde_json::Value| result["url"].as_str().unwrap().to_owned();
    [link(certificate.result()), link(place.result())]
}

#[tokio::test]
async fn no_log_line_of_a_whole_run_tells_who_was_verified_or_how_to_get_in() {
    let lines = Lines::default();
    let everything_of_ours = EnvFilter::new("info,cotejo=trace");
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_env_filter(everything_of_ours);
    let _ = subscriber.try_init();

    let world = World::new().await;
    let mut canary = order("second-attempt,query-5xx:1,cut-off:1");
    canary["person"] =
        json!({"name": "Canaria Delatora", "phone": "+573009998877", "email": "canaria@delatora.example"});
    canary["document"]["number"] = json!("98765432109");
    canary["metadata"] = json!({"note": "canary-metadata"});
    canary["tags"] = json!(["canary-tag"]);
    let created = world.customer.create_once("canary-key", &canary).await;
    let process = world.finish(&created.id(), 24).await;
    assert_eq!(process["status"], "approved");
    let raw = process["evidence"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let link = world.customer.get(&format!("/processes/{}/evidence/{raw}", created.id())).await;
    let ours = link.result()["url"].as_str().unwrap().to_owned();
    // Bad days log too: a refusal that repeats what was sent, wrong fields, callbacks that cannot be read, a store that fails.
    let mut refused = canary.clone();
    refused["options"]["custom"]["sandbox"] = json!("Canaria Delatora");
    let refused = world.customer.create(&refused).await;
    assert_eq!((refused.status, refused.error_code()), (422, "refused_by_provider"));
    assert!(!refused.body.to_string().contains("Canaria"));
    canary["person"]["phone"] = json!("3009998877");
    world.customer.create(&canary).await;
    let forged =
        json!({"code": "X", "status": "of Canaria Delatora", "data": {"name": "Canaria Delatora"}}).to_string();
    let path = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
    world.customer.send(reqwest::Method::POST, &path, &[], Some(forged)).await;
    let unreadable = format!("of Canaria Delatora {}", created.id());
    let kept = world.customer.send(reqwest::Method::POST, &path, &[], Some(unreadable)).await;
    assert_eq!(kept.result(), &json!({"kept": true}));
    world.local.pump().await;
    world.aws.fail("GetItem", cotejo_tests::When::Before);
    world.customer.get(&format!("/processes/{}", created.id())).await;

    let at_link = certify_at_link(&world).await;

    let signature = |link: &str| link.split("X-Amz-Signature=").nth(1).unwrap().split('&').next().unwrap().to_owned();

    // The registry and its channels, with bad days of their own.
    let hooks = json!({
        "name": "canary-channel", "type": "webhook", "active": true, "events": ["person_register", "updated_data_to_person"],
        "config": {"url": "http://127.0.0.1:9/canary-hook", "secret": "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"}
    });
    assert_eq!(world.customer.post("/notification-channels", &hooks).await.status, 201);
    let mut person = crate::people::juan();
    person["name"] = json!("Canaria");
    person["external_ref_id"] = json!("canary-external");
    person["extra_data"] = json!({"note": "canary-extra"});
    let person = crate::people::register(&world, &person).await;
    let person = person["id"].as_str().unwrap();
    for (list, _) in crate::people::LISTS {
        world.customer.post(&format!("/{list}"), &crate::people::sample(list, person)).await;
    }
    assert_eq!(world.customer.get("/people/external/canary-external").await.status, 200);
    assert_eq!(world.customer.post("/people", &json!({"national_id": "CANARY-CURP"})).await.status, 422);
    assert_eq!(world.customer.put("/people/national-id/PESJ880212HDFHLX01", &json!({"x": 1})).await.status, 422);
    let rows = "national_id,name,first_lastname,second_lastname\nCANARY-ROW,Canaria,Ave,Loro\nBOXW310820HNERXN09,Canaria,Ave,Loro\n";
    let import = world.customer.post_form("/people/import", &[("file", rows)]).await;
    assert_eq!(import.status, 202);
    world.catch_up();
    assert_eq!(world.customer.post("/people/export", &json!({})).await.status, 202);
    let contact = json!({"person_id": person, "phone": "525591038054"});
    assert_eq!(world.customer.post("/contacts/sms-codes", &contact).await.status, 200);
    let code: String = world.local.sms()[0].text.chars().filter(char::is_ascii_digit).take(6).collect();
    let wrong = json!({"person_id": person, "phone": "525591038054", "code": "canary"});
    assert_eq!(world.customer.post("/contacts/sms-codes/verify", &wrong).await.status, 422);
    let right = json!({"person_id": person, "phone": "525591038054", "code": code});
    assert_eq!(world.customer.post("/contacts/sms-codes/verify", &right).await.status, 200);
    let temporary = json!({
        "name": "Canaria", "first_lastname": "Ave", "second_lastname": "Loro", "national_id": "PESJ880212MDFHLX01",
        "callback_url": "http://127.0.0.1:9/canary-callback"
    });
    let temporary = world.customer.post("/temporary-people", &temporary).await.id();
    let ignored = json!({"person_data": {"ignore_curp_validation": true}});
    assert_eq!(world.customer.post(&format!("/temporary-people/{temporary}/person"), &ignored).await.status, 201);
    let property = json!({"name": "Canary property", "descriptor": [{"title": "Nota", "type": "string"}]});
    let property = world.customer.post("/dynamic-properties", &property).await.id();
    let values = json!({"person_id": person, "values": {"nota": "canary-value"}});
    assert_eq!(world.customer.post(&format!("/dynamic-properties/{property}/values"), &values).await.status, 201);
    world.pass(jiff::SignedDuration::from_mins(30)).await;
    let import = world.customer.get(&format!("/people/imports/{}", import.id())).await.result().clone();
    assert_eq!((&import["state"], &import["failed"]), (&json!("done"), &json!(1)));
    let report = signature(import["url"].as_str().unwrap());

    let account: AucoAccount = world.account("auco").await.read().unwrap();
    let link: LinkAccount = world.account("link").await.read().unwrap();
    let token = path.rsplit('.').next().unwrap();
    let (evidence, certificate, upload) = (signature(&ours), signature(&at_link[0]), signature(&at_link[1]));
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains(&created.id()), "the run was not logged at all");
    let canaries = [
        "Canaria",
        "Delatora",
        "9998877",
        "canaria@",
        "98765432109",
        "canary-metadata",
        "canary-tag",
        "canary-key",
        world.local.api_key(),
        account.public_key.expose_secret(),
        account.private_key.expose_secret(),
        link.password.expose_secret(),
        token,
        &evidence,
        &certificate,
        &upload,
        "/auco/files/",
        "/callbacks/link/k",
        // What LINK's machine and people read, and what its certificate's callback names.
        "CARMEN",
        "99999999R",
        "urlCertificateFile",
        "canary-channel",
        "canary-hook",
        "Y2FuYXJ5",
        "canary-external",
        "canary-extra",
        "CANARY-CURP",
        "CANARY-ROW",
        "525591038054",
        "canary-callback",
        "canary-value",
        &code,
        &report,
        "PESJ880212",
        "525591038054",
        "user@example",
        "002010077777777771",
        "Cristobal",
        "Bearer",
    ];
    for canary in canaries {
        let line = logged.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{canary} is in a log line");
    }
}
