//! The verbs of the library, each as a [`Call`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use alphec_execution::config::{Env, Overrides, Source, Stop, load};
use alphec_execution::model::{
    AccountId, Alert, CancelScope, ClientOrderId, InstrumentId, Order as ModelOrder,
};
use alphec_execution::{AlertSink, Delivery, ExecutionClient, Profile, StopPolicy};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::alert::AlertStream;
use crate::call::{Call, duration};
use crate::event::EventStream;
use crate::handle::Handle;
use crate::order::Order;
use crate::request::{Asked, group};
use crate::rule::PythonRule;
use crate::terms::{Terms, id};
use crate::{error, records, runtime};

/// Clients of this process that may still run, for the interpreter's exit.
static RUNNING: Mutex<Vec<Weak<Running>>> = Mutex::new(Vec::new());
/// Stops of clients that nobody has any more, for the interpreter's exit too.
static LEAVING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());
/// Alerts that a listener of the start may be behind before it misses some.
const ALERTS_MAX: usize = 4_096;

struct Running {
    owner: u32,
    client: ExecutionClient,
}

/// A running engine.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Client {
    running: std::mem::ManuallyDrop<Arc<Running>>,
    profile: Profile,
    /// What was told since the start, if somebody wants to hear it.
    told: Mutex<Option<broadcast::Receiver<Alert>>>,
}

/// Alerts from the start on: those of the start itself come before anybody can subscribe.
struct FromTheStart(broadcast::Sender<Alert>);

impl AlertSink for FromTheStart {
    fn name(&self) -> &str {
        "python"
    }

    fn deliver<'a>(&'a self, alert: &'a Alert) -> Delivery<'a> {
        // Nobody may listen any more, which is their choice.
        drop(self.0.send(alert.clone()));
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Drop for Client {
    #[expect(unsafe_code, reason = "the only drop of a field that a forked child must not drop")]
    fn drop(&mut self) {
        // In a forked child the engine's threads do not exist, and its locks may be held by ones that never come.
        if self.running.owner != std::process::id() {
            return;
        }
        // SAFETY: taken once, here, and not used after.
        let running = unsafe { std::mem::ManuallyDrop::take(&mut self.running) };
        // Nobody waits for it but the interpreter's exit: at the end of a script the process would be gone before
        // anything was canceled.
        if let Some(runtime) = runtime::made() {
            let mut leaving = lock(&LEAVING);
            leaving.retain(|stop| !stop.is_finished());
            leaving.push(runtime.spawn(async move { drop(running.client.stop().await) }));
        }
    }
}

impl Client {
    fn client(&self, py: Python<'_>) -> PyResult<ExecutionClient> {
        runtime::check_owner(py, self.running.owner)?;
        Ok(self.running.client.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fresh id: time-ordered and unique.
#[pyfunction]
pub(crate) fn new_id() -> String {
    alphec_execution::new_client_order_id().to_string()
}

/// Stops whatever still runs by its profile's policy. Called when the interpreter exits.
#[pyfunction]
pub(crate) fn stop_all(py: Python<'_>) -> PyResult<()> {
    let running = std::mem::take(&mut *lock(&RUNNING));
    let mut failed = None;
    for running in running.iter().filter_map(Weak::upgrade) {
        if running.owner != std::process::id() {
            // A forked child: not its to stop, nor to drop.
            std::mem::forget(running);
            continue;
        }
        let client = running.client.clone();
        // It may have stopped already, which is as good.
        match Call::new(async move { client.stop().await }, |_, _| Ok(())).wait_for_exit(py) {
            Ok(()) => {}
            Err(error) if error.get_type(py).name()?.to_str()? == "ClientStopped" => {}
            Err(error) => failed = Some(error),
        }
    }
    let leaving = std::mem::take(&mut *lock(&LEAVING));
    if let Some(runtime) = runtime::made() {
        py.detach(|| {
            runtime.block_on(async {
                for stop in leaving {
                    drop(stop.await);
                }
            });
        });
    }
    failed.map_or(Ok(()), Err)
}

/// A rule as the Python half gives it: its name, its deadline in seconds, and what to call.
type RuleParts = (String, f64, Py<PyAny>);

#[pymethods]
impl Client {
    /// Loads a profile, replays its journal and starts the engine. Blocks for as long as the replay takes.
    #[staticmethod]
    #[pyo3(signature = (profile=None, config=None, host=None, port=None, client_id=None, journal=None, arm=None, unarmed=false, hears_alerts=false, rules=Vec::new()))]
    fn start(
        py: Python<'_>,
        profile: Option<String>,
        config: Option<PathBuf>,
        host: Option<String>,
        port: Option<u16>,
        client_id: Option<i32>,
        journal: Option<PathBuf>,
        arm: Option<String>,
        unarmed: bool,
        hears_alerts: bool,
        rules: Vec<RuleParts>,
    ) -> PyResult<Self> {
        let overrides = Overrides { host, port, client_id, journal };
        let source = Source { path: config, profile, env: Env::default(), overrides };
        let loaded = load(source).map_err(|error| error::config(py, &error.to_string()))?;
        let mut builder = ExecutionClient::builder(loaded.profile.clone());
        if let Some(token) = arm {
            builder = builder.arm(token);
        }
        if unarmed {
            builder = builder.unarmed();
        }
        let mut told = None;
        if hears_alerts {
            let (sender, receiver) = broadcast::channel(ALERTS_MAX);
            builder = builder.alert_sink(Arc::new(FromTheStart(sender)));
            told = Some(receiver);
        }
        // Made here, so that the end of the client finds it.
        runtime::get(py)?;
        for (name, deadline, dispatch) in rules {
            builder = builder.rule(PythonRule::start(py, name, duration(deadline)?, dispatch)?);
        }
        let client = py.detach(move || builder.start()).map_err(|error| error::raise(py, error))?;
        let running = Arc::new(Running { owner: std::process::id(), client });
        let mut all = lock(&RUNNING);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&running));
        Ok(Self {
            running: std::mem::ManuallyDrop::new(running),
            profile: loaded.profile,
            told: Mutex::new(told),
        })
    }

    #[getter]
    fn profile(&self) -> &str {
        &self.profile.name
    }

    #[getter]
    fn mode(&self) -> &'static str {
        self.profile.mode.as_str()
    }

    #[getter]
    fn accounts(&self) -> Vec<&str> {
        self.profile.accounts.iter().map(AccountId::as_str).collect()
    }

    #[getter]
    fn instruments(&self) -> Vec<&str> {
        self.profile.instruments.keys().map(InstrumentId::as_str).collect()
    }

    #[getter]
    fn journal(&self) -> PathBuf {
        self.profile.journal.clone()
    }

    fn wait_ready(&self, py: Python<'_>, seconds: f64) -> PyResult<Call> {
        let (client, timeout) = (self.client(py)?, duration(seconds)?);
        Ok(Call::nothing(async move { client.wait_ready(timeout).await }))
    }

    fn wait_quote(&self, py: Python<'_>, instrument: &str, seconds: f64) -> PyResult<Call> {
        let (client, timeout) = (self.client(py)?, duration(seconds)?);
        let instrument: InstrumentId = id("instrument", instrument)?;
        let asking = async move { client.wait_quote(&instrument, timeout).await };
        Ok(Call::new(asking, |py, quote| records::quote(py, &quote)))
    }

    fn submit_order(&self, py: Python<'_>, order: Asked<'_>) -> PyResult<Call> {
        let (client, request) = (self.client(py)?, order.request()?);
        Ok(Call::new(async move { client.submit_order(request).await }, |_, handle| Ok(Handle::from(handle))))
    }

    fn submit_group(&self, py: Python<'_>, kind: &str, orders: Vec<Asked<'_>>) -> PyResult<Call> {
        let (client, request) = (self.client(py)?, group(kind, orders)?);
        Ok(Call::new(async move { client.submit_group(request).await }, |_, handles| {
            Ok(handles.into_iter().map(Handle::from).collect::<Vec<_>>())
        }))
    }

    fn modify_order(&self, py: Python<'_>, client_order_id: &str, terms: Terms<'_>) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        let spec = terms.spec()?;
        Ok(Call::new(async move { client.modify_order(&key, spec).await }, |_, order| Ok(Order::from(order))))
    }

    fn cancel_order(&self, py: Python<'_>, client_order_id: &str) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        Ok(Call::new(async move { client.cancel_order(&key).await }, |_, order| Ok(Order::from(order))))
    }

    #[pyo3(signature = (account=None, strategy_id=None, instrument=None))]
    fn cancel_all(
        &self,
        py: Python<'_>,
        account: Option<&str>,
        strategy_id: Option<&str>,
        instrument: Option<&str>,
    ) -> PyResult<Call> {
        let (client, scope) = (self.client(py)?, scope(account, strategy_id, instrument)?);
        Ok(Call::new(async move { client.cancel_all(scope).await }, |_, ids| Ok(texts(&ids))))
    }

    #[pyo3(signature = (by, reason, timeout=None, account=None, strategy_id=None, instrument=None))]
    fn kill(
        &self,
        py: Python<'_>,
        by: String,
        reason: String,
        timeout: Option<f64>,
        account: Option<&str>,
        strategy_id: Option<&str>,
        instrument: Option<&str>,
    ) -> PyResult<Call> {
        let (client, scope) = (self.client(py)?, scope(account, strategy_id, instrument)?);
        let timeout = timeout.map_or(Ok(Duration::MAX), duration)?;
        let asking = async move {
            let canceled = client.kill(scope.clone(), &by, &reason).await?;
            if client.wait_killed(&scope, timeout).await? {
                return Ok((canceled, None));
            }
            let is_left =
                |order: &ModelOrder| scope.reaches(&order.account, &order.strategy_id, &order.instrument);
            let left = client.open_orders().await?.into_iter().filter(is_left).collect::<Vec<_>>();
            Ok((canceled, Some((scope, left))))
        };
        Ok(Call::new(asking, |py, (canceled, unproven)| match unproven {
            None => Ok(texts(&canceled)),
            Some((scope, left)) => Err(error::not_verified(py, &scope, texts(&canceled), left)),
        }))
    }

    fn halt(&self, py: Python<'_>, by: String, reason: String) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::nothing(async move { client.halt(&by, &reason).await }))
    }

    #[pyo3(signature = (by, reason, account=None, strategy_id=None, instrument=None))]
    fn resume(
        &self,
        py: Python<'_>,
        by: String,
        reason: String,
        account: Option<&str>,
        strategy_id: Option<&str>,
        instrument: Option<&str>,
    ) -> PyResult<Call> {
        let (client, scope) = (self.client(py)?, scope(account, strategy_id, instrument)?);
        Ok(Call::nothing(async move { client.resume(scope, &by, &reason).await }))
    }

    fn get_order_status(&self, py: Python<'_>, client_order_id: &str) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        Ok(Call::new(async move { client.get_order_status(&key).await }, |_, order| Ok(Order::from(order))))
    }

    fn order(&self, py: Python<'_>, client_order_id: &str) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        Ok(Call::new(async move { client.order(&key).await }, |_, handle| Ok(Handle::from(handle))))
    }

    fn open_orders(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.open_orders().await }, |_, orders| {
            Ok(orders.into_iter().map(Order::from).collect::<Vec<_>>())
        }))
    }

    fn all_orders(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.all_orders().await }, |_, orders| {
            Ok(orders.into_iter().map(Order::from).collect::<Vec<_>>())
        }))
    }

    fn foreign_orders(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.foreign_orders().await }, |py, orders| {
            orders.iter().map(|order| records::foreign_order(py, order)).collect::<PyResult<Vec<_>>>()
        }))
    }

    fn fills(&self, py: Python<'_>, client_order_id: &str) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        Ok(Call::new(async move { client.fills(&key).await }, |py, fills| {
            fills.iter().map(|fill| records::fill(py, fill)).collect::<PyResult<Vec<_>>>()
        }))
    }

    fn positions(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.positions().await }, |py, positions| {
            positions.iter().map(|position| records::position(py, position)).collect::<PyResult<Vec<_>>>()
        }))
    }

    fn account(&self, py: Python<'_>, account: &str) -> PyResult<Call> {
        let (client, account) = (self.client(py)?, id::<AccountId>("account", account)?);
        let asking = async move { client.account(&account).await.map(|values| (account, values)) };
        Ok(Call::new(asking, |py, (account, values)| match values {
            Some(values) => records::account(py, &account, &values),
            None => Ok(py.None()),
        }))
    }

    fn quote(&self, py: Python<'_>, instrument: &str) -> PyResult<Call> {
        let (client, instrument) = (self.client(py)?, id::<InstrumentId>("instrument", instrument)?);
        Ok(Call::new(async move { client.quote(&instrument).await }, |py, quote| match quote {
            Some(quote) => records::quote(py, &quote),
            None => Ok(py.None()),
        }))
    }

    fn reconcile(&self, py: Python<'_>, seconds: f64) -> PyResult<Call> {
        let (client, timeout) = (self.client(py)?, duration(seconds)?);
        Ok(Call::new(async move { client.reconcile(timeout).await }, records::reconciliation))
    }

    fn status(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.status().await }, records::status))
    }

    fn events(&self, py: Python<'_>) -> PyResult<EventStream> {
        Ok(EventStream::new(self.client(py)?.subscribe()))
    }

    fn alerts(&self, py: Python<'_>) -> PyResult<AlertStream> {
        Ok(AlertStream::new(self.client(py)?.alerts()))
    }

    /// Alerts from the start on, once, where the start was told that somebody would hear them.
    fn told(&self) -> Option<AlertStream> {
        lock(&self.told).take().map(AlertStream::new)
    }

    fn halts(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.halts().await }, |py, halts| {
            halts.iter().map(|(scope, halt)| records::halt(py, scope, halt)).collect::<PyResult<Vec<_>>>()
        }))
    }

    fn accept_position(
        &self,
        py: Python<'_>,
        account: &str,
        instrument: &str,
        by: String,
        reason: String,
    ) -> PyResult<Call> {
        let (client, account) = (self.client(py)?, id::<AccountId>("account", account)?);
        let instrument: InstrumentId = id("instrument", instrument)?;
        Ok(Call::nothing(async move { client.accept_position(&account, &instrument, &by, &reason).await }))
    }

    fn settle_order(
        &self,
        py: Python<'_>,
        client_order_id: &str,
        by: String,
        reason: String,
    ) -> PyResult<Call> {
        let (client, key) = (self.client(py)?, id::<ClientOrderId>("client_order_id", client_order_id)?);
        Ok(Call::new(async move { client.settle_order(&key, &by, &reason).await }, |_, order| {
            Ok(Order::from(order))
        }))
    }

    /// Stops and cancels nothing.
    fn leave(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        let stop = Stop { policy: StopPolicy::Keep, deadline: self.profile.stop.deadline };
        Ok(Call::new(async move { client.stop_with(stop).await }, records::stop_report))
    }

    /// Stops by the profile's policy.
    fn stop(&self, py: Python<'_>) -> PyResult<Call> {
        let client = self.client(py)?;
        Ok(Call::new(async move { client.stop().await }, records::stop_report))
    }
}

fn scope(
    account: Option<&str>,
    strategy_id: Option<&str>,
    instrument: Option<&str>,
) -> PyResult<CancelScope> {
    match (account, strategy_id, instrument) {
        (None, None, None) => Ok(CancelScope::All),
        (Some(account), None, None) => Ok(CancelScope::Account { account: id("account", account)? }),
        (None, Some(strategy), None) => {
            Ok(CancelScope::Strategy { strategy_id: id("strategy_id", strategy)? })
        }
        (None, None, Some(instrument)) => {
            Ok(CancelScope::Instrument { instrument: id("instrument", instrument)? })
        }
        _ => Err(PyValueError::new_err(
            "give one of account, strategy_id and instrument, or none for everything",
        )),
    }
}

fn texts(ids: &[ClientOrderId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
