//! Named operations and the limits of their calls.

use serde::{Deserialize, Serialize};

use crate::{bounds, name::Name};

/// A service of a plugin as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: String,
    pub name: Name,
    pub plugin: Name,
    /// What an administrator set; the rest is the service's own wish or the default.
    pub limits: LimitsPatch,
    pub revision: i64,
}

/// A service as its plugin describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDescription {
    pub name: Name,
    pub summary: Option<String>,
    /// JSON Schema 2020-12. `None`: the service takes the body as it came.
    pub input_schema: Option<serde_json::Value>,
    pub output_schema: Option<serde_json::Value>,
    pub channels: Vec<ChannelProposal>,
    pub calls_per_instance: Option<u32>,
}

/// A channel that a plugin proposes; made by itself in development mode only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelProposal {
    pub protocol: String,
    pub path: String,
    pub methods: Vec<String>,
}

/// What bounds each call of a service, in one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub timeout_ms: u64,
    pub cpu_ms: u64,
    pub memory_bytes: u64,
    pub output_bytes: u64,
    pub invokes: u32,
    pub concurrency: u32,
    pub queue: u32,
    /// 1 is a fresh instance for each call.
    pub calls_per_instance: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_ms: bounds::CALL_TIMEOUT_MS_DEFAULT,
            cpu_ms: bounds::CALL_CPU_MS_DEFAULT,
            memory_bytes: bounds::CALL_MEMORY_BYTES_DEFAULT,
            output_bytes: bounds::CALL_OUTPUT_BYTES_DEFAULT,
            invokes: bounds::CALL_INVOKES_DEFAULT,
            concurrency: bounds::SERVICE_CONCURRENCY_DEFAULT,
            queue: bounds::SERVICE_QUEUE_DEFAULT,
            calls_per_instance: 1,
        }
    }
}

/// Limits that were set for a service; absent ones keep their default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invokes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_instance: Option<u32>,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} is {value}; allowed is {least} to {most}")]
pub struct LimitOutOfRange {
    pub field: &'static str,
    pub value: u64,
    pub least: u64,
    pub most: u64,
}

impl LimitsPatch {
    pub fn check(&self) -> Result<(), LimitOutOfRange> {
        let ranges = [
            ("timeout_ms", self.timeout_ms, 1, bounds::CALL_TIMEOUT_MS_CEILING),
            ("cpu_ms", self.cpu_ms, 1, bounds::CALL_CPU_MS_CEILING),
            ("memory_bytes", self.memory_bytes, 65_536, bounds::CALL_MEMORY_BYTES_CEILING),
            ("output_bytes", self.output_bytes, 0, bounds::CALL_OUTPUT_BYTES_CEILING),
            ("invokes", self.invokes.map(u64::from), 0, u64::from(u32::MAX)),
            (
                "concurrency",
                self.concurrency.map(u64::from),
                1,
                u64::from(bounds::SERVICE_CONCURRENCY_CEILING),
            ),
            ("queue", self.queue.map(u64::from), 0, u64::from(bounds::SERVICE_QUEUE_CEILING)),
            (
                "calls_per_instance",
                self.calls_per_instance.map(u64::from),
                1,
                u64::from(bounds::INSTANCE_CALLS_CEILING),
            ),
        ];
        for (field, value, least, most) in ranges {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(LimitOutOfRange { field, value, least, most });
            }
        }
        Ok(())
    }

    /// What holds: what was set, else what the service asks for, else the default.
    pub fn over(&self, described: Option<u32>) -> Limits {
        let default = Limits::default();
        let wished = described.unwrap_or(1).clamp(1, bounds::INSTANCE_CALLS_CEILING);
        Limits {
            timeout_ms: self.timeout_ms.unwrap_or(default.timeout_ms),
            cpu_ms: self.cpu_ms.unwrap_or(default.cpu_ms),
            memory_bytes: self.memory_bytes.unwrap_or(default.memory_bytes),
            output_bytes: self.output_bytes.unwrap_or(default.output_bytes),
            invokes: self.invokes.unwrap_or(default.invokes),
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            queue: self.queue.unwrap_or(default.queue),
            calls_per_instance: self.calls_per_instance.unwrap_or(wished),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LimitsPatch;

    #[test]
    fn what_was_set_beats_what_the_service_wishes() {
        let patch = LimitsPatch { calls_per_instance: Some(7), ..LimitsPatch::default() };
        assert_eq!(patch.over(Some(128)).calls_per_instance, 7);
        assert_eq!(LimitsPatch::default().over(Some(128)).calls_per_instance, 128);
        assert_eq!(LimitsPatch::default().over(None).calls_per_instance, 1);
    }

    #[test]
    fn a_limit_over_the_ceiling_is_named() {
        let patch = LimitsPatch { cpu_ms: Some(0), ..LimitsPatch::default() };
        assert_eq!(patch.check().unwrap_err().to_string(), "cpu_ms is 0; allowed is 1 to 600000");
    }
}
