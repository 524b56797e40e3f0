"""Write a Busbar service as a typed Python function. README.md of this folder tells how.

All modules are imported here, since a component has no files to import from once it is built.
"""

from . import amqp, cache, config, context, deliver, dictionaries, http, kv, log, secrets, soap, sql
from .deliver import Options as DeliveryOptions
from .fault import Fail, Fault, FieldError, InvalidInput, Reject, RetryAfter
from .invoke import Target, invoke, invoke_all, invoke_async, invoke_raw
from .payload import Body, Request, Response
from .plugin import Plugin
from .record import strict
from .reply import Reply
from .schema import Schema

__all__ = [
    "Body",
    "DeliveryOptions",
    "Fail",
    "Fault",
    "FieldError",
    "InvalidInput",
    "Plugin",
    "Reject",
    "Reply",
    "Request",
    "Response",
    "RetryAfter",
    "Schema",
    "Target",
    "amqp",
    "cache",
    "config",
    "context",
    "deliver",
    "dictionaries",
    "http",
    "invoke",
    "invoke_all",
    "invoke_async",
    "invoke_raw",
    "kv",
    "log",
    "secrets",
    "soap",
    "sql",
    "strict",
]
