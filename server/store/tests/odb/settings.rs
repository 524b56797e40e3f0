//! What administrators set for plugins and services.

use busbar_model::{plugin::Grants, service::LimitsPatch};
use busbar_store::{Error, Page, plugin::Filter as PluginFilter, service::Filter};
use serde_json::json;

use crate::fixture::{Fixture, by, name};

#[test]
fn grants_and_config_outlive_a_deployment() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    let plugin = fixture.odb.plugin("echo").unwrap();
    assert_eq!((&plugin.grants, &plugin.config), (&None, &json!({})));
    let granted = fixture.odb.set_grants(&by(), "echo", Some(1), Some(Grants::everything())).unwrap();
    assert_eq!(granted.revision, 2);
    fixture.odb.set_config(&by(), "echo", Some(2), json!({"a": 1})).unwrap();
    let error = fixture.odb.set_config(&by(), "echo", Some(2), json!({})).unwrap_err();
    assert!(matches!(error, Error::RevisionMismatch { current: 3 }), "{error}");
    fixture.deploy("echo", b"2");
    let plugin = fixture.odb.plugin("echo").unwrap();
    assert_eq!((plugin.grants, plugin.config), (Some(Grants::everything()), json!({"a": 1})));
    assert_eq!(fixture.odb.set_grants(&by(), "echo", None, None).unwrap().grants, None);
    assert!(matches!(fixture.odb.set_grants(&by(), "nobody", None, None), Err(Error::NotFound { .. })));
}

#[test]
fn limits_outlive_a_deployment() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    let wanted = LimitsPatch { cpu_ms: Some(7), ..LimitsPatch::default() };
    let service = fixture.odb.set_service_limits(&by(), "echo", Some(1), wanted.clone()).unwrap();
    assert_eq!((service.revision, &service.limits), (2, &wanted));
    let also = |patch: LimitsPatch| Ok::<_, Error>(LimitsPatch { queue: Some(3), ..patch });
    let service = fixture.odb.update_service_limits(&by(), "echo", Some(2), also).unwrap();
    assert_eq!((service.limits.cpu_ms, service.limits.queue), (Some(7), Some(3)));
    let error = fixture.odb.update_service_limits(&by(), "echo", Some(2), also).unwrap_err();
    assert!(matches!(error, Error::RevisionMismatch { current: 3 }), "{error}");
    fixture.deploy("echo", b"2");
    assert_eq!(fixture.odb.service("echo").unwrap(), service);
}

#[test]
fn services_are_listed_by_plugin() {
    let fixture = Fixture::new();
    fixture.deploy("a", b"1");
    fixture.deploy("b", b"2");
    let filter = Filter { plugin: Some("a".to_owned()), ..Filter::default() };
    let items = fixture.odb.services(&Page::first(9), &filter).unwrap().items;
    assert_eq!(items.iter().map(|service| service.name.clone()).collect::<Vec<_>>(), [name("a")]);
    assert_eq!(fixture.odb.plugins(&Page::first(9), &PluginFilter::default()).unwrap().items.len(), 2);
}
