//! What belongs to one instance, and to the call that it serves.

use std::sync::Arc;

use busbar_engine::{
    ports::{Call, Invoker, Origin},
    request::Head,
};
use busbar_model::{Fault, Name, fault::FaultKind, router::Parameters};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    call_log::{CallLog, Subject},
    cpu::CpuBudget,
    engine::Engine,
    host::cache::Cache,
    limiter::Limiter,
};

/// The store's data.
pub(crate) struct CallState {
    pub(crate) table: ResourceTable,
    /// Apart, so that what is made for every call stays small.
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
    pub(crate) limiter: Limiter,
    pub(crate) cpu: CpuBudget,
    pub(crate) log: CallLog,
    pub(crate) cache: Arc<Cache>,
    /// `None` while a component describes itself and between the calls of a pooled instance.
    pub(crate) call: Current,
    /// Bodies, cursors and transactions that the guest holds.
    pub(crate) held: u32,
}

/// The call that is being served.
pub(crate) struct CallData {
    pub(crate) origin: Origin,
    pub(crate) head: Option<Head>,
    pub(crate) params: Parameters,
    pub(crate) caller: Option<Name>,
    pub(crate) invoker: Arc<dyn Invoker>,
    pub(crate) invokes_left: u32,
    pub(crate) config: Arc<serde_json::Value>,
    _place: busbar_engine::gate::Place,
}

/// Apart from the rest of the state, since outgoing requests of `wasi:http` are made by it.
#[derive(Default)]
pub(crate) struct Current {
    pub(crate) call: Option<CallData>,
    /// It made such a request, of which the guest may hold what nobody here counts.
    pub(crate) has_asked: bool,
}

impl CallState {
    pub(crate) fn new(
        engine: &Engine,
        memory_bytes_max: u64,
        cpu: CpuBudget,
        cache: Arc<Cache>,
        subject: Subject,
    ) -> Self {
        Self {
            table: ResourceTable::new(),
            wasi: None,
            http: WasiHttpCtx::new(),
            limiter: Limiter::new(Arc::clone(&engine.shared), memory_bytes_max),
            cpu,
            log: CallLog::new(subject, Arc::clone(&engine.shared.redactions)),
            cache,
            call: Current::default(),
            held: 0,
        }
    }
}

impl CallData {
    /// Takes a call apart: what its host functions need, and its input.
    pub(crate) fn of(call: Box<Call>) -> (Self, busbar_engine::request::Input) {
        let Call {
            context,
            service,
            deadline,
            depth,
            above,
            caller,
            head,
            params,
            input,
            invoker,
            unit,
            attempt,
            place,
        } = *call;
        let (invokes_left, config) = (service.limits.invokes, Arc::clone(&service.config));
        let origin = Origin { context, service, deadline, depth, above, unit, attempt };
        (Self { origin, head, params, caller, invoker, invokes_left, config, _place: place }, input)
    }
}

impl CallData {
    /// One more of the calls and messages that this call may send.
    pub(crate) fn count(&mut self) -> Result<(), Fault> {
        let left = self.invokes_left.checked_sub(1).ok_or_else(|| {
            let text = "the call reached its limit of calls to other services";
            Fault::new(FaultKind::NestingLimit, text).with_code("invoke-limit")
        })?;
        self.invokes_left = left;
        Ok(())
    }
}

impl WasiView for CallState {
    /// Most services never ask for WASI, so it is made when one does: clocks, random numbers and
    /// streams to the log; no files, no environment, no network.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let log = &self.log;
        let ctx = self.wasi.get_or_insert_with(|| {
            Box::new(WasiCtxBuilder::new().stdout(log.clone()).stderr(log.clone()).build())
        });
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.call, table: &mut self.table, ctx: &mut self.http }
    }
}
