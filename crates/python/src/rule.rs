//! Risk rules written in Python. They run on a thread of their own; one that is late, fails or forgets to answer
//! denies, and the engine waits for none.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use alphec_execution::model::Proposal;
use alphec_execution::model::risk::RuleAnswer;
use alphec_execution::{Answering, RiskRule};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::convert::{Exact, maybe_decimal, member};
use crate::{error, records, terms};

/// Questions that may wait for one rule. Beyond it they are denied unasked.
const QUESTIONS_MAX: usize = 1_024;

/// A rule whose `dispatch` is called with each question on the rule's own thread.
pub(crate) struct PythonRule {
    name: String,
    deadline: Duration,
    questions: mpsc::SyncSender<Question>,
}

impl PythonRule {
    /// Starts the rule's thread, which ends with the rule.
    pub(crate) fn start(
        py: Python<'_>,
        name: String,
        deadline: Duration,
        dispatch: Py<PyAny>,
    ) -> PyResult<Arc<dyn RiskRule>> {
        let (questions, asked) = mpsc::sync_channel::<Question>(QUESTIONS_MAX);
        let thread = std::thread::Builder::new().name(format!("rule {name}"));
        let run = move || {
            for question in asked {
                Python::attach(|py| ask(py, &dispatch, question));
            }
            Python::attach(|_| drop(dispatch));
        };
        thread
            .spawn(run)
            .map_err(|why| error::execution(py, &format!("no thread for a risk rule: {why}")))?;
        Ok(Arc::new(Self { name, deadline, questions }))
    }
}

/// Whatever the rule raises is told to Python's unraisable hook; the unanswered question then denies.
fn ask(py: Python<'_>, dispatch: &Py<PyAny>, question: Question) {
    let asked = Bound::new(py, question).and_then(|question| dispatch.call1(py, (question,)));
    if let Err(error) = asked {
        error.write_unraisable(py, Some(dispatch.bind(py)));
    }
}

impl RiskRule for PythonRule {
    fn name(&self) -> &str {
        &self.name
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn check(&self, proposal: Arc<Proposal>) -> Answering {
        let (answer, answered) = oneshot::channel();
        let question = Question { proposal, answer: Mutex::new(Some(answer)) };
        let is_asked = self.questions.try_send(question).is_ok();
        Box::pin(async move {
            if !is_asked {
                return deny("too many questions wait for this rule, which denies");
            }
            answered.await.unwrap_or_else(|_| deny("the rule failed, which denies"))
        })
    }
}

fn deny(text: &str) -> RuleAnswer {
    RuleAnswer::Deny { text: text.to_owned(), measured: None, limit: None }
}

/// One order or change to be judged. Dropped unanswered, it is denied.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Question {
    proposal: Arc<Proposal>,
    answer: Mutex<Option<oneshot::Sender<RuleAnswer>>>,
}

impl Question {
    fn settle(&self, answer: RuleAnswer) -> PyResult<()> {
        let sender = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sender = sender.ok_or_else(|| PyRuntimeError::new_err("this question is answered already"))?;
        // Too late: it was denied at the deadline.
        drop(sender.send(answer));
        Ok(())
    }
}

#[pymethods]
impl Question {
    #[getter]
    fn client_order_id(&self) -> &str {
        self.proposal.client_order_id.as_str()
    }

    #[getter]
    fn strategy_id(&self) -> &str {
        self.proposal.strategy_id.as_str()
    }

    #[getter]
    fn correlation_id(&self) -> &str {
        self.proposal.correlation_id.as_str()
    }

    #[getter]
    fn account(&self) -> &str {
        self.proposal.account.as_str()
    }

    #[getter]
    fn instrument(&self) -> &str {
        self.proposal.instrument.as_str()
    }

    #[getter]
    fn side(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "Side", &self.proposal.spec.side.to_string())
    }

    #[getter]
    fn order_qty(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        crate::convert::decimal(py, self.proposal.spec.order_qty.get())
    }

    #[getter]
    fn order_type(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        terms::order_type(py, &self.proposal.spec.order_type)
    }

    #[getter]
    fn time_in_force(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "TimeInForce", self.proposal.spec.time_in_force.as_str())
    }

    #[getter]
    fn is_change(&self) -> bool {
        self.proposal.replaces.is_some()
    }

    #[getter]
    fn quote(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.proposal.verdict.quote {
            Some(quote) => records::quote(py, quote),
            None => Ok(py.None()),
        }
    }

    #[getter]
    fn position(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        maybe_decimal(py, self.proposal.verdict.position.map(|position| position.get()))
    }

    #[getter]
    fn net_liquidation(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        maybe_decimal(py, self.proposal.verdict.net_liquidation)
    }

    /// No objection.
    fn allow(&self) -> PyResult<()> {
        self.settle(RuleAnswer::Pass)
    }

    /// Refuses.
    #[pyo3(signature = (text, value=None, limit=None))]
    fn deny(
        &self,
        text: String,
        value: Option<Exact<alphec_execution::model::Decimal>>,
        limit: Option<Exact<alphec_execution::model::Decimal>>,
    ) -> PyResult<()> {
        let (measured, limit) = (value.map(|Exact(value)| value), limit.map(|Exact(limit)| limit));
        self.settle(RuleAnswer::Deny { text, measured, limit })
    }
}
