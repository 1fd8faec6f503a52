//! An HTTP/2 client without TLS, by prior knowledge, as gateways connect to a pod.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::client::Answer;

pub(crate) struct Http2 {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub(crate) fn open(server: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (requests, connection) = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(server).await.unwrap();
            let (requests, connection) = h2::client::handshake(stream).await.unwrap();
            (requests, tokio::spawn(connection))
        });
        Self {
            runtime,
            requests,
            connection,
        }
    }

    /// Sends a request; the returned future is its answer.
    pub(crate) fn ask(&mut self, target: &str) -> ResponseFuture {
        let request = http::Request::get(format!("http://test{target}"))
            .body(())
            .unwrap();
        let ready = self.runtime.block_on(self.requests.clone().ready());
        self.requests = ready.unwrap();
        self.requests.send_request(request, true).unwrap().0
    }

    pub(crate) fn answer(&self, answer: ResponseFuture) -> Answer {
        self.runtime.block_on(async {
            let (head, mut content) = answer.await.unwrap().into_parts();
            let mut body = Vec::new();
            while let Some(part) = content.data().await {
                let part = part.unwrap();
                content.flow_control().release_capacity(part.len()).unwrap();
                body.extend_from_slice(&part);
            }
            Answer {
                status: head.status.as_u16(),
                headers: head
                    .headers
                    .iter()
                    .map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()))
                    .collect(),
                body,
            }
        })
    }

    /// Waits until the server has closed the connection gracefully.
    pub(crate) fn ends(self) {
        let Self {
            runtime,
            requests,
            connection,
        } = self;
        runtime.block_on(connection).unwrap().unwrap();
        drop(requests);
    }
}
