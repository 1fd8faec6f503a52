//! hyper-util's pool on our connections: for users that share them, and for comparison.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connected as About, Connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::connect::{ConnectError, Connected, Connector, Sessions};
use super::counters::AddressCounts;
use super::kinds::{Body, HttpVersion, Sharing};
use super::settings::ClientSettings;
use super::stream::Stream;

/// A pool of connections.
#[derive(Debug, Clone)]
pub struct Pool(Client<Dial, Body>);

impl Pool {
    /// An empty pool.
    pub fn new(settings: &ClientSettings, connector: &Arc<Connector>) -> Self {
        let idle = match settings.sharing {
            Sharing::User => 1,
            Sharing::Shared => usize::MAX,
            Sharing::Fresh => 0,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle)
            .pool_max_idle_per_host(idle)
            .http2_only(settings.http == HttpVersion::Two)
            .set_host(true)
            .build(Dial(Arc::clone(connector), connector.sessions()));
        Self(client)
    }

    /// Sends a request, whose URL must be complete.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let response = self.0.request(request).await?;
        if let Some(Via(address)) = response.extensions().get() {
            address.requests.fetch_add(1, Relaxed);
        }
        Ok(response)
    }
}

/// Which address an answer came from.
#[derive(Debug, Clone)]
struct Via(Arc<AddressCounts>);

/// Makes the pool's connections, which are one client's.
#[derive(Debug, Clone)]
struct Dial(Arc<Connector>, Sessions);

/// A connection in the pool.
#[derive(Debug)]
struct Dialed {
    io: TokioIo<Stream>,
    http2: bool,
    whole_urls: bool,
    address: Arc<AddressCounts>,
}

impl tower_service::Service<Uri> for Dial {
    type Response = Dialed;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Dialed, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (connector, sessions) = (Arc::clone(&self.0), self.1.clone());
        Box::pin(async move {
            let Connected {
                stream,
                http2,
                whole_urls,
                address,
            } = connector.connect(&sessions).await?;
            Ok(Dialed {
                io: TokioIo::new(stream),
                http2,
                whole_urls,
                address,
            })
        })
    }
}

impl Connection for Dialed {
    fn connected(&self) -> About {
        let via = Via(Arc::clone(&self.address));
        let about = About::new().proxy(self.whole_urls).extra(via);
        if self.http2 {
            about.negotiated_h2()
        } else {
            about
        }
    }
}

impl hyper::rt::Read for Dialed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Dialed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        hyper::rt::Write::is_write_vectored(&self.io)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
