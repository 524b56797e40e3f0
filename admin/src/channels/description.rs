//! What a new channel looks like, for the API's description: by its protocol, and for SOAP by where its operation
//! comes from.

use busbar_model::channel::Protocol;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, RefOr, Schema, schema::OneOfBuilder},
};

use super::Patch;
use crate::{amqp, cors, describe, soap};

/// A new channel: `service` and what its protocol answers to are required, the name is made from the service's if absent.
pub(crate) struct New;

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(any)) = Patch::schema() else { return Patch::schema() };
        let required = ["path", "service"].map(str::to_owned).to_vec();
        let rest = with(
            any.clone(),
            required.clone(),
            [
                ("protocol", describe::one_of_or_null([Protocol::Rest.as_str()])),
                ("path", describe::channel_path()),
                ("cors", describe::component_or_null::<cors::New>()),
                ("soap", soap::null()),
                ("amqp", soap::null()),
            ],
        );
        let amqp = with(
            any.clone(),
            ["protocol", "service", "amqp"].map(str::to_owned).to_vec(),
            [
                ("protocol", describe::one_of([Protocol::Amqp.as_str()])),
                ("path", soap::null()),
                ("methods", soap::null()),
                ("security", soap::null()),
                ("cors", soap::null()),
                ("soap", soap::null()),
                ("amqp", amqp::new()),
            ],
        );
        let required = [required, ["protocol"].map(str::to_owned).to_vec()].concat();
        let soap = with(
            any,
            required.clone(),
            [
                ("protocol", describe::one_of([Protocol::Soap.as_str()])),
                ("path", describe::plain_path()),
                ("methods", describe::nullable(describe::soap_methods())),
                ("cors", soap::null()),
                ("amqp", soap::null()),
            ],
        );
        let named = [required.clone(), ["soap"].map(str::to_owned).to_vec()].concat();
        let named = with(soap.clone(), named, [("soap", soap::with_operation())]);
        let by_service = with(
            soap,
            required,
            [
                ("service", describe::operation_name()),
                ("soap", describe::nullable(soap::without_operation().into())),
            ],
        );
        OneOfBuilder::new().item(rest).item(named).item(by_service).item(amqp).into()
    }
}

impl ToSchema for New {
    fn name() -> std::borrow::Cow<'static, str> {
        "NewChannel".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Patch::schemas(schemas);
        schemas.push((cors::New::name().into_owned(), cors::New::schema()));
    }
}

fn with<const N: usize>(
    mut object: Object,
    required: Vec<String>,
    members: [(&str, RefOr<Schema>); N],
) -> Object {
    object.required = required;
    for (name, schema) in members {
        object.properties.insert(name.to_owned(), schema);
    }
    object
}
