//! A call of a service that speaks `busbar:bus`.

use std::sync::Arc;

use busbar_engine::{ports::Call, request::Response};
use busbar_model::{Fault, service::Limits};

use crate::{
    bindings::{PluginPre, busbar::bus::types::Disposition},
    call_log::Subject,
    compile::store,
    cpu::{CpuBudget, counted},
    fault,
    instances::Instance,
    plugin::Loaded,
    state::{CallData, CallState},
};

pub(crate) async fn run(
    loaded: &Loaded,
    pre: &PluginPre<CallState>,
    call: Box<Call>,
) -> Result<Response, Fault> {
    let service = Arc::clone(&call.service);
    let subject = Subject::of(&call);
    let mut instance = instance(loaded, pre, &service, &subject).await?;
    let (data, input) = CallData::of(call);
    instance.store.data_mut().call.call = Some(data);
    let turns = instance.store.data().cpu.turns();
    let outcome = counted(turns, handle(&mut instance, service.name.as_str(), input)).await;
    let state = instance.store.data_mut();
    state.call.call = None;
    state.log.end();
    let response = match outcome {
        Err(trap) => return Err(fault::of_trap(&trap, state, &subject)),
        Ok(Err(guest)) => {
            // One that failed may have left its memory halfway: the next call gets another.
            let failed = matches!(guest.disposition, Disposition::Fail);
            let fault = fault::of_guest(guest, &state.log, &subject);
            if failed {
                return Err(fault);
            }
            Err(fault)
        }
        Ok(Ok(response)) => state
            .response_out(response, &service.limits)
            .map_err(|trap| fault::of_trap(&trap, state, &subject))?,
    };
    instance.calls += 1;
    // One that kept hold of a body would keep its sender waiting.
    let state = instance.store.data();
    let is_clean = state.held == 0 && !state.call.has_asked;
    let reusable = instance.calls < service.limits.calls_per_instance && is_clean;
    if reusable {
        loaded.instances.put(&service.name, instance);
    }
    response
}

async fn instance(
    loaded: &Loaded,
    pre: &PluginPre<CallState>,
    service: &busbar_engine::catalog::BoundService,
    subject: &Subject,
) -> Result<Instance, Fault> {
    let limits = &service.limits;
    let cpu = CpuBudget::of_ms(limits.cpu_ms);
    if limits.calls_per_instance > 1
        && let Some(mut instance) = loaded.instances.take(&service.name)
    {
        let state = instance.store.data_mut();
        state.cpu = cpu;
        state.log.begin(subject.clone());
        state.limiter.begin(limits.memory_bytes);
        instance.store.set_epoch_deadline(1);
        instance.store.set_hostcall_fuel(hostcall_bytes(limits));
        return Ok(instance);
    }
    let state =
        CallState::new(&loaded.engine, limits.memory_bytes, cpu, Arc::clone(&loaded.cache), subject.clone());
    let mut store = store(&loaded.engine, state);
    store.set_hostcall_fuel(hostcall_bytes(limits));
    match pre.instantiate_async(&mut store).await {
        Ok(world) => Ok(Instance { store, world, calls: 0 }),
        Err(error) => Err(fault::of_instantiation(&error, store.data(), subject)),
    }
}

/// Bytes that a guest may hand over in one call of the host: its output, and something beside it.
pub(crate) fn hostcall_bytes(limits: &Limits) -> usize {
    const BESIDE_OUTPUT: usize = 1024 * 1024;
    usize::try_from(limits.output_bytes).unwrap_or(usize::MAX).saturating_add(BESIDE_OUTPUT)
}

type Handled =
    Result<crate::bindings::busbar::bus::types::Response, crate::bindings::busbar::bus::types::Fault>;

async fn handle(
    instance: &mut Instance,
    service: &str,
    input: busbar_engine::request::Input,
) -> wasmtime::Result<Handled> {
    let request = instance.store.data_mut().request_in(input)?;
    instance.world.busbar_bus_service().call_handle(&mut instance.store, service, &request).await
}
