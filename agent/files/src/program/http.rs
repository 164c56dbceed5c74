//! HTTP with time-outs and limits on everything, and TLS with the roots of Mozilla that are inside the program: the image may
//! have none. Proxies of the environment are not used, redirects are not followed.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::Agent;
use ureq::http::{Method, Request as HttpRequest, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector, Transport, TransportAdapter,
};

use super::retry::Failure;
use super::{Problem, Result};

/// Ten parameters of 8 KiB with every character escaped are below this.
const LARGEST_ANSWER: u64 = 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// One request.
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to.
    pub uri: Uri,
    /// With `host`, as signatures need it.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// An answer, whatever its status.
pub struct Response {
    /// The status.
    pub status: u16,
    /// What came.
    pub body: Vec<u8>,
}

/// What sends requests.
pub trait Http {
    /// Sends one.
    fn send(&self, request: &Request) -> std::result::Result<Response, Failure>;
}

/// The real one. It keeps its connections.
pub struct Client(Agent);

impl Client {
    /// Makes one that trusts Mozilla's roots.
    pub fn new() -> Result<Self> {
        Self::trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    fn trusting(roots: RootCertStore) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| Problem::new(format!("TLS cannot be set up ({cause})")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("agent-files/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .build();
        let connector = ().chain(TcpConnector::default()).chain(Tls(Arc::new(tls)));
        Ok(Self(Agent::with_parts(config, connector, DefaultResolver::default())))
    }
}

impl Http for Client {
    fn send(&self, request: &Request) -> std::result::Result<Response, Failure> {
        let host = request.uri.host().unwrap_or_default();
        let mut builder = HttpRequest::builder().method(request.method.clone()).uri(request.uri.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let sent = if request.method == Method::GET {
            builder.body(()).map_err(ureq::Error::from).and_then(|request| self.0.run(request))
        } else {
            builder.body(request.body.as_slice()).map_err(ureq::Error::from).and_then(|request| self.0.run(request))
        };
        let mut answer = sent.map_err(|cause| failure(host, &cause))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        Ok(Response { status, body: body.map_err(|cause| failure(host, &cause))? })
    }
}

/// A connection may work in a moment; a certificate that is not trusted, or an answer that is not HTTP, will not.
fn failure(host: &str, cause: &ureq::Error) -> Failure {
    let problem = Problem::new(format!("{host} cannot be reached or does not answer as it should ({cause})"));
    match cause {
        ureq::Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => Failure::Final(problem),
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Failure::Transient(problem)
        }
        _ => Failure::Final(problem),
    }
}

/// TLS for `ureq`, whose own asks rustls for features that the workspace's SDKs are not built with.
struct Tls(Arc<ClientConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> std::result::Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Err(ureq::Error::ConnectionFailed) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|_| ureq::Error::Tls("its name cannot be on a certificate"))?;
        let mut connection =
            ClientConnection::new(self.0.clone(), name).map_err(|_| ureq::Error::Tls("TLS cannot begin"))?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned::new(connection, socket) })))
    }
}

struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> std::result::Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(self.stream.flush()?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> std::result::Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
