//! One attempt by e-mail, through Amazon SES.

use std::sync::{Arc, OnceLock};

use aws_sdk_sesv2::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{Body, Content, Destination, EmailContent, Message as Mail},
};

use super::{
    Message, Outcome,
    outcome::{Answer, failed},
};
use crate::{
    common::Private,
    platform::{Config, Platform, aws},
};

/// Sends e-mails. The client is built on first use, because most deployments send none.
pub(super) struct Mailer {
    config: Arc<Config>,
    aws: aws::Clients,
    client: OnceLock<Client>,
}

impl Mailer {
    pub(super) fn new(platform: &Platform) -> Self {
        Self { config: Arc::clone(&platform.config), aws: platform.aws.clone(), client: OnceLock::new() }
    }

    pub(super) async fn send(&self, emails: &[Private<String>], message: &Message) -> Answer {
        self.write(emails, &format!("[Cotejo] {}", message.event), &message.text()).await
    }

    pub(super) fn is_set_up(&self) -> bool {
        self.config.mail_from.is_some()
    }

    pub(super) async fn write(&self, emails: &[Private<String>], subject: &str, body: &str) -> Answer {
        let Some(from) = &self.config.mail_from else { return failed("mail_not_set_up") };
        let text = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let (Ok(subject), Ok(body)) = (text(subject), text(body)) else { return failed("mail_malformed") };
        let mail = Mail::builder().subject(subject).body(Body::builder().text(body).build()).build();
        let to = emails.iter().map(|email| email.expose().clone()).collect();
        let client = self.client.get_or_init(|| self.aws.mail(self.config.mail_region.as_deref()));
        let send = client
            .send_email()
            .from_email_address(from)
            .destination(Destination::builder().set_to_addresses(Some(to)).build())
            .content(EmailContent::builder().simple(mail).build());
        match Box::pin(send.send()).await {
            Ok(_) => (Outcome::Taken, Some(200), None),
            Err(error) => {
                let status = error.raw_response().map(|response| response.status().as_u16());
                // The messages of SES contain addresses; its codes do not.
                tracing::warn!(code = error.code(), "mail not sent");
                let trouble = if status.is_some() { "mail_refused" } else { "no_answer" };
                (Outcome::Failed { retry_after: None }, status, Some(trouble))
            }
        }
    }
}
