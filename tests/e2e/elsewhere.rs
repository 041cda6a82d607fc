//! Nothing is tied to the embedded parts: provider, table and bucket may be anybody's.

use std::collections::HashMap;

use cotejo::providers::auco::AucoAccount;
use cotejo_tests::{World, order, start_of_time};
use secrecy::ExposeSecret as _;

#[tokio::test]
async fn provider_table_and_bucket_can_be_another_server_s() {
    // One system lends its stores and its Auco, the other has only functions of its own.
    let lender = World::new().await;
    let lent = lender.local.env();
    let names = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "COTEJO_AUCO_URL"];
    let mut overrides: HashMap<String, String> =
        names.iter().map(|name| ((*name).to_owned(), lent[*name].clone())).collect();
    let account: AucoAccount = lender.account("auco").await.read().unwrap();
    overrides.insert("COTEJO_AUCO_PUBLIC_KEY".to_owned(), account.public_key.expose_secret().to_owned());
    overrides.insert("COTEJO_AUCO_PRIVATE_KEY".to_owned(), account.private_key.expose_secret().to_owned());
    // On a second store each world has an account of its own, and what is lent is the lender's.
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        overrides.insert(name.to_owned(), lent[name].clone());
    }
    // Another beginning is another seed: the two share a table.
    let borrower = World::at(start_of_time() + jiff::SignedDuration::from_secs(1), None, overrides).await;
    for name in names {
        assert_eq!(borrower.local.env()[name], lent[name]);
    }
    lender.local.sandbox().set_auco_webhooks(vec![cotejo_sandbox::Webhook {
        id: "cotejo".to_owned(),
        url: borrower.local.auco_webhook_url().to_owned(),
        default: true,
        header: None,
    }]);

    let created = borrower.customer.create(&order("approved")).await;
    assert_eq!(created.status, 201);
    lender.clock.advance(jiff::SignedDuration::from_secs(31));
    lender.local.sandbox().tick().await;
    let process = borrower.finish(&created.id(), 1).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&"approved".into(), &"complete".into()));
    assert_eq!(lender.local.sandbox().auco_processes().len(), 1);
    assert_eq!(borrower.local.sandbox().auco_processes().len(), 0);
}
