"""Values that administrators keep for the plugin. Each needs a grant: name them in `@plugin.service(secrets="…")`.

What was read is replaced by the secret's name in all that the plugin logs afterwards. That is a net for accidents: it does
not find a value that was encoded, cut or handed to another service.
"""

from .fault import Fail
from .host import Err, bus


def get(name: str) -> str:
    """Raises Fail: `not-granted`, `secret-unknown`, `secret-unavailable`."""
    try:
        return bus.secrets.get(name)
    except Err as error:
        reason = error.value
    if isinstance(reason, bus.secrets.SecretError_NotGranted):
        raise Fail(f"the plugin has no grant to read secret {name}", code="not-granted")
    if isinstance(reason, bus.secrets.SecretError_Unknown):
        raise Fail(f"secret {name} does not exist", code="secret-unknown")
    raise Fail(f"secret {name} can't be opened: {reason.value}", code="secret-unavailable")
