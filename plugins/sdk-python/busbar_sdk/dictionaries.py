"""Tables that translate one system's codes into another's, which the plugin is granted. As of the catalog snapshot that the
call is pinned to.

```python
country = dictionaries.translate("countries", "DE", "erp", "shop")
then = dictionaries.translate("countries", "DE", "erp", "shop", on=date(2020, 1, 31))
```
"""

import datetime

from .fault import received
from .host import Err, bus


def translate(dictionary: str, key: str, source: str, target: str, *, on: datetime.date | str | None = None) -> str | None:
    """What `key` of the system `source` is in the system `target`, today in UTC or `on` a day: of the first entry in the
    table's order that is valid then, else the default of `target`, else None.

    Raises faults with the code `not-granted`, `dictionary-unknown`, `system-unknown` or `invalid-input`.
    """
    return _tried(bus.dictionaries.translate, dictionary, key, source, target, _day(on))


def entries(dictionary: str, *, on: datetime.date | str | None = None) -> list[dict[str, str]]:
    """The entries that are valid on that day, each as the systems and their codes."""
    return [dict(entry) for entry in _tried(bus.dictionaries.entries, dictionary, _day(on))]


def _day(on: datetime.date | str | None) -> str | None:
    return on.isoformat() if isinstance(on, datetime.date) else on


def _tried(function, *arguments):
    try:
        return function(*arguments)
    except Err as error:
        raise received(error.value) from None
