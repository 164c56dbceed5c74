//! A request as the bench looks at it: method, path and query, headers, body; made from the SDK's request or from a socket.
//! The host is left out, for it differs from run to run.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// One request; header names are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The request that the SDK hands over, and the same with its body in memory.
    ///
    /// # Errors
    /// When a streamed body cannot be read.
    pub async fn read(mut sent: HttpRequest) -> Result<(Request, HttpRequest), ConnectorError> {
        let body = match sent.body().bytes() {
            Some(bytes) => bytes.to_vec(),
            None => read_body(sent.take_body()).await?,
        };
        *sent.body_mut() = SdkBody::from(body.clone());
        let uri = sent.uri().splitn(4, '/').nth(3).map_or_else(|| "/".to_owned(), |rest| format!("/{rest}"));
        let headers =
            sent.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Ok((Request { method: sent.method().to_owned(), uri, headers, body }, sent))
    }

    /// The first header of that (lower case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.uri.split('?').next().unwrap_or_default()
    }

    pub fn query(&self) -> &str {
        self.uri.split_once('?').map_or("", |(_, query)| query)
    }

    /// What a request is called that no table knows.
    pub fn fallback_name(&self) -> String {
        format!("{} {}", self.method, self.path())
    }
}

/// A whole body in memory.
///
/// # Errors
/// When the stream breaks, as an I/O error of the connection.
pub async fn read_body(body: SdkBody) -> Result<Vec<u8>, ConnectorError> {
    let collected = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    Ok(collected.to_vec())
}

/// Why the bench let a call fail; the text of the connector's error.
#[derive(Debug)]
pub struct Injected(pub &'static str);

impl fmt::Display for Injected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "injected by the test: {}", self.0)
    }
}

impl std::error::Error for Injected {}
