//! A connection that belongs to one user and is driven by it: no task, no channel to another thread.
//!
//! hyper's connection is a future that reads and writes. Where others spawn it as a task, the user polls it
//! together with the answer that it waits for, so that an answer wakes one task and not two. HTTP/2, whose
//! connections have business of their own, gets a task.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::connect::{ConnectError, Connected, Connector};
use super::counters::AddressCounts;
use super::kinds::Body;
use super::stream::Stream;
use crate::outcome::{Class, innermost};

type Driver = Pin<Box<http1::Connection<TokioIo<Stream>, Body>>>;

/// An open connection.
#[derive(Debug)]
pub struct Link {
    sender: Sender,
    driver: Option<Driver>,
    /// Why it ended, when nobody was told since no request was on it.
    broken: Option<hyper::Error>,
    whole_urls: bool,
    address: Arc<AddressCounts>,
    requests: u64,
    used: Instant,
}

#[derive(Debug)]
enum Sender {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

/// A request that is on its way: resolves to the head of the answer.
pub type Sent = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Unsent>> + Send>>;

/// Why there is no answer.
#[derive(Debug)]
pub struct Unsent {
    /// What hyper says.
    pub error: hyper::Error,
    /// The request, when not a byte of it was written.
    pub request: Option<Request<Body>>,
}

impl Link {
    /// Connects.
    pub async fn open(connector: &Connector) -> Result<Self, ConnectError> {
        let Connected {
            stream,
            http2,
            whole_urls,
            address,
        } = connector.connect().await?;
        let io = TokioIo::new(stream);
        let broken = |error: hyper::Error| ConnectError {
            class: Class::of_hyper(&error, false),
            detail: error.to_string(),
        };
        let (sender, driver) = if http2 {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .handshake(io)
                .await
                .map_err(broken)?;
            tokio::spawn(async move {
                // What goes wrong here, the requests on it are told as well.
                let _ = connection.await;
            });
            (Sender::Two(sender), None)
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(broken)?;
            (Sender::One(sender), Some(Box::pin(connection)))
        };
        Ok(Self {
            sender,
            driver,
            broken: None,
            whole_urls,
            address,
            requests: 0,
            used: Instant::now(),
        })
    }

    /// Whether requests have to name scheme and host: in HTTP/2, and to a proxy.
    pub fn takes_whole_urls(&self) -> bool {
        self.whole_urls || self.is_http2()
    }

    /// Whether this is HTTP/2.
    pub fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// How long it has been idle.
    pub fn idle(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.used)
    }

    /// The last answer was read to its end.
    pub fn used(&mut self, now: Instant) {
        self.used = now;
    }

    /// Whether it takes a request now, as far as is known without reading from it.
    pub fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_ready(),
            Sender::Two(sender) => sender.is_ready(),
        }
    }

    /// Waits until it takes a request; false when the server has closed it.
    pub async fn ready(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            match &mut self.sender {
                Sender::One(sender) => sender.poll_ready(cx),
                Sender::Two(sender) => sender.poll_ready(cx),
            }
        })
        .await
        .is_ok()
    }

    /// Why it took no request.
    pub fn why_broken(&self) -> (Class, String) {
        match &self.broken {
            Some(error) => (Class::of_hyper(error, false), innermost(error)),
            None => (
                Class::ClosedBeforeResponse,
                "the server closed the connection at once".to_owned(),
            ),
        }
    }

    /// Sends a request; what it returns has to be polled after [`Link::drive`].
    pub fn send(&mut self, request: Request<Body>) -> Sent {
        self.requests += 1;
        let unsent = |mut failed: hyper::client::conn::TrySendError<Request<Body>>| Unsent {
            request: failed.take_message(),
            error: failed.into_error(),
        };
        match &mut self.sender {
            Sender::One(sender) => {
                let sent = sender.try_send_request(request);
                Box::pin(async move { sent.await.map_err(unsent) })
            }
            Sender::Two(sender) => {
                let sent = sender.try_send_request(request);
                Box::pin(async move { sent.await.map_err(unsent) })
            }
        }
    }

    /// Reads and writes what there is.
    pub fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && let Poll::Ready(ended) = driver.as_mut().poll(cx)
        {
            self.driver = None;
            self.broken = ended.err();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.address.requests.fetch_add(self.requests, Relaxed);
    }
}
