//! AWS STS, as far as asking who one is.
//!
//! It speaks the query protocol: a form in, XML out. Tests: in this file.

use super::{Call, Refusal, derived};

/// Answers the form in `body`.
pub fn answer(call: &Call, body: &str) -> Result<String, Refusal> {
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    match action {
        Some("GetCallerIdentity") => Ok(caller_identity(call)),
        Some(action) => {
            let message = format!("Could not find operation {action} for version 2011-06-15");
            Err(Refusal::client("InvalidAction", message))
        }
        None => Err(Refusal::client("MissingAction", "Could not find the parameter Action")),
    }
}

fn caller_identity(call: &Call) -> String {
    let (arn, account) = (call.caller(), &call.account);
    let hex = derived::hex(&[&arn]).to_uppercase();
    let (user, request) = (&hex[..17], call.ids.uuid());
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDA{user}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: &str) -> Result<String, Refusal> {
        answer(&Call::new("123456789012", "eu-central-1", 0.0), body)
    }

    #[test]
    fn the_caller_is_told_account_and_arn() {
        let xml = ask("Action=GetCallerIdentity&Version=2011-06-15").unwrap();
        assert!(xml.contains("<Account>123456789012</Account>"), "{xml}");
        assert!(xml.contains("<Arn>arn:aws:iam::123456789012:user/sandbox</Arn>"), "{xml}");
    }

    #[test]
    fn another_action_is_refused() {
        assert_eq!(ask("Action=AssumeRole&Version=2011-06-15").unwrap_err().code, "InvalidAction");
        assert_eq!(ask("Version=2011-06-15").unwrap_err().code, "MissingAction");
    }
}
