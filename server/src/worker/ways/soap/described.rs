//! What a WSDL says, read when it is first needed: a large one takes its time, which other calls would wait for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use busbar_engine::ways::{self, soap::Operation};
use busbar_model::{Fault, connection::Soap as Definition, fault::FaultKind};
use busbar_soap::client::{Client, Operation as Given};
use busbar_store::wsdl;
use tokio::{
    sync::{OnceCell, watch},
    time::{Instant, timeout_at},
};

type Outcome = Option<Result<Arc<Reading>, String>>;

/// Read once, whoever asks, and however long those that ask wait for it.
#[derive(Default)]
pub(super) struct Described(Mutex<Option<watch::Receiver<Outcome>>>);

pub(super) struct Reading {
    pub(super) client: Client,
    /// With their schemas, made when somebody asks.
    operations: OnceCell<Vec<Operation>>,
}

impl Described {
    pub(super) async fn read(
        &self,
        definition: &Definition<String>,
        deadline: Instant,
    ) -> Result<Arc<Reading>, Fault> {
        let mut reading = self.state().get_or_insert_with(|| begin(definition)).clone();
        match timeout_at(deadline, reading.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => match &*outcome {
                Some(Ok(reading)) => Ok(Arc::clone(reading)),
                Some(Err(problem)) => Err(ways::unusable(format!("its WSDL: {problem}"))),
                None => Err(Fault::internal(FaultKind::Failed)),
            },
            Ok(Err(_)) => {
                // The thread ended without a word: another one may do better.
                *self.state() = None;
                Err(ways::unusable("its WSDL could not be read".to_owned()))
            }
            Err(_) => {
                let text = "its WSDL is still being read";
                Err(Fault::new(FaultKind::RetryLater, text)
                    .with_retry_after_s(1)
                    .with_code("connection-busy"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<watch::Receiver<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(definition: &Definition<String>) -> watch::Receiver<Outcome> {
    let (tell, told) = watch::channel(None);
    let Definition { wsdl, service, port, .. } = definition;
    let (service, port) = (service.clone(), port.clone());
    let documents = wsdl::documents(wsdl);
    tokio::task::spawn_blocking(move || {
        let read = Client::read(&documents, service.as_deref(), port.as_deref());
        let reading = |client| Arc::new(Reading { client, operations: OnceCell::new() });
        tell.send_replace(Some(read.map(reading).map_err(|refused| refused.to_string())));
    });
    told
}

impl Reading {
    /// Those that can be called.
    pub(super) async fn operations(self: &Arc<Self>) -> Result<&[Operation], Fault> {
        let own = Arc::clone(self);
        let made =
            self.operations.get_or_try_init(async || tokio::task::spawn_blocking(move || own.shown()).await);
        Ok(made.await.map_err(|_| Fault::internal(FaultKind::Failed))?)
    }

    fn shown(&self) -> Vec<Operation> {
        let usable = self.client.operations().iter().filter(|operation| operation.problem.is_none());
        let shown = |operation: &Given| Operation {
            name: operation.name.clone(),
            input_schema: Some(self.client.input_schema(operation).to_string()),
            output_schema: self.client.output_schema(operation).map(|schema| schema.to_string()),
        };
        usable.map(shown).collect()
    }
}
