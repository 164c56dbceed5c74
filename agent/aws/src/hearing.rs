//! Tells of every call that the clients make, so that calls are counted, told of and seen as progress where a pass is made; and
//! lets no attempt of a changing call out when the time for changes is over. It is the one place that all calls go through,
//! whatever kind makes them.

use agent_core::work::{self, Answer, Call};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::fault::request_id_of;

/// Hears each call of a client as it ends. `service` is as permissions spell it.
#[derive(Debug)]
pub struct Hearing {
    /// The service.
    pub service: &'static str,
}

impl Intercept for Hearing {
    fn name(&self) -> &'static str {
        "Hearing"
    }

    /// The last that is done before each attempt, those that the client repeats by itself among them: the process may have been
    /// stopped since it was allowed, and another agent be at work.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let changes = bag.load::<Metadata>().is_none_or(|metadata| work::changes(metadata.name()));
        if changes && work::is_too_late() { Err("it was not sent: it came too late".into()) } else { Ok(()) }
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = bag.load::<Metadata>() else { return Ok(()) };
        let answer = match (context.output_or_error(), context.response()) {
            (Some(Ok(_)), _) => Answer::Accepted,
            (Some(Err(_)), Some(_)) => Answer::Refused,
            _ => Answer::None,
        };
        work::tell(&Call {
            service: self.service,
            operation: metadata.name(),
            changes: work::changes(metadata.name()),
            answer,
            request_id: context.response().and_then(|response| request_id_of(response.headers())),
            address: None,
        });
        Ok(())
    }
}
