//! `busbar security`: the credentials that channels ask for. Secrets never come as arguments, which
//! other users of the machine can see.

use serde_json::{Value, json};

use super::{
    Bus,
    api::{Api, Content},
    failure::{Doing as _, Failure},
    input,
};

const SECURITY: &str = "/api/v1/security";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All security definitions, the newest first.
    #[command(after_help = "Example:\n  busbar security list")]
    List,
    /// One security definition, without its secret.
    #[command(after_help = "Example:\n  busbar security show partner")]
    Show {
        /// The definition's name or id.
        name: String,
    },
    /// Makes a definition of a username and a password (HTTP basic).
    #[command(after_help = "Example:\n  busbar security create-basic staff --username ada \
        --password-stdin < password-file")]
    CreateBasic {
        name: String,
        #[arg(long)]
        username: String,
        /// Reads the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Makes a definition of an API key, and prints the key: it is shown this once only.
    #[command(after_help = "Example:\n  busbar security create-key partner > partner-key")]
    CreateKey { name: String },
    /// Sets another password.
    #[command(after_help = "Example:\n  busbar security set-password staff --password-stdin < password-file")]
    SetPassword {
        /// The definition's name or id.
        name: String,
        /// Reads the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Makes another API key, and prints it: it is shown this once only. The old one is void.
    #[command(after_help = "Example:\n  busbar security rotate partner > partner-key")]
    Rotate {
        /// The definition's name or id.
        name: String,
    },
    /// Removes a security definition that no channel asks for.
    #[command(after_help = "Example:\n  busbar security delete partner")]
    Delete {
        /// The definition's name or id.
        name: String,
    },
}

impl Command {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let api = bus.admin()?;
        match self {
            Self::List => list(bus, &api).await,
            Self::Show { name } => {
                let doing = || format!("show security definition {name}");
                let address = api.named(SECURITY, &name).await.doing(doing)?;
                print(bus, &api.get(&address).await.doing(doing)?.body);
                Ok(())
            }
            Self::CreateBasic { name, username, password_stdin: _ } => {
                let password = input::password().doing(|| "read the password".to_owned())?;
                let new = json!({"name": name, "kind": "basic", "username": username, "password": password});
                print(bus, &create(&api, &name, &new).await?);
                Ok(())
            }
            Self::CreateKey { name } => {
                let created = create(&api, &name, &json!({"name": name, "kind": "api-key"})).await?;
                print_key(bus, &created);
                Ok(())
            }
            Self::SetPassword { name, password_stdin: _ } => {
                let password = input::password().doing(|| "read the password".to_owned())?;
                let doing = format!("set the password of security definition {name}");
                print(bus, &patch(&api, &name, doing, &json!({"password": password})).await?);
                Ok(())
            }
            Self::Rotate { name } => {
                let doing = format!("rotate the key of security definition {name}");
                print_key(bus, &patch(&api, &name, doing, &json!({"rotate": true})).await?);
                Ok(())
            }
            Self::Delete { name } => {
                let doing = || format!("delete security definition {name}");
                let address = api.named(SECURITY, &name).await.doing(doing)?;
                api.delete(&address).await.doing(doing)?;
                bus.output.note(&format!("security definition {name} is deleted"));
                Ok(())
            }
        }
    }
}

async fn list(bus: &Bus<'_>, api: &Api) -> Result<(), Failure> {
    let definitions = api.list(SECURITY, &[]).await.doing(|| "list security definitions".to_owned())?;
    let columns = [
        ("NAME", "name"),
        ("KIND", "kind"),
        ("USERNAME", "username"),
        ("KEY ID", "key_id"),
        ("UPDATED", "updated_at"),
    ];
    bus.output.list(definitions, &columns);
    Ok(())
}

async fn create(api: &Api, name: &str, new: &Value) -> Result<Value, Failure> {
    let created = api.post(SECURITY, Content::json(new)).await;
    Ok(created.doing(|| format!("create security definition {name}"))?.body)
}

async fn patch(api: &Api, name: &str, doing: String, patch: &Value) -> Result<Value, Failure> {
    let patched = async {
        let address = api.named(SECURITY, name).await?;
        api.patch(&address, patch).await
    };
    Ok(patched.await.doing(|| doing)?.body)
}

fn print(bus: &Bus<'_>, definition: &Value) {
    let mut members = vec![("name", "name"), ("id", "id"), ("kind", "kind")];
    let optional = [("username", "username"), ("key id", "key_id")];
    members.extend(optional.into_iter().filter(|(_, member)| !definition[*member].is_null()));
    members.extend([("created", "created_at"), ("updated", "updated_at")]);
    bus.output.object(definition, &members);
}

/// The key alone on standard output, so that it can go straight to where it is kept.
fn print_key(bus: &Bus<'_>, definition: &Value) {
    if bus.output.is_json() {
        return bus.output.json(definition);
    }
    bus.output.line(definition["key"].as_str().unwrap_or_default());
    bus.output.note("this key is not shown again");
}
