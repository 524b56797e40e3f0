//! The component's exports.

use crate::bindings::exports::busbar::bus::service::{Description, ServiceDescription};
use crate::{Declaration, Fault, Service};

/// Exports the services listed as one plugin, named and versioned as the crate is.
///
/// `plugin!(greet, farewell)`, or with a version that is computed when the plugin is described:
/// `plugin!(greet; version = version_now())`.
#[macro_export]
macro_rules! plugin {
    ($($service:ty),+ $(,)?) => {
        $crate::plugin!($($service),+; version = env!("CARGO_PKG_VERSION"));
    };
    ($($service:ty),+ ; version = $version:expr) => {
        const _: () = {
            struct Plugin;

            impl $crate::expansion::service::Guest for Plugin {
                fn describe() -> $crate::expansion::service::Description {
                    let mut description = $crate::expansion::describe(env!("CARGO_PKG_NAME"), $version);
                    $(description.add::<$service>();)+
                    description
                }

                fn handle(
                    service: String,
                    request: $crate::Request,
                ) -> Result<$crate::Response, $crate::expansion::types::Fault> {
                    $(
                        if service == <$service as $crate::Service>::DECLARATION.name {
                            return <$service as $crate::Service>::handle(request).map_err(Into::into);
                        }
                    )+
                    Err($crate::expansion::unknown(&service).into())
                }
            }

            // The names of the exports are none that another target's linker takes.
            #[cfg(target_family = "wasm")]
            $crate::bindings::export_plugin!(Plugin);
            #[cfg(not(target_family = "wasm"))]
            const _: fn() -> $crate::expansion::service::Description =
                <Plugin as $crate::expansion::service::Guest>::describe;
        };
    };
}

#[must_use]
pub fn describe(name: &str, version: impl Into<String>) -> Description {
    Description {
        name: name.to_owned(),
        version: version.into(),
        services: Vec::new(),
        invokes: Vec::new(),
        secrets: Vec::new(),
    }
}

/// The bus names only services that were described, so this is a bus of another opinion.
#[must_use]
pub fn unknown(service: &str) -> Fault {
    Fault::fail(format!("the plugin has no service {service}"))
}

impl Description {
    pub fn add<S: Service>(&mut self) {
        self.add_described(S::DECLARATION.describe(S::schemas()), &S::DECLARATION);
    }

    fn add_described(&mut self, service: ServiceDescription, declaration: &Declaration) {
        self.services.push(service);
        add_new(&mut self.invokes, declaration.invokes);
        add_new(&mut self.secrets, declaration.secrets);
    }
}

/// Adds the names that are not there yet.
fn add_new(known: &mut Vec<String>, names: &[&str]) {
    for &name in names {
        if !known.iter().any(|known| known == name) {
            known.push(name.to_owned());
        }
    }
}
