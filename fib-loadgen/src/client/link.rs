//! A connection that belongs to one user. With HTTP/1 the user itself reads and writes, without a task or a
//! channel to another thread; an HTTP/2 connection does work of its own and gets a task.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::connect::{ConnectError, Connected, Connector, Sessions};
use super::counters::AddressCounts;
use super::kinds::Body;
use super::wire::Wire;
use crate::outcome::Class;

/// An open connection.
#[derive(Debug)]
pub struct Link {
    /// Its protocol.
    pub speech: Speech,
    whole_urls: bool,
    address: Arc<AddressCounts>,
    requests: u64,
    used: Instant,
}

/// A connection's protocol.
#[derive(Debug)]
pub enum Speech {
    /// HTTP/1.
    One(Box<Wire>),
    /// HTTP/2.
    Two(http2::SendRequest<Body>),
}

/// A request that is on its way: resolves to the head of the answer.
pub type Sent = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Unsent>> + Send>>;

/// Why there is no answer.
#[derive(Debug)]
pub struct Unsent {
    /// hyper's error.
    pub error: hyper::Error,
    /// The request, if none of its bytes were written.
    pub request: Option<Request<Body>>,
}

impl Link {
    /// Connects.
    pub async fn open(connector: &Connector, sessions: &Sessions) -> Result<Self, ConnectError> {
        let Connected {
            stream,
            http2,
            whole_urls,
            address,
        } = connector.connect(sessions).await?;
        let speech = if http2 {
            let broken = |error: hyper::Error| ConnectError {
                class: Class::of_hyper(&error, false),
                detail: error.to_string(),
            };
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .handshake(TokioIo::new(stream))
                .await
                .map_err(broken)?;
            tokio::spawn(async move {
                // Errors here also reach the requests on the connection.
                let _ = connection.await;
            });
            Speech::Two(sender)
        } else {
            Speech::One(Box::new(Wire::new(stream)))
        };
        Ok(Self {
            speech,
            whole_urls,
            address,
            requests: 0,
            used: Instant::now(),
        })
    }

    /// Whether requests must contain scheme and host: in HTTP/2, and for a proxy.
    pub fn takes_whole_urls(&self) -> bool {
        self.whole_urls || self.is_http2()
    }

    /// Whether this is HTTP/2.
    pub fn is_http2(&self) -> bool {
        matches!(self.speech, Speech::Two(_))
    }

    /// How long it has been idle.
    pub fn idle(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.used)
    }

    /// Call after an answer was read completely.
    pub fn used(&mut self, now: Instant) {
        self.used = now;
    }

    /// Waits until it takes a request, as far as that is known without reading; false if the server has closed
    /// it.
    pub async fn ready(&mut self) -> bool {
        match &mut self.speech {
            Speech::One(wire) => wire.is_idle(),
            Speech::Two(sender) => poll_fn(|cx| sender.poll_ready(cx)).await.is_ok(),
        }
    }

    /// Call before a request is sent.
    pub fn count(&mut self) {
        self.requests += 1;
    }
}

/// Sends a request over HTTP/2.
pub fn send(sender: &mut http2::SendRequest<Body>, request: Request<Body>) -> Sent {
    let sent = sender.try_send_request(request);
    Box::pin(async move {
        sent.await.map_err(|mut failed| Unsent {
            request: failed.take_message(),
            error: failed.into_error(),
        })
    })
}

impl Drop for Link {
    fn drop(&mut self) {
        self.address.requests.fetch_add(self.requests, Relaxed);
    }
}
