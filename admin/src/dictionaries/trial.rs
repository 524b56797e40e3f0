//! Trying what a dictionary says.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use busbar_model::dictionary::{Date, System};
use serde::Serialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::description::system;
use crate::{
    app::App,
    caller::Key,
    check::{Check, REQUIRED},
    clock, describe,
    openapi::Conflict,
    page,
    problem::{Kind, Problem},
};

const PARAMETERS: [&str; 4] = ["key", "from", "to", "on"];

/// What a translation gives.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DictionaryTranslation)]
pub(crate) struct View {
    /// Null: nothing matches, and the system has no default.
    #[schema(required)]
    code: Option<String>,
    /// The day that it is given for, in UTC.
    #[schema(value_type = String, format = Date)]
    on: Date,
}

/// What is to be translated.
pub(crate) struct Question;

impl IntoParams for Question {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let described: [(&str, RefOr<Schema>, bool); 4] = [
            ("The code to be translated.", String::schema(), true),
            ("Whose code it is.", system(), true),
            ("Whose code is wanted.", system(), true),
            ("The day; if absent, today in UTC.", describe::date(), false),
        ];
        let parameter = |(name, (description, schema, required)): (&str, (&str, _, bool))| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(if required { Required::True } else { Required::False })
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        PARAMETERS.into_iter().zip(described).map(parameter).collect()
    }
}

/// What one system calls a thing that another one calls `key`: what a service would be told.
#[utoipa::path(get, path = "/api/v1/dictionaries/{id}/translate", tag = "dictionaries",
    params(("id" = String, Path), Question),
    responses((status = 200, description = "The code, if there is one.", body = View), Conflict))]
pub(crate) async fn translate(
    State(app): State<Arc<App>>,
    Key(id): Key,
    request: Request,
) -> Result<Json<View>, Problem> {
    let mut given = page::parameters(request.uri(), &PARAMETERS)?;
    let mut check = Check::default();
    let mut system = |name: &str, check: &mut Check| {
        let path = format!("/{name}");
        let text = check.some(&path, given.remove(name), REQUIRED);
        text.and_then(|text| check.ok(&path, text.parse::<System>()))
    };
    let (from, to) = (system("from", &mut check), system("to", &mut check));
    let key = check.some("/key", given.remove("key"), REQUIRED);
    let on = given.remove("on").map(|on| check.ok("/on", on.parse::<Date>()));
    let on = on.unwrap_or_else(|| Some(clock::now().day()));
    let asked = from.zip(to).zip(key.zip(on));
    let ((from, to), (key, on)) = check.finish_with(asked)?;
    app.read(move |odb| {
        let table = odb.dictionary(&id)?.draft.table;
        let found = table.translate(&key, from.as_str(), to.as_str(), on).map_err(|unknown| {
            Problem::new(Kind::Conflict, unknown.to_string()).with_code("system-unknown")
        })?;
        Ok(Json(View { code: found.map(str::to_owned), on }))
    })
    .await
}
