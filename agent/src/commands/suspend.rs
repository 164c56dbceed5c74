//! `agent suspend` and `agent resume`: a person's word that a stack is to be left alone for a while, and that it may go on.

use agent_core::address::Scope;
use agent_core::source::render::escape;
use agent_core::state::{Suspended, Suspension, UntilWhen};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, End, destroy, pretty};
use crate::cli::{From, Output, Place};
use crate::load::Stack;
use crate::session::{Session, SessionError};

/// What is said.
pub enum What {
    /// Leave it alone.
    Suspend {
        /// Why.
        reason: String,
        /// Until when.
        until: Option<UntilWhen>,
    },
    /// Go on.
    Resume,
}

/// The same with the moment in it.
enum Said<'a> {
    Suspend { reason: &'a str, until: Option<Timestamp> },
    Resume,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, place: &Place, what: &What) -> End {
    let said = match what {
        What::Resume => Said::Resume,
        What::Suspend { reason, until } => match until.map(|until| until.after(Timestamp::now())).transpose() {
            Ok(until) => Said::Suspend { reason, until },
            Err(message) => {
                context.printer.error(&format!("`--until`: {message}"), Some("name a moment that is to come"));
                return End::Usage;
            }
        },
    };
    let mut reports = Vec::new();
    let end = match destroy::name_of_stack(from) {
        Some(name) => {
            let told = by_name(context, name, place, &said).await;
            conclude(context, name, &said, told, &mut reports)
        }
        None => match place.given() {
            Some(given) => return destroy::misplaced(context, given),
            None => of_manifests(context, from, &said, &mut reports).await,
        },
    };
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
    end
}

async fn of_manifests(context: &Context<'_>, from: &From, said: &Said<'_>, reports: &mut Vec<Value>) -> End {
    let (_, stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut end = End::Done;
    for mut stack in stacks {
        let told = of_stack(context, &stack, said).await;
        end = end.max(match told {
            Err(SessionError::Problems) => context.told(&mut stack, &SessionError::Problems),
            told => conclude(context, &stack.name(), said, told, reports),
        });
    }
    end
}

/// What is wrong with the rest of a manifest does not matter here: that may be why the stack is to be left alone.
async fn of_stack(context: &Context<'_>, stack: &Stack, said: &Said<'_>) -> Result<Option<Suspension>, SessionError> {
    let manifest = stack.manifest.as_ref().ok_or(SessionError::Problems)?;
    say(&context.clouds.open(&manifest.stack).await?, said).await
}

async fn by_name(
    context: &Context<'_>,
    name: &str,
    place: &Place,
    said: &Said<'_>,
) -> Result<Option<Suspension>, SessionError> {
    let session = context.clouds.of_name(name, place.account.as_deref(), place.region.as_deref()).await?;
    if session.last().await?.is_none() {
        let Scope { account, region, .. } = session.scope.clone();
        return Err(SessionError::NoSuchStack { stack: name.into(), account, region });
    }
    say(&session, said).await
}

async fn say(session: &Session, said: &Said<'_>) -> Result<Option<Suspension>, SessionError> {
    match said {
        Said::Suspend { reason, until } => session.suspend(reason, *until).await.map(Some),
        Said::Resume => session.resume().await,
    }
}

fn conclude(
    context: &Context<'_>,
    stack: &str,
    said: &Said<'_>,
    told: Result<Option<Suspension>, SessionError>,
    reports: &mut Vec<Value>,
) -> End {
    let suspension = match told {
        Ok(suspension) => suspension,
        Err(error) => return context.told_of(stack, &error),
    };
    let suspends = matches!(said, Said::Suspend { .. });
    reports.push(json!({ "stack": stack, "suspended": suspends, "suspension": suspension }));
    if context.output != Output::Json {
        let word = if suspends { "suspended" } else { "resumed" };
        let text = match suspension {
            Some(suspension) => format!("{stack}: {word}: {}", escape(&Suspended::Command(suspension).to_string())),
            None => format!("{stack}: it was not suspended"),
        };
        context.printer.result(&text);
    }
    End::Done
}
