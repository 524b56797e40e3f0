//! From a plugin's bytes to machine code and a description. Runs in a process of its own, which is
//! limited in memory and time from outside.

use std::{path::Path, sync::Arc, time::Duration};

use busbar_engine::contract;
use busbar_model::{
    Name,
    bounds::{
        CALL_MEMORY_BYTES_DEFAULT, COMPONENT_NAMES_MAX, DESCRIBE_CPU_MS, DESCRIBE_TIMEOUT_MS,
        DESCRIPTION_BYTES_MAX, PLUGIN_SERVICES_MAX, SCHEMA_BYTES_MAX,
    },
    plugin::{Description, InvalidDescription, Kind},
    service::{ChannelProposal, ServiceDescription},
};
use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, InstancePre},
};

use crate::{
    artifact,
    bindings::{PluginPre, exports::busbar::bus::service as wit},
    call_log::Subject,
    cpu::{CpuBudget, CpuLimitReached, counted},
    engine::Engine,
    fault,
    host::cache::Cache,
    inspect,
    state::CallState,
};

/// Why a file is refused; each text says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("this is not a WebAssembly file: it does not begin with the bytes \"\\0asm\"")]
    NotWasm,
    #[error(
        "this is a core WebAssembly module, not a component; build it for a component target, \
         for instance `cargo build --target wasm32-wasip2`"
    )]
    CoreModule,
    #[error(
        "the component exports neither busbar:bus/service@0.1 nor wasi:http/incoming-handler@0.2, \
         so there is no service in it; it exports {exports}"
    )]
    NoService { exports: String },
    #[error("the component has {number} {what}; at most {COMPONENT_NAMES_MAX} are allowed")]
    TooManyNames { what: &'static str, number: usize },
    #[error("the component is not valid: {0}")]
    Invalid(String),
    #[error("the component imports what the bus does not offer: {0}")]
    Import(String),
    #[error("the component could not describe itself: {0}")]
    Describe(String),
    #[error("the component's description is not valid: {0}")]
    Description(String),
    #[error("the artifact could not be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Reads the file's structure: quick, and nothing of it runs.
pub fn validate(bytes: &[u8]) -> Result<(), CompileError> {
    inspect::header(bytes)
}

/// Writes machine code for `bytes` to `artifact` and returns what the component says of itself. A
/// component that can't describe itself takes its name from `stem`.
pub fn compile(
    engine: &Engine,
    stem: &Name,
    bytes: &[u8],
    artifact: &Path,
) -> Result<Description, CompileError> {
    inspect::header(bytes)?;
    let invalid = |error: wasmtime::Error| CompileError::Invalid(chain(&error));
    let code = engine.inner.precompile_component(bytes).map_err(invalid)?;
    artifact::write(artifact, &code)?;
    let component =
        artifact::load(engine, artifact).map_err(|error| CompileError::Invalid(error.to_string()))?;
    let (kind, imports) = inspect::surface(engine, &component)?;
    let pre = link(engine, &component)?;
    let description = match kind {
        Kind::WasiHttp => Description::of_wasi_http(stem.clone(), imports),
        Kind::Bus => described(engine, pre, imports)?,
    };
    description.check().map_err(|error| CompileError::Description(error.to_string()))?;
    let bytes =
        serde_json::to_vec(&description).map_err(|error| CompileError::Description(error.to_string()))?;
    if bytes.len() > DESCRIPTION_BYTES_MAX {
        return Err(too_large());
    }
    // Here, where it may take its time and its memory: what passes is compiled by each worker.
    contract::check(&description).map_err(|error| CompileError::Description(error.to_string()))?;
    Ok(description)
}

/// Ties a component's imports to the host.
pub(crate) fn link(engine: &Engine, component: &Component) -> Result<InstancePre<CallState>, CompileError> {
    engine.linker.instantiate_pre(component).map_err(|error| CompileError::Import(chain(&error)))
}

fn described(
    engine: &Engine,
    pre: InstancePre<CallState>,
    imports: Vec<String>,
) -> Result<Description, CompileError> {
    let pre = PluginPre::new(pre).map_err(|error| CompileError::Describe(chain(&error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let cpu = CpuBudget::of_ms(DESCRIBE_CPU_MS);
    let turns = cpu.turns();
    let cache = Arc::new(Cache::default());
    let state = CallState::new(engine, CALL_MEMORY_BYTES_DEFAULT, cpu, cache, Subject::default());
    let mut store = store(engine, state);
    store.set_hostcall_fuel(2 * DESCRIPTION_BYTES_MAX);
    let described = runtime.block_on(async {
        let _running = engine.shared.clock.enter();
        let describing = counted(turns, async {
            let plugin = pre.instantiate_async(&mut store).await?;
            plugin.busbar_bus_service().call_describe(&mut store).await
        });
        tokio::time::timeout(Duration::from_millis(DESCRIBE_TIMEOUT_MS), describing).await
    });
    store.data().log.end();
    let reason = match described {
        Ok(Ok(description)) => return translate(description, imports),
        Ok(Err(error)) if error.is::<CpuLimitReached>() => {
            format!("it used more than {DESCRIBE_CPU_MS} ms of processor time")
        }
        Ok(Err(error)) if store.data().limiter.refused.is_some() => {
            format!("it wanted more than {CALL_MEMORY_BYTES_DEFAULT} bytes of memory ({})", chain(&error))
        }
        Ok(Err(error)) if fault::hands_over_too_much(&error) => {
            return Err(too_large());
        }
        // The backtrace is long, so what it is about comes first.
        Ok(Err(error)) => format!("{}; {}", error.root_cause(), chain(&error)),
        Err(_) => format!("it took longer than {DESCRIBE_TIMEOUT_MS} ms"),
    };
    Err(CompileError::Describe(reason))
}

fn too_large() -> CompileError {
    CompileError::Description(format!("it is larger than {DESCRIPTION_BYTES_MAX} bytes"))
}

/// Handles that a guest may hold.
const HANDLES_MAX: usize = 4_096;

/// A store whose guest is interrupted at each tick of the engine's clock.
pub(crate) fn store(engine: &Engine, state: CallState) -> Store<CallState> {
    let mut store = Store::new(&engine.inner, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.set_max_component_handles(HANDLES_MAX);
    let slices = Arc::clone(&engine.shared.slices);
    store.epoch_deadline_callback(move |mut context| {
        slices.end();
        let cpu = &mut context.data_mut().cpu;
        cpu.tick()?;
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(Arc::clone(&slices).wait(cpu.turns()))))
    });
    store
}

fn translate(given: wit::Description, imports: Vec<String>) -> Result<Description, CompileError> {
    if given.services.len() > PLUGIN_SERVICES_MAX {
        let refused = InvalidDescription::TooManyServices(given.services.len());
        return Err(CompileError::Description(refused.to_string()));
    }
    let services = given.services.into_iter().map(service).collect::<Result<_, _>>()?;
    Ok(Description {
        kind: Kind::Bus,
        name: name(&given.name)?,
        version: given.version,
        services,
        invokes: given.invokes,
        secrets: given.secrets,
        imports,
    })
}

fn service(given: wit::ServiceDescription) -> Result<ServiceDescription, CompileError> {
    let channels = given.channels.into_iter();
    Ok(ServiceDescription {
        input_schema: schema(&given.name, "input", given.input_schema.as_deref())?,
        output_schema: schema(&given.name, "output", given.output_schema.as_deref())?,
        name: name(&given.name)?,
        summary: given.summary,
        channels: channels
            .map(|c| ChannelProposal { protocol: c.protocol, path: c.path, methods: c.methods })
            .collect(),
        calls_per_instance: given.calls_per_instance,
    })
}

fn name(text: &str) -> Result<Name, CompileError> {
    text.parse()
        .map_err(|error: busbar_model::name::InvalidName| CompileError::Description(error.to_string()))
}

fn schema(service: &str, which: &str, text: Option<&str>) -> Result<Option<serde_json::Value>, CompileError> {
    let Some(text) = text else { return Ok(None) };
    let refused =
        |why: String| CompileError::Description(format!("the {which} schema of service {service:?} {why}"));
    if text.len() > SCHEMA_BYTES_MAX {
        return Err(refused(format!("is larger than {SCHEMA_BYTES_MAX} bytes")));
    }
    serde_json::from_str(text).map(Some).map_err(|error| refused(format!("is not JSON: {error}")))
}

/// An error and its causes on one line.
fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
