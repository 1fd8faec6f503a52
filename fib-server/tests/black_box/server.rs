//! A server in this process, on ports chosen by the kernel, stopped when the test ends.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fib_server::Bound;
use fib_server::args::{DurationArg, Settings, Size};
use fib_server::config::Config;
use fib_server::lifecycle::Stop;

use crate::client::get;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Settings for tests: free ports, two compute threads, no delay at the end.
pub(crate) fn settings() -> Settings {
    Settings {
        listen: Some("127.0.0.1:0".to_owned()),
        admin: Some("127.0.0.1:0".to_owned()),
        pod: Some("pod-1".to_owned()),
        compute_threads: Some(2),
        keepalive_requests: Some(0),
        // Tests compute numbers of any size, mostly to keep the server busy.
        max_inflight_bytes: Some(Size(u64::MAX)),
        drain_delay: Some(DurationArg(Duration::ZERO)),
        ..Settings::default()
    }
}

impl Server {
    pub(crate) fn start(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let stop = Stop::default();
        let bound = {
            let _inside = runtime.enter();
            Bound::new(Config::resolve(settings).unwrap()).unwrap()
        };
        let (address, admin) = (
            bound.address().unwrap(),
            bound.admin_address().unwrap().unwrap(),
        );
        let told = stop.clone();
        let thread = std::thread::spawn(move || runtime.block_on(bound.run(told)).unwrap());
        Self {
            address,
            admin,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn standard() -> Self {
        Self::start(settings())
    }

    /// Reads metrics until a series has a value.
    #[track_caller]
    pub(crate) fn wait_for_metric(&self, series: &str) {
        self.wait_for_metrics_with(&format!("\n{series}\n"));
    }

    /// Reads metrics until they contain this text.
    #[track_caller]
    pub(crate) fn wait_for_metrics_with(&self, text: &str) {
        let begun = Instant::now();
        while !get(self.admin, "/metrics").text().contains(text) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{text} never came"
            );
            std::thread::yield_now();
        }
    }

    /// Waits for the end of a graceful shutdown.
    pub(crate) fn join(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.signal();
        self.stop.signal();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}
