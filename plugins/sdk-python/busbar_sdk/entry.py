"""The component's export: what componentize-py is pointed at. The author's plugin is in `service.py`."""

import service  # noqa: F401: makes the plugin

from .fault import Fault
from .host import Err
from .plugin import Plugin

if Plugin.made is None:
    raise TypeError("service.py makes no Plugin(name, version)")


class Service:
    """Of the contract's world `plugin`."""

    def describe(self):
        return Plugin.made.describe()

    def handle(self, service, request):
        try:
            return Plugin.made.handle(service, request)
        except Fault as fault:
            raise Err(fault.to_bus()) from None
