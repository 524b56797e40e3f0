//! From what went wrong in a guest to what the caller is told.

use busbar_model::{
    Fault,
    fault::{FaultKind, FieldError},
};
use http::StatusCode;

use crate::{
    bindings::busbar::bus::types as wit, call_log::CallLog, cpu::CpuLimitReached, limiter::Refused,
    state::CallState,
};

/// A call that the guest did not end itself. The cause goes to the log, with the wasm backtrace.
pub(crate) fn of_trap(
    error: &wasmtime::Error,
    state: &CallState,
    subject: &crate::call_log::Subject,
) -> Fault {
    let kind = match (error.downcast_ref::<CpuLimitReached>(), state.limiter.refused) {
        (Some(_), _) => FaultKind::CpuLimit,
        (None, _) if hands_over_too_much(error) => FaultKind::OutputLimit,
        (None, Some(Refused::OwnLimit)) => FaultKind::MemoryLimit,
        (None, Some(Refused::WorkerBudget)) => FaultKind::Overloaded,
        (None, None) => FaultKind::Trap,
    };
    let (correlation, plugin, service) = subject.names();
    tracing::error!(
        correlation_id = correlation,
        plugin,
        service,
        kind = kind.label(),
        trap = %state.log.redacted(&format!("{error:#}")),
        "call trapped"
    );
    match kind {
        FaultKind::CpuLimit => Fault::new(kind, "the call reached its processor limit"),
        FaultKind::MemoryLimit => Fault::new(kind, "the call reached its memory limit"),
        FaultKind::OutputLimit => {
            Fault::new(kind, "the service handed over more at once than it may answer with")
        }
        FaultKind::Overloaded => Fault::new(kind, "the worker has no memory left").with_retry_after_s(1),
        _ => Fault::internal(kind),
    }
}

/// The engine has no type for this (`HostcallFuelExhausted`).
pub(crate) fn hands_over_too_much(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls has been exhausted"))
}

/// No instance could be made: mostly because too many live already.
pub(crate) fn of_instantiation(
    error: &wasmtime::Error,
    state: &CallState,
    subject: &crate::call_log::Subject,
) -> Fault {
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        state.limiter.none_left();
        return Fault::new(FaultKind::Overloaded, "the worker has all the instances it can hold")
            .with_retry_after_s(1);
    }
    of_trap(error, state, subject)
}

pub(crate) fn of_guest(fault: wit::Fault, log: &CallLog, subject: &crate::call_log::Subject) -> Fault {
    let errors: Vec<_> =
        fault.errors.into_iter().map(|e| FieldError { path: e.path, message: e.message }).collect();
    // The access log has it too.
    let code = if fault.code.is_empty() { None } else { Some(log.redacted(&fault.code).into_owned()) };
    let mut mapped = match fault.disposition {
        // What the bus itself would have said, had it looked at the body.
        wit::Disposition::Reject => match code.as_deref() {
            Some("invalid-input") => Fault::new(FaultKind::InvalidInput, fault.message),
            Some("too-large") => Fault::new(FaultKind::TooLarge, fault.message),
            _ => Fault::new(FaultKind::Rejected, fault.message),
        },
        wit::Disposition::RetryAfter(seconds) => {
            Fault::new(FaultKind::RetryLater, fault.message).with_retry_after_s(seconds)
        }
        wit::Disposition::Fail => {
            let (correlation, plugin, service) = subject.names();
            tracing::error!(
                correlation_id = correlation,
                plugin,
                service,
                code,
                cause = %log.redacted(&fault.message),
                "service failed"
            );
            Fault::internal(FaultKind::Failed)
        }
    };
    if let Some(code) = code {
        mapped.code = code;
    }
    mapped.status =
        fault.status.filter(|status| StatusCode::from_u16(*status).is_ok_and(|s| s.is_client_error()));
    if mapped.kind != FaultKind::Failed {
        mapped.errors = errors;
    }
    mapped
}

/// A fault of an invoked service, for the service that invoked it.
pub(crate) fn to_guest(fault: Fault) -> wit::Fault {
    let disposition = match (fault.kind, fault.retry_after_s) {
        (_, Some(seconds)) => wit::Disposition::RetryAfter(seconds),
        (
            FaultKind::InvalidInput
            | FaultKind::Rejected
            | FaultKind::NotFound
            | FaultKind::NotAllowed
            | FaultKind::TooLarge
            | FaultKind::Conflict,
            _,
        ) => wit::Disposition::Reject,
        _ => wit::Disposition::Fail,
    };
    let status = fault.status();
    wit::Fault {
        disposition,
        status: (400..=499).contains(&status).then_some(status),
        code: fault.code,
        message: fault.message,
        errors: fault
            .errors
            .into_iter()
            .map(|e| wit::FieldError { path: e.path, message: e.message })
            .collect(),
    }
}
