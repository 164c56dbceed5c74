//! Takes connections and gives each of them one request. Whoever is slow, or holds connections and asks nothing, takes nothing
//! from others: a head has its time, a connection has its time, and where there are too many the oldest one goes.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::{AbortHandle, JoinSet};
use tracing::{debug, info};

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection may take with all that is on it.
const WHOLE: Duration = Duration::from_secs(15);
/// The longest head.
const HEAD_BYTES: usize = 16 << 10;
/// How many connections an address has at once.
const MOST: usize = 64;

/// Where to listen, or to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Path::new(path);
            // `sun_path` of Linux has 108 bytes with the one that ends it.
            let fits = path.is_absolute() && path.as_os_str().len() < 108;
            return fits.then(|| Self::Unix(path.into())).ok_or_else(|| format!("`{text}` is no socket"));
        }
        text.parse().map(Self::Tcp).map_err(|_| format!("`{text}` is no address to listen at"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "http://{address}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// An address that is listened at until this is dropped.
pub struct Listening {
    /// The address as it was asked for.
    pub address: Address,
    serving: JoinSet<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.serving.abort_all();
        if let Address::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Begins to listen.
pub async fn listen(address: Address, router: Router) -> io::Result<Listening> {
    let mut serving = JoinSet::new();
    match &address {
        Address::Tcp(at) => {
            let listener = TcpListener::bind(at).await?;
            info!("answers at http://{}", listener.local_addr()?);
            serving.spawn(serve(async move || Ok(listener.accept().await?.0), router));
        }
        Address::Unix(path) => {
            // What an agent left behind that was killed: nobody listens there any more.
            if tokio::net::UnixStream::connect(path).await.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
            {
                std::fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            info!("answers at {address}");
            serving.spawn(serve(async move || Ok(listener.accept().await?.0), router));
        }
    }
    Ok(Listening { address, serving })
}

async fn serve<S, A>(accept: A, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: AsyncFn() -> io::Result<S>,
{
    let mut connections = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of descriptors, for example: asked again at once, it would be told again at once.
                debug!("a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        oldest.retain(|connection| !connection.is_finished());
        if oldest.len() >= MOST
            && let Some(first) = oldest.pop_front()
        {
            first.abort();
        }
        oldest.push_back(connections.spawn(answer(stream, router.clone())));
    }
}

/// One request: whoever scrapes once in a while gains nothing from a connection that stays.
async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES).keep_alive(false);
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Ok(Err(error)) = tokio::time::timeout(WHOLE, serving).await {
        debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_two_forms() {
        for good in ["127.0.0.1:9321", "[::1]:9321", "0.0.0.0:80"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), format!("http://{good}"));
        }
        assert_eq!("unix:/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        for bad in ["localhost:80", "9321", "127.0.0.1", "http://127.0.0.1:1", "unix:a.sock", "unix:", ""] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        assert!(format!("unix:/{}", "a".repeat(120)).parse::<Address>().is_err());
    }
}
