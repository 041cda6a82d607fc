//! LINK as a customer's back end calls it: what the tests of LINK share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;

/// A world with a token of its own.
pub(super) struct Link {
    pub world: World,
    pub token: String,
}

impl Link {
    pub async fn new() -> Link {
        Link::of(World::new().await).await
    }

    pub async fn of(world: World) -> Link {
        let token = token(&world).await;
        Link { world, token }
    }

    /// A document of two sides that goes by `script`, to be verified by machine.
    pub fn order(&self, id: &str, script: &str) -> Value {
        let picture = |kind, script| BASE64.encode(self.world.sandbox.link_picture(kind, script).unwrap());
        json!({
            "id": id,
            "images": [{"content": picture(LinkPicture::Front, script)}, {"content": picture(LinkPicture::Back, "")}],
            "expeditorCountry": "ES",
            "certify": false,
            "certifyCallback": "",
        })
    }

    /// The same with a face.
    pub fn with_face(&self, id: &str, script: &str) -> Value {
        let mut order = self.order(id, script);
        order["images"][0]["faceImage"] =
            BASE64.encode(self.world.sandbox.link_picture(LinkPicture::Selfie, "").unwrap()).into();
        order
    }

    /// The same order, to be verified by hand.
    pub fn by_hand(&self, mut order: Value) -> Value {
        order["manualVerification"] = true.into();
        order["manualVerificationCallback"] = format!("{}/manual", self.world.receiver_url).into();
        order
    }

    /// The same order, with a certificate.
    pub fn certified(&self, mut order: Value) -> Value {
        order["certify"] = true.into();
        order["certifyCallback"] = format!("{}/certificate", self.world.receiver_url).into();
        order
    }

    pub async fn post(&self, order: &Value) -> reqwest::Response {
        verify(&self.world, &self.token, order).await
    }

    /// The answer, which must be a good one.
    pub async fn verify(&self, order: &Value) -> Value {
        let answer = self.post(order).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub async fn certificate(&self, id: &str) -> reqwest::Response {
        certificate(&self.world, &self.token, id).await
    }

    pub fn view(&self) -> LinkView {
        self.world.sandbox.link_requests().remove(0)
    }
}

pub(super) async fn ask_token(world: &World, user: &str, password: &str) -> reqwest::Response {
    let body = json!({"user": user, "password": password}).to_string();
    world.client.post(format!("{}/link/auth/token", world.base)).body(body).send().await.unwrap()
}

pub(super) async fn token(world: &World) -> String {
    let answer = ask_token(world, "bank", "secret").await;
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

pub(super) async fn verify(world: &World, token: &str, order: &Value) -> reqwest::Response {
    let request = world.client.post(format!("{}/link/identity/verify", world.base)).bearer_auth(token);
    request.body(order.to_string()).send().await.unwrap()
}

pub(super) async fn certificate(world: &World, token: &str, id: &str) -> reqwest::Response {
    world.client.get(format!("{}/link/certificate/{id}", world.base)).bearer_auth(token).send().await.unwrap()
}

/// The content of an answer with a certificate, which must be a good one.
pub(super) async fn content(answer: reqwest::Response) -> Vec<u8> {
    assert_eq!(answer.status(), 200);
    BASE64.decode(answer.json::<Value>().await.unwrap()["content"].as_str().unwrap()).unwrap()
}
