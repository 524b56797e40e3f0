//! What each server is tried with: the tests of `tests/odb`, and those of what only a server does.

#[path = "../odb/activating.rs"]
mod activating;
#[path = "../odb/admin_idempotency.rs"]
mod admin_idempotency;
#[path = "../odb/artifacts.rs"]
mod artifacts;
#[path = "../odb/changes.rs"]
mod changes;
#[path = "../odb/channels.rs"]
mod channels;
#[path = "../odb/configuring.rs"]
mod configuring;
#[path = "../odb/connections.rs"]
pub(crate) mod connections;
#[path = "../odb/deliveries_attending.rs"]
mod deliveries_attending;
#[path = "../odb/deliveries_claiming.rs"]
mod deliveries_claiming;
#[path = "../odb/deploying.rs"]
mod deploying;
#[path = "../odb/dictionaries.rs"]
mod dictionaries;
#[path = "../odb/fixture.rs"]
pub(crate) mod fixture;
#[path = "../odb/jobs_ending.rs"]
mod jobs_ending;
#[path = "../odb/jobs_firing.rs"]
mod jobs_firing;
#[path = "../odb/jobs_saving.rs"]
mod jobs_saving;
#[path = "../odb/kv.rs"]
mod kv;
#[path = "../odb/leasing.rs"]
mod leasing;
#[path = "../odb/locking.rs"]
mod locking;
#[path = "../odb/members.rs"]
mod members;
#[path = "../odb/paging.rs"]
mod paging;
#[path = "../odb_servers/place.rs"]
pub(crate) mod place;
#[path = "../odb/promising.rs"]
mod promising;
#[path = "../odb/quarantining.rs"]
mod quarantining;
#[path = "../odb/removing.rs"]
mod removing;
#[path = "../odb/rolling_back.rs"]
mod rolling_back;
#[path = "../odb/scheduling.rs"]
pub(crate) mod scheduling;
#[path = "../odb/secrets.rs"]
mod secrets;
#[path = "../odb/securities.rs"]
mod securities;
#[path = "../odb_servers/encrypted.rs"]
mod server_encrypted;
#[path = "../odb_servers/losing.rs"]
mod server_losing;
#[path = "../odb_servers/migrating.rs"]
mod server_migrating;
#[path = "../odb_servers/racing.rs"]
mod server_racing;
#[path = "../odb_servers/standing_still.rs"]
mod server_standing_still;
#[path = "../odb/servers.rs"]
mod servers;
#[path = "../odb/settings.rs"]
mod settings;
#[path = "../odb_servers/shape.rs"]
pub(crate) mod shape;
#[path = "../odb/staging.rs"]
pub(crate) mod staging;
#[path = "../odb/units.rs"]
mod units;
