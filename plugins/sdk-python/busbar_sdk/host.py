"""The one way to the bus: the imports of the contract in a component, a double of them elsewhere."""

try:
    from componentize_py_types import Err
    from wit_world.exports import service
    from wit_world.imports import (
        amqp,
        cache,
        config,
        context,
        deliver,
        dictionaries,
        http,
        invoke,
        kv,
        log,
        secrets,
        soap,
        sql,
        types,
    )
except ModuleNotFoundError:
    from .double import (
        Err,
        amqp,
        cache,
        config,
        context,
        deliver,
        dictionaries,
        http,
        invoke,
        kv,
        log,
        secrets,
        service,
        soap,
        sql,
        types,
    )


class bus:
    """The interfaces of the contract, by their names in it."""

    amqp = amqp
    cache = cache
    config = config
    context = context
    deliver = deliver
    dictionaries = dictionaries
    http = http
    invoke = invoke
    kv = kv
    log = log
    secrets = secrets
    service = service
    soap = soap
    sql = sql
    types = types


__all__ = ["Err", "bus"]
