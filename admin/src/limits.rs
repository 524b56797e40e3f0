//! A service's limits: those that hold, those that were set, and how to set them.

use std::borrow::Cow;

use busbar_model::{
    bounds,
    service::{self as model, LimitsPatch},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, Type},
};

use crate::{
    check::Check,
    describe,
    member::{Member, Whole},
};

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $field:ident: $type:ident = $least:expr, $most:expr;)*) => {
        /// The limits that hold: what was set, else what the service asks for, else the default.
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(as = Limits)]
        pub(crate) struct Effective { $($(#[doc = $doc])* $field: $type,)* }

        impl From<model::Limits> for Effective {
            fn from(limits: model::Limits) -> Self {
                Self { $($field: limits.$field,)* }
            }
        }

        /// The limits that were set.
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(as = LimitsSet)]
        pub(crate) struct Set {
            $($(#[doc = $doc])* #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }

        impl From<LimitsPatch> for Set {
            fn from(limits: LimitsPatch) -> Self {
                Self { $($field: limits.$field,)* }
            }
        }

        /// Limits to be set; null puts one back to where nobody has set it.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Patch {
            $($(#[doc = $doc])* #[serde(default)] $field: Member<Whole>,)*
        }

        impl PartialSchema for Patch {
            fn schema() -> RefOr<Schema> {
                let limits = [$((
                    stringify!($field),
                    describe::described(describe::whole_or_null($least, $most), concat!($($doc),*).trim()),
                ),)*];
                describe::members(limits).into()
            }
        }

        /// Limits as a configuration has them.
        pub(crate) fn described_set() -> RefOr<Schema> {
            describe::members([$((stringify!($field), RefOr::T(describe::whole($least, $most).into())),)*])
                .schema_type(Type::Object)
                .into()
        }

        impl ToSchema for Patch {
            fn name() -> Cow<'static, str> {
                "LimitsPatch".into()
            }
        }

        /// A checked patch: `None` leaves a limit as it is.
        #[derive(Debug)]
        pub(crate) struct Edit { $($field: Option<Option<$type>>,)* }

        impl Patch {
            pub(crate) fn checked(self, check: &mut Check) -> Edit {
                let within = |given: Whole, (least, most)| given.within(least, most);
                Edit {
                    $($field: self.$field.checked(
                        check,
                        concat!("/limits/", stringify!($field)),
                        Some(None),
                        |given| within(given, ($least, $most)).map(|value| $type::try_from(value).ok()),
                    ),)*
                }
            }
        }

        impl Edit {
            /// Every limit back to where nobody has set it.
            pub(crate) fn clear() -> Self {
                Self { $($field: Some(None),)* }
            }

            pub(crate) fn apply(&self, limits: &LimitsPatch) -> LimitsPatch {
                LimitsPatch { $($field: self.$field.unwrap_or(limits.$field),)* }
            }
        }

        #[cfg(test)]
        fn ranges() -> Vec<(&'static str, u64, u64)> {
            vec![$((stringify!($field), $least, $most),)*]
        }
    };
}

limits! {
    /// Wall time of a call.
    timeout_ms: u64 = 1, bounds::CALL_TIMEOUT_MS_CEILING;
    /// Time on the processor of a call.
    cpu_ms: u64 = 1, bounds::CALL_CPU_MS_CEILING;
    /// Linear memory of an instance.
    memory_bytes: u64 = 65_536, bounds::CALL_MEMORY_BYTES_CEILING;
    /// A reply.
    output_bytes: u64 = 0, bounds::CALL_OUTPUT_BYTES_CEILING;
    /// Calls of other services by one call.
    invokes: u32 = 0, u64::from(u32::MAX);
    /// Calls that run at once in one worker.
    concurrency: u32 = 1, u64::from(bounds::SERVICE_CONCURRENCY_CEILING);
    /// Calls that wait for their turn in one worker.
    queue: u32 = 0, u64::from(bounds::SERVICE_QUEUE_CEILING);
    /// 1 is a fresh instance for each call.
    calls_per_instance: u32 = 1, u64::from(bounds::INSTANCE_CALLS_CEILING);
}

#[cfg(test)]
mod tests {
    use busbar_model::service::LimitsPatch;
    use serde_json::json;

    use super::{Patch, ranges};
    use crate::check::Check;

    #[test]
    fn the_ranges_are_those_of_the_model() {
        for (field, least, most) in ranges() {
            let model = |value: u64| {
                let limits = serde_json::from_value::<LimitsPatch>(json!({field: value}));
                limits.is_ok_and(|limits| limits.check().is_ok())
            };
            assert!(model(least) && model(most), "{field}");
            assert!(!model(most + 1), "{field}");
            assert!(least == 0 || !model(least - 1), "{field}");
        }
    }

    #[test]
    fn every_wrong_limit_is_named() {
        let patch: Patch = serde_json::from_value(json!({"cpu_ms": 0, "queue": -1, "invokes": 7})).unwrap();
        let mut check = Check::default();
        let edit = patch.checked(&mut check);
        assert_eq!(edit.apply(&LimitsPatch::default()).invokes, Some(7));
        let problem = format!("{:?}", check.finish().unwrap_err());
        assert!(problem.contains("limits/cpu_ms: is 0; allowed is 1 to 600000"), "{problem}");
        assert!(problem.contains("limits/queue: is -1; allowed is 0 to 100000"), "{problem}");
    }
}
