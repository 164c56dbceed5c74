//! The layer under the SDK's HTTP client: it sends each request to the emulator of its service instead of AWS, records it, and
//! lets planned calls fail. Clients are built as for AWS (no endpoint is set, so AWS's endpoint rules run); only the HTTP client
//! differs. It is deterministic: it holds no clock and no randomness, and counts in the order in which calls start.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokio::sync::watch;

use super::emulator::Emulator;
use super::fault::{Fault, Head, Plan, What};
use super::http::{Injected, Request, read_body};
use super::record::{self, Call, Outcome};
use super::waves::{self, Waves};
use super::{name, reply};

/// The layer of one test.
pub struct Wire {
    emulator: Arc<Emulator>,
    state: Mutex<State>,
    dead: watch::Sender<bool>,
    /// Whether the calls of a dead process wait for ever instead of failing.
    hang: AtomicBool,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    plan: Plan,
    clock: u64,
    refused: usize,
    waves: Option<Waves>,
    /// The process has got its last answer: its next call finds it dead.
    last: bool,
}

impl State {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wire").field("calls", &self.state().calls.len()).finish_non_exhaustive()
    }
}

impl Wire {
    pub fn new(emulator: Arc<Emulator>) -> Arc<Wire> {
        let (dead, _) = watch::channel(false);
        Arc::new(Wire { emulator, state: Mutex::default(), dead, hang: AtomicBool::new(false) })
    }

    /// An SDK configuration as on AWS, its HTTP client this layer, with the SDK's retries off; `to_builder()` changes more.
    pub fn config(self: &Arc<Self>, region: &'static str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "testing", "testing", None, None, "bench",
            )))
            .http_client(self.client())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .retry_config(RetryConfig::disabled())
            // An emulator on a busy machine may be silent for longer than AWS ever is.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// The HTTP client alone.
    pub fn client(self: &Arc<Self>) -> SharedHttpClient {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        SharedHttpClient::new(WireClient { wire: Arc::clone(self), inner })
    }

    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Sets the faults; their counts start with the next call. An empty plan lets everything through.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().plan = Plan::of(faults.into_iter().collect());
    }

    /// Lets a function decide; it must not call this wire.
    pub fn plan_by(&self, function: impl FnMut(&Head<'_>) -> Option<What> + Send + 'static) {
        self.state().plan = Plan::by(function);
    }

    /// The calls so far, in the order in which they started. Those of a dead process are not among them.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How many calls a dead process still tried.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    pub fn counts(&self) -> BTreeMap<String, usize> {
        record::counts(&self.state().calls)
    }

    /// The calls of one action.
    pub fn count(&self, service: &str, action: &str) -> usize {
        self.counts().get(&format!("{service}.{action}")).copied().unwrap_or(0)
    }

    pub fn table(&self) -> String {
        record::table(&self.state().calls)
    }

    /// From now on calls go in lockstep, and [`Call::wave`] tells the round of each.
    pub fn lockstep(&self) {
        self.state().waves = Some(Waves::new());
    }

    /// From now on each call goes as it comes.
    pub fn free(&self) {
        self.state().waves = None;
    }

    /// Rounds of dependent reads; see [`record::rounds`].
    pub fn rounds(&self) -> usize {
        record::rounds(&self.state().calls)
    }

    /// Writes the calls as JSON lines, as `tests/legal/check.py FILE` reads them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json_lines(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, record::json_lines(&self.state().calls))
    }

    /// Forgets calls, plan and death.
    pub fn clear(&self) {
        *self.state() = State::default();
        self.revive();
    }

    /// Whether a planned crash has happened.
    pub fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    /// Ends the death and the plan: what calls from now on is the next process. The record goes on.
    pub fn revive(&self) {
        let mut state = self.state();
        (state.plan, state.last) = (Plan::default(), false);
        drop(state);
        self.hang.store(false, Ordering::SeqCst);
        self.dead.send_replace(false);
    }

    /// Waits until a planned crash happens.
    pub async fn crashed(&self) {
        let mut dead = self.dead.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let _ = dead.wait_for(|dead| *dead).await;
    }

    /// Runs a future as a process that a planned crash kills: it is dropped then (`None`), and neither it nor what it spawned
    /// sees an answer or an error of the call at which it died.
    pub async fn until_crash<F: Future>(&self, process: F) -> Option<F::Output> {
        self.hang.store(true, Ordering::SeqCst);
        let result = tokio::select! {
            biased;
            () = self.crashed() => None,
            result = process => Some(result),
        };
        if !self.is_dead() {
            self.hang.store(false, Ordering::SeqCst);
        }
        result.filter(|_| !self.is_dead())
    }

    /// Lets the calls of a dead process hang rather than fail; the proxy wants that, whose client is killed from outside.
    pub fn hang_when_dead(&self) {
        self.hang.store(true, Ordering::SeqCst);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must not hide its message behind a poisoned lock.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a request through the layer: names and records it, then sends it on or does what the plan says.
    ///
    /// # Errors
    /// Those of the connection, and those that a fault makes.
    pub async fn pass(
        &self,
        sent: HttpRequest,
        upstream: &SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        let (request, sent) = Request::read(sent).await?;
        if std::mem::take(&mut self.state().last) {
            self.dead.send_replace(true);
        }
        if self.is_dead() {
            self.state().refused += 1;
            return self.dead_end().await;
        }
        let (at, what) = self.begin(&request);
        match what {
            None => self.forward(at, &request, sent, upstream).await,
            Some(What::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                self.forward(at, &request, sent, upstream).await
            }
            Some(What::Answer(body)) => {
                self.end(at, Outcome::Answered(200), body.as_bytes());
                Ok(HttpResponse::new(StatusCode::try_from(200).expect("a status"), SdkBody::from(body)))
            }
            Some(What::Timeout) => {
                self.end(at, Outcome::NotSent, &[]);
                Err(ConnectorError::timeout(Injected("timeout").into()))
            }
            Some(What::LostAnswer) => {
                self.send(at, &request, sent, upstream).await?;
                self.end(at, Outcome::AnswerLost, &[]);
                Err(ConnectorError::timeout(Injected("lost answer").into()))
            }
            Some(What::CrashBefore) => {
                self.end(at, Outcome::NotSent, &[]);
                self.dead.send_replace(true);
                self.dead_end().await
            }
            Some(What::CrashAfter) => {
                self.send(at, &request, sent, upstream).await?;
                self.end(at, Outcome::AnswerLost, &[]);
                self.dead.send_replace(true);
                self.dead_end().await
            }
            Some(What::CrashAnswered) => {
                let answer = self.forward(at, &request, sent, upstream).await?;
                self.state().last = true;
                Ok(answer)
            }
            Some(what) => Ok(self.answer(at, &what, &request)),
        }
    }

    /// Records the start of a call; gives its place in the record and its fault.
    fn begin(&self, request: &Request) -> (usize, Option<What>) {
        let name = name::of(request);
        let mut recorded = request.clone();
        recorded.headers.retain(|(key, _)| key != "authorization" && key != "x-amz-security-token");
        let mut state = self.state();
        let what = state.plan.next(&name, &request.body);
        let started = state.tick();
        let wave = state.waves.as_mut().map(Waves::enter);
        let at = state.calls.len();
        state.calls.push(Call {
            seq: at + 1,
            name,
            request: recorded,
            outcome: Outcome::Pending,
            answer: Vec::new(),
            fault: what.as_ref().map(What::name),
            sent: false,
            started,
            ended: None,
            wave,
        });
        (at, what)
    }

    fn end(&self, at: usize, outcome: Outcome, answer: &[u8]) {
        let mut state = self.state();
        let ended = state.tick();
        if let Some(waves) = &mut state.waves {
            waves.answered();
        }
        // `clear` may have emptied the record while the call was on its way.
        if let Some(call) = state.calls.get_mut(at) {
            call.ended = Some(ended);
            call.outcome = outcome;
            call.answer = answer.to_vec();
        }
    }

    /// Sends the request to the emulator of its service and reads the whole answer; records a broken connection.
    async fn send(
        &self,
        at: usize,
        request: &Request,
        mut sent: HttpRequest,
        upstream: &SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        let service = name::of(request).service;
        if let Some(call) = self.state().calls.get_mut(at) {
            call.sent = true;
        }
        let answered = async {
            // The host is the emulator's: HTTP's own default for the header fits.
            sent.headers_mut().remove("host");
            let endpoint = self.emulator.endpoint(&service);
            sent.uri_mut().set_endpoint(endpoint).map_err(|error| ConnectorError::user(error.into()))?;
            let mut response = upstream.call(sent).await?;
            let body = read_body(response.take_body()).await?;
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        };
        let answered = answered.await;
        if let Err(error) = &answered {
            self.end(at, Outcome::Failed(format!("{error:?}")), &[]);
        }
        answered
    }

    async fn forward(
        &self,
        at: usize,
        request: &Request,
        sent: HttpRequest,
        upstream: &SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        let response = self.send(at, request, sent, upstream).await?;
        if self.is_dead() {
            // The process died at another call while this one was on its way.
            self.end(at, Outcome::AnswerLost, &[]);
            return self.dead_end().await;
        }
        let answer = response.body().bytes().unwrap_or_default();
        self.end(at, Outcome::Answered(response.status().as_u16()), answer);
        self.hold(at).await;
        Ok(response)
    }

    /// In lockstep: until the call's wave is over.
    async fn hold(&self, at: usize) {
        let Some(wave) = self.state().calls.get(at).and_then(|call| call.wave) else { return };
        while !self.state().waves.as_mut().is_none_or(|waves| waves.is_over(wave)) {
            tokio::time::sleep(waves::QUIET / 10).await;
        }
    }

    fn answer(&self, at: usize, what: &What, request: &Request) -> HttpResponse {
        let name = name::of(request);
        let error = reply::error(what, &name).expect("the other faults are no answers");
        let response = reply::response(&error, &name, request);
        self.end(at, Outcome::Answered(error.status), response.body().bytes().unwrap_or_default());
        response
    }

    /// What a dead process gets. The error is of a kind that the SDK does not retry.
    async fn dead_end(&self) -> Result<HttpResponse, ConnectorError> {
        if self.hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Err(ConnectorError::other(Injected("the process died").into(), None))
    }
}

/// The HTTP client that hands out connectors over an ordinary one.
#[derive(Debug)]
struct WireClient {
    wire: Arc<Wire>,
    inner: SharedHttpClient,
}

impl HttpClient for WireClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let upstream = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(WireConnector { wire: Arc::clone(&self.wire), upstream })
    }
}

#[derive(Debug)]
struct WireConnector {
    wire: Arc<Wire>,
    upstream: SharedHttpConnector,
}

impl HttpConnector for WireConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, upstream) = (Arc::clone(&self.wire), self.upstream.clone());
        HttpConnectorFuture::new(async move { wire.pass(request, &upstream).await })
    }
}
