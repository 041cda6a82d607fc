//! Which tokens were used, for the scripts that refuse a token that was used before.

use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Spent>);

#[derive(Default)]
struct Spent {
    used: bool,
    refused: bool,
}

impl Tokens {
    /// Uses a token. Where the script says that tokens expire, `false` refuses a used token once.
    #[must_use]
    pub fn spend(&mut self, token: &str, expires: bool) -> bool {
        let spent = self.0.entry(token.to_owned()).or_default();
        if expires && spent.used && !spent.refused {
            spent.refused = true;
            return false;
        }
        spent.used = true;
        true
    }
}
