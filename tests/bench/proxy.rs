//! The same layer for a process that is not ours to build: a loopback HTTP/1.1 server that hands each request to a [`Wire`]. The
//! child finds it through `AWS_ENDPOINT_URL`. It runs on a thread of its own, so blocking tests can wait for the child. Requests
//! need a Content-Length (the SDK's in-memory bodies have one); chunked ones are refused with 501.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::wire::Wire;

/// A running proxy; ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wire: Arc<Wire>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free loopback port. A planned crash makes the child's calls hang from then on: wait for
    /// [`Wire::crashed`] and kill the child, which thus saw neither an answer nor an error.
    ///
    /// # Errors
    /// When the port or the runtime cannot be had.
    pub fn start(wire: &Arc<Wire>) -> io::Result<Proxy> {
        wire.hang_when_dead();
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(wire);
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener, served) => {}
                }
            });
        });
        Ok(Proxy { address, wire: Arc::clone(wire), stop: Some(stop), thread: Some(thread) })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// The environment of a child whose every AWS call comes here.
    pub fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.wire.emulator().env().clone();
        env.retain(|name, _| !name.starts_with("AWS_ENDPOINT_URL"));
        env.insert("AWS_ENDPOINT_URL".to_owned(), self.url());
        env
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, wire: Arc<Wire>) {
    let listener = TcpListener::from_std(listener).expect("the listener is made for this runtime");
    let upstream = SharedHttpConnector::new(Connector::builder().build_http());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(stream, Arc::clone(&wire), upstream.clone()));
    }
}

/// Serves a connection until the client closes it, breaks HTTP, or a fault cuts it.
async fn connection(mut stream: TcpStream, wire: Arc<Wire>, upstream: SharedHttpConnector) {
    let mut buffer = Vec::new();
    loop {
        let request = match read_request(&mut stream, &mut buffer).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(error) => {
                let text = format!(
                    "HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\nconnection: close\r\nx-proxy-error: {error}\r\n\r\n"
                );
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
        };
        let head_only = request.method() == "HEAD";
        // An error is a fault that no answer can express: the client sees the connection close.
        let Ok(response) = wire.pass(request, &upstream).await else { return };
        if stream.write_all(&render(&response, head_only)).await.is_err() {
            return;
        }
    }
}

/// The next request of a connection; `None` at its end. Leaves what follows in the buffer.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<HttpRequest>> {
    let (length, mut request, expects) = loop {
        if let Some(found) = parse_head(buffer)? {
            break found;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    if expects {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    while buffer.len() < length.head + length.body {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer[length.head..length.head + length.body].to_vec();
    buffer.drain(..length.head + length.body);
    *request.body_mut() = SdkBody::from(body);
    Ok(Some(request))
}

struct Length {
    head: usize,
    body: usize,
}

/// The head in the buffer once it is whole: lengths, the request without its body, whether the client waits for a 100.
fn parse_head(buffer: &[u8]) -> io::Result<Option<(Length, HttpRequest, bool)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(buffer).map_err(io::Error::other)? else { return Ok(None) };
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_method(parsed.method.unwrap_or_default()).map_err(io::Error::other)?;
    // `Wire` puts the emulator's address in the place of the host.
    request.set_uri(format!("http://proxy{}", parsed.path.unwrap_or("/"))).map_err(io::Error::other)?;
    let (mut body, mut expects) = (0, false);
    for header in parsed.headers.iter() {
        let value = std::str::from_utf8(header.value).map_err(io::Error::other)?.to_owned();
        let name = header.name.to_ascii_lowercase();
        match name.as_str() {
            "transfer-encoding" => return Err(io::Error::other("chunked requests are not supported")),
            "content-length" => body = value.parse().map_err(io::Error::other)?,
            "expect" => expects = true,
            "connection" => {}
            _ => {
                request.headers_mut().append(name, value);
            }
        }
    }
    Ok(Some((Length { head, body }, request, expects)))
}

/// Status line, headers and body. The length is computed, but for HEAD, where the server's word counts.
fn render(response: &HttpResponse, head_only: bool) -> Vec<u8> {
    let status = response.status().as_u16();
    let body = response.body().bytes().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {status} \r\n");
    for (name, value) in response.headers() {
        let computed = name.eq_ignore_ascii_case("content-length") && !head_only;
        let of_the_hop = name.eq_ignore_ascii_case("transfer-encoding") || name.eq_ignore_ascii_case("connection");
        if !computed && !of_the_hop {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    if !head_only && status != 204 && status != 304 {
        let _ = write!(head, "content-length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if !head_only {
        bytes.extend(body);
    }
    bytes
}
