//! Actions of listeners and rules, into AWS's words and back.

use agent_core::fault::{Class, Fault};
use agent_core::reference::Link;
use agent_model::kinds::elb::action::{Action, ContentType, FixedResponse, Forward, Redirect, Stickiness, Weighted};
use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    TargetGroupStickinessConfig, TargetGroupTuple,
};

use super::{int, number, read_word, word};
use crate::fault::lacks;

/// An action for a call.
pub(super) fn action_sent(call: &str, action: &Action) -> Result<sdk::Action, Fault> {
    let built = sdk::Action::builder();
    Ok(match action {
        Action::FixedResponse(response) => {
            let config = FixedResponseActionConfig::builder()
                .status_code(response.status_code.to_string())
                .content_type(word(&response.content_type))
                .set_message_body(response.message_body.clone());
            built.r#type(ActionTypeEnum::FixedResponse).fixed_response_config(config.build()).build()
        }
        Action::Redirect(to) => {
            let config = RedirectActionConfig::builder()
                .protocol(&to.protocol)
                .port(&to.port)
                .host(&to.host)
                .path(&to.path)
                .query(&to.query)
                .status_code(word(&to.status_code).as_str().into());
            built.r#type(ActionTypeEnum::Redirect).redirect_config(config.build()).build()
        }
        Action::Forward(forward) => built.r#type(ActionTypeEnum::Forward).forward_config(forward_sent(forward)).build(),
        Action::Other(what) => {
            let text = format!("an action `{what}` can only be read");
            return Err(Fault::new(Class::Invalid, call, "NotSupported", text));
        }
    })
}

fn forward_sent(forward: &Forward) -> ForwardActionConfig {
    let group = |one: &Weighted| {
        TargetGroupTuple::builder().target_group_arn(one.target_group.as_str()).weight(int(one.weight)).build()
    };
    let stickiness = forward.stickiness.map(|stickiness| {
        let seconds = int(stickiness.duration_seconds);
        TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(seconds).build()
    });
    ForwardActionConfig::builder()
        .set_target_groups(Some(forward.target_groups.iter().map(group).collect()))
        .set_target_group_stickiness_config(stickiness)
        .build()
}

/// The action of an answer. More than one means that clients are authenticated first.
pub(super) fn action_read(call: &'static str, actions: &[sdk::Action]) -> Result<Action, Fault> {
    let [action] = actions else {
        let mut ordered: Vec<&sdk::Action> = actions.iter().collect();
        ordered.sort_by_key(|action| action.order);
        let types: Vec<&str> = ordered.iter().filter_map(|action| Some(action.r#type.as_ref()?.as_str())).collect();
        return Ok(Action::Other(types.join(", ")));
    };
    match &action.r#type {
        Some(ActionTypeEnum::FixedResponse) => {
            let config = action.fixed_response_config.as_ref().ok_or_else(|| lacks(call, "FixedResponseConfig"))?;
            fixed_response_read(call, config).map(Action::FixedResponse)
        }
        Some(ActionTypeEnum::Redirect) => {
            let config = action.redirect_config.as_ref().ok_or_else(|| lacks(call, "RedirectConfig"))?;
            redirect_read(call, config).map(Action::Redirect)
        }
        Some(ActionTypeEnum::Forward) => forward_read(call, action).map(Action::Forward),
        Some(other) => Ok(Action::Other(other.as_str().to_owned())),
        None => Err(lacks(call, "Type")),
    }
}

fn fixed_response_read(call: &'static str, config: &FixedResponseActionConfig) -> Result<FixedResponse, Fault> {
    let status_code = config.status_code().and_then(|code| code.parse().ok());
    let content_type = config.content_type().filter(|text| !text.is_empty());
    Ok(FixedResponse {
        status_code: status_code.ok_or_else(|| lacks(call, "StatusCode"))?,
        content_type: content_type.map_or(Ok(ContentType::default()), |text| read_word(call, "ContentType", text))?,
        message_body: config.message_body.clone().filter(|text| !text.is_empty()),
    })
}

fn redirect_read(call: &'static str, config: &RedirectActionConfig) -> Result<Redirect, Fault> {
    let default = Redirect::default();
    let status = config.status_code.as_ref().ok_or_else(|| lacks(call, "StatusCode"))?;
    Ok(Redirect {
        protocol: config.protocol.clone().unwrap_or(default.protocol),
        port: config.port.clone().unwrap_or(default.port),
        host: config.host.clone().unwrap_or(default.host),
        path: config.path.clone().unwrap_or(default.path),
        query: config.query.clone().unwrap_or(default.query),
        status_code: read_word(call, "StatusCode", status.as_str())?,
    })
}

/// AWS gives a single group both ways; one that was set up by other tools may have the short form alone.
fn forward_read(call: &'static str, action: &sdk::Action) -> Result<Forward, Fault> {
    let config = action.forward_config.as_ref();
    let groups = config.map(ForwardActionConfig::target_groups).unwrap_or_default();
    let mut target_groups = std::collections::BTreeSet::new();
    for group in groups {
        let arn = group.target_group_arn().ok_or_else(|| lacks(call, "TargetGroupArn"))?;
        let weight = group.weight.map_or(Ok(1), |weight| number(call, "Weight", Some(weight)))?;
        target_groups.insert(Weighted { target_group: Link::value(arn), weight });
    }
    if target_groups.is_empty() {
        let arn = action.target_group_arn().ok_or_else(|| lacks(call, "TargetGroupArn"))?;
        target_groups.insert(Weighted { target_group: Link::value(arn), weight: 1 });
    }
    let sticky = config.and_then(ForwardActionConfig::target_group_stickiness_config);
    let sticky = sticky.filter(|sticky| sticky.enabled == Some(true));
    let stickiness = sticky.map(|sticky| number(call, "DurationSeconds", sticky.duration_seconds)).transpose()?;
    Ok(Forward { target_groups, stickiness: stickiness.map(|duration_seconds| Stickiness { duration_seconds }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(action: &Action) -> Action {
        action_read("call", &[action_sent("call", action).unwrap()]).unwrap()
    }

    #[test]
    fn an_action_is_read_as_it_was_sent() {
        let groups = [("arn:1", 90), ("arn:2", 10)];
        let group = |(arn, weight)| Weighted { target_group: Link::value(arn), weight };
        let stickiness = Some(Stickiness { duration_seconds: 60 });
        for action in [
            Action::respond(403, ""),
            Action::respond(503, "back soon"),
            Action::redirect_to_https(443),
            Action::forward(Link::value("arn:1")),
            Action::Forward(Forward { target_groups: groups.map(group).into(), stickiness }),
        ] {
            assert_eq!(back(&action), action);
        }
    }

    #[test]
    fn the_short_form_of_a_forward_is_one_group_of_weight_one() {
        let action = sdk::Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("arn:1").build();
        assert_eq!(action_read("call", &[action]).unwrap(), Action::forward(Link::value("arn:1")));
    }

    #[test]
    fn what_cannot_be_wanted_is_read_and_never_sent() {
        let of = |kind: ActionTypeEnum, order| sdk::Action::builder().r#type(kind).order(order).build();
        let live = [of(ActionTypeEnum::Forward, 2), of(ActionTypeEnum::AuthenticateOidc, 1)];
        let read = action_read("call", &live).unwrap();
        assert_eq!(read, Action::Other("authenticate-oidc, forward".into()));
        assert_eq!(action_sent("call", &read).unwrap_err().class, Class::Invalid);
    }
}
