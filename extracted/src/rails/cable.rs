//! What Action Cable tells its watchers: a message published in Redis, from where the monolith's
//! own servers pass it on to those who watch.
//!
//! Source: actioncable 6.1, `channel/broadcasting.rb`, `server/broadcasting.rb` and
//! `subscription_adapter/{redis,channel_prefix}.rb`; globalid 0.6, `global_id.rb` (`to_param`).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    job::{Command, GlobalId},
    json,
};

/// A message that has not been published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    channel: String,
    payload: String,
}

/// A class of channels, and the application that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Channel {
    /// `channel_prefix` of cable.yml.
    pub prefix: Option<&'static str>,
    /// `channel_name`: of `OrderChannel`, `order`; of `Chats::AppearancesChannel`,
    /// `chats:appearances`.
    pub name: &'static str,
}

impl Channel {
    /// `broadcast_to(record, message)`, for who did `stream_for record`.
    ///
    /// # Errors
    /// When the message has no form in JSON.
    pub fn broadcast_to(
        &self,
        record: &GlobalId,
        message: &impl Serialize,
    ) -> Result<Broadcast, serde_json::Error> {
        let record = BASE64_URL_SAFE_NO_PAD.encode(record.as_str());
        let prefix = self.prefix.map(|it| format!("{it}:")).unwrap_or_default();
        let payload = String::from_utf8_lossy(&json::encode(message)?).into_owned();
        Ok(Broadcast { channel: format!("{prefix}{}:{record}", self.name), payload })
    }
}

impl Broadcast {
    /// What Redis is told.
    pub fn command(&self) -> Command {
        vec!["PUBLISH".to_owned(), self.channel.clone(), self.payload.clone()]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_named_by_its_global_id_without_padding() {
        let channel = Channel { prefix: Some("shop"), name: "order" };
        let order = GlobalId::new("shop", "Order", "7");
        let command = channel.broadcast_to(&order, &json!({ "number": "<7>" })).unwrap().command();
        // ruby -rbase64 -e 'puts Base64.urlsafe_encode64("gid://shop/Order/7").sub(/=+$/, "")'
        assert_eq!(
            command,
            ["PUBLISH", "shop:order:Z2lkOi8vc2hvcC9PcmRlci83", r#"{"number":"\u003c7\u003e"}"#]
        );
        let bare = Channel { prefix: None, ..channel };
        let command = bare.broadcast_to(&order, &json!({})).unwrap().command();
        assert_eq!(command[1], "order:Z2lkOi8vc2hvcC9PcmRlci83");
    }
}
