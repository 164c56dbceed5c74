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
        Self::with(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }, WHOLE)
    }

    fn with(roots: RootCertStore, whole: Duration) -> Result<Self> {
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
            .timeout_global(Some(whole))
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::time::Instant;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection};

    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("../../tests/tls/authority.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/tls/server.pem");
    const KEY: &[u8] = include_bytes!("../../tests/tls/server.key");

    /// A server with a certificate for `localhost`, on 127.0.0.1; its port.
    fn tls_server() -> u16 {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("they go together"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(config.clone()).expect("a connection");
                let mut stream = BufReader::new(StreamOwned::new(connection, stream.expect("a stream")));
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer");
                let _ = stream.get_mut().flush();
            }
        });
        port
    }

    fn authority() -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(AUTHORITY).expect("a certificate")).expect("an authority");
        roots
    }

    fn get(client: &Client, uri: &str) -> std::result::Result<Response, Failure> {
        client.send(&Request {
            method: Method::GET,
            uri: uri.parse().expect("a URL"),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    #[test]
    fn a_server_whose_authority_is_trusted_is_spoken_to() {
        let client = Client::with(authority(), WHOLE).expect("a client");
        let answer = get(&client, &format!("https://localhost:{}/", tls_server())).expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"answer"[..]));
    }

    #[test]
    fn a_server_of_an_unknown_authority_or_another_name_is_refused_and_not_asked_again() {
        let port = tls_server();
        let known = Client::with(authority(), WHOLE).expect("a client");
        for (client, host) in [(&Client::new().expect("a client"), "localhost"), (&known, "127.0.0.1")] {
            let refused = get(client, &format!("https://{host}:{port}/"));
            assert!(
                matches!(&refused, Err(Failure::Final(problem)) if problem.to_string().contains("certificate")),
                "{host}"
            );
        }
    }

    #[test]
    fn the_authorities_of_amazon_are_inside() {
        for name in ["Amazon Root CA 1", "Starfield Services Root Certificate Authority - G2"] {
            let is_it = |subject: &[u8]| subject.windows(name.len()).any(|part| part == name.as_bytes());
            assert!(webpki_roots::TLS_SERVER_ROOTS.iter().any(|root| is_it(root.subject.as_ref())), "{name}");
        }
    }

    #[test]
    fn who_says_nothing_is_given_up_in_the_handshake_and_after_it() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let client = Client::with(authority(), Duration::from_millis(200)).expect("a client");
        for scheme in ["http", "https"] {
            let started = Instant::now();
            assert!(
                matches!(get(&client, &format!("{scheme}://localhost:{port}/")), Err(Failure::Transient(_))),
                "{scheme}"
            );
            assert!(started.elapsed() < Duration::from_secs(4), "{scheme}: {:?}", started.elapsed());
        }
    }

    #[test]
    fn an_answer_without_end_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 8192]).is_ok() {}
        });
        let client = Client::with(authority(), WHOLE).expect("a client");
        assert!(matches!(get(&client, &format!("http://127.0.0.1:{port}/")), Err(Failure::Final(_))));
    }
}
