//! This machine as the world of a rehearsal: processes as pods, a balancer as the Service, CPU times from the
//! operating system.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::balancer::{self, Affinity, Endpoints};
use crate::failure::Failure;
use crate::signals::Signals;
use cpu::CpuMeter;
use hpa_check_core::sim::fault::Fault;
use hpa_check_core::sim::sizing::LoadPlan;
use hpa_check_core::sim::world::{Happening, World};
use load::RehearsalLoad;
use pod::{Node, Pids, Termination};

mod calibrate;
mod cpu;
mod load;
mod notice;
mod pod;
mod probe;

/// The parts of a rehearsal on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// The service.
    pub(crate) fib_server: PathBuf,
    /// The load generator.
    pub(crate) fib_loadgen: PathBuf,
    /// Where the generator's result goes.
    pub(crate) load_result: PathBuf,
    /// How a pod ends.
    pub(crate) pre_stop: Duration,
    /// How long a server keeps serving after the signal.
    pub(crate) drain_delay: Duration,
    /// Time from the signal to the kill.
    pub(crate) grace: Duration,
    /// The injected fault.
    pub(crate) fault: Option<Fault>,
    /// Whether to exit when the parent process exits.
    pub(crate) exit_with_parent: bool,
}

/// This machine. The runtime in which it is created looks after its processes and needs a thread of its own,
/// because [`World::wait`] blocks the caller's.
pub(crate) struct Machine {
    node: Node,
    pods: JoinSet<()>,
    stops: BTreeMap<String, oneshot::Sender<()>>,
    generator: Option<RehearsalLoad>,
    plan: Option<LoadPlan>,
    stop_load: CancellationToken,
    /// Keeps the channel open.
    _sender: Sender<Happening>,
    happenings: Receiver<Happening>,
    cpu: CpuMeter,
}

impl Machine {
    /// Opens the balancer's port and catches signals; no process is started yet.
    pub(crate) fn new(parts: Parts) -> Result<Self, Failure> {
        let cannot =
            |what: &str, e: &dyn std::fmt::Display| Failure::internal(format!("{what}: {e}"));
        let (sender, happenings) = channel();
        let node = Node {
            fib_server: parts.fib_server,
            termination: Termination {
                pre_stop: parts.pre_stop,
                drain_delay: parts.drain_delay,
                grace: parts.grace,
            },
            fault: parts.fault,
            endpoints: Endpoints::default(),
            pids: Pids::default(),
            happenings: sender.clone(),
            hurry: CancellationToken::new(),
            kill: CancellationToken::new(),
        };
        let affinity = match parts.fault {
            Some(Fault::Sticky) => Affinity::ClientIp,
            _ => Affinity::None,
        };
        let listener = balancer::listen()
            .map_err(|e| cannot("no loopback port can be opened for the balancer", &e))?;
        let target = listener
            .local_addr()
            .map_err(|e| cannot("the balancer has no address", &e))?;
        let signals = Signals::catch()?;
        tokio::spawn(notice::heed(
            signals,
            parts.exit_with_parent,
            sender.clone(),
            node.kill.clone(),
        ));
        tokio::spawn(balancer::serve(listener, node.endpoints.clone(), affinity));
        let stop_load = CancellationToken::new();
        Ok(Self {
            generator: Some(RehearsalLoad {
                fib_loadgen: parts.fib_loadgen,
                target,
                result: parts.load_result,
                happenings: sender.clone(),
                stop: stop_load.clone(),
            }),
            plan: None,
            cpu: CpuMeter::new().map_err(Failure::internal)?,
            node,
            pods: JoinSet::new(),
            stops: BTreeMap::new(),
            stop_load,
            _sender: sender,
            happenings,
        })
    }

    /// The number to request, and the CPU time that one request for it costs here. With a given number, only
    /// its cost is measured.
    pub(crate) async fn cost(&self, n: Option<u64>) -> Result<(u64, Duration), Failure> {
        calibrate::cost(&self.node.fib_server, n)
            .await
            .map_err(|e| Failure::target(format!("`{}`: {e}", self.node.fib_server.display())))
    }

    /// Sets the load to run once it is started.
    pub(crate) fn loaded(mut self, plan: LoadPlan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// Ends every pod without delays, and waits for that.
    pub(crate) async fn end(mut self) {
        self.stop_load.cancel();
        self.node.hurry.cancel();
        self.stops.clear();
        while self.pods.join_next().await.is_some() {}
    }
}

impl World for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&mut self, until: Timestamp) -> Option<Happening> {
        let left = until.duration_since(self.now());
        let left = Duration::try_from(left).unwrap_or_default();
        self.happenings.recv_timeout(left).ok()
    }

    fn start_pod(&mut self, name: &str) {
        let (stop, stopped) = oneshot::channel();
        self.stops.insert(name.to_owned(), stop);
        let life = self.node.clone().live(name.to_owned(), stopped);
        self.pods.spawn(life);
    }

    /// There is no process to adopt.
    fn adopt_pod(&mut self, name: &str, _worked: Duration) {
        self.start_pod(name);
    }

    fn stop_pod(&mut self, name: &str) {
        self.node.endpoints.remove(name);
        // Dropping the sender is the message.
        self.stops.remove(name);
    }

    fn cpu_times(&mut self) -> Vec<(String, Duration)> {
        let (names, pids): (Vec<String>, Vec<u32>) = self
            .node
            .pids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, pid)| (name.clone(), *pid))
            .unzip();
        let times = self.cpu.read(&pids);
        names
            .into_iter()
            .zip(times)
            .filter_map(|(name, used)| Some((name, used?)))
            .collect()
    }

    fn start_load(&mut self) -> Duration {
        let (Some(generator), Some(plan)) = (self.generator.take(), self.plan) else {
            return Duration::ZERO;
        };
        tokio::spawn(generator.run(plan));
        plan.whole()
    }

    fn stop_load(&mut self) {
        self.stop_load.cancel();
    }
}
