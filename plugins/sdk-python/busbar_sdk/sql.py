"""SQL databases of others, by a connection that the plugin is granted. A statement is in the database's own dialect, with
its own marks for parameters (`$1` in PostgreSQL, `?` in MariaDB, MySQL and SQLite); one at a time.

```python
item = sql.query("stock", "select sku, price from items where sku = $1", sku).at_most_one(Item)
count = sql.query("stock", "select count(*) from items").value()
with sql.transaction("stock") as tx:
    tx.execute("update items set in_stock = in_stock - 1 where sku = $1", sku)
with sql.cursor("stock", "select sku from items") as rows:
    for row in rows:
        print(row["sku"])
```

Values are Python's own: None, bool, int, float, Decimal, str, bytes, date, time, datetime (with a zone where the column has
one), UUID; JSON is what `json` makes of it. A date or time that Python has no value for comes as its text.
"""

from dataclasses import fields, is_dataclass

from .fault import Fail, received
from .host import Err, bus
from .value import of_bus, to_bus

#: How many rows a cursor asks for at once.
BATCH_ROWS = 256

#: None is the database's default.
ISOLATIONS = {
    None: None,
    "read-committed": bus.sql.Isolation.READ_COMMITTED,
    "repeatable-read": bus.sql.Isolation.REPEATABLE_READ,
    "serializable": bus.sql.Isolation.SERIALIZABLE,
}


class Rows(list):
    """Rows as dicts, by the names of the columns; `columns` has `name` and `kind`, what its values are (`any` where each row has its own)."""

    def __init__(self, columns, rows):
        super().__init__(_row(columns, row) for row in rows)
        self.columns = columns

    def all(self, of) -> list:
        """Each as a dataclass, by the names of its members. Their values are not checked."""
        return [_read(row, of) for row in self]

    def one(self, of=None):
        """The only row, as an `of` if it is given.

        Raises Fail if there is none or there are several.
        """
        row = self.at_most_one(of)
        if row is None:
            raise Fail("one row was expected, there is none")
        return row

    def at_most_one(self, of=None):
        """The only row, or None.

        Raises Fail if there are several.
        """
        if len(self) > 1:
            raise Fail(f"at most one row was expected, there are {len(self)}")
        return _read(self[0], of) if self else None

    def value(self):
        """The value of the only column of the only row."""
        row = self.one()
        if len(self.columns) != 1:
            raise Fail(f"one column was expected, there are {len(self.columns)}")
        return next(iter(row.values()))


def query(connection: str, statement: str, *parameters) -> Rows:
    """All rows, as many as the connection's limits allow.

    Raises faults with the code `not-granted`, `connection-unknown`, `connection-unusable`, `invoke-limit`, `unreachable`,
    `connection-busy`, `login-refused`, `denied`, `read-only`, `invalid-statement`, `invalid-parameter`, `constraint`,
    `conflict` (a deadlock, or a transaction that has to be tried again), `statement-timeout`, `too-many-rows`, `too-large`,
    `unsupported-type` or `connection-lost` (it may have been done).
    """
    rows = _tried(bus.sql.query, connection, statement, [to_bus(each) for each in parameters])
    return Rows(rows.columns, rows.rows)


def execute(connection: str, statement: str, *parameters) -> int:
    """How many rows it changed."""
    return _tried(bus.sql.execute, connection, statement, [to_bus(each) for each in parameters])


def cursor(connection: str, statement: str, *parameters, batch: int = BATCH_ROWS) -> "Cursor":
    """Rows that are read in batches, from one connection that is this call's own until the `with` ends."""
    return Cursor(_tried(bus.sql.open, connection, statement, [to_bus(each) for each in parameters]), batch)


def transaction(connection: str, *, read_only: bool = False, isolation: str | None = None) -> "Transaction":
    """Statements that take effect together: `with sql.transaction("stock") as tx` commits at its end, and rolls back if
    anything is raised. `isolation` is `read-committed`, `repeatable-read` or `serializable`.

    This is past the call's unit of work: what is committed stays, whatever becomes of the call, and a call that is tried
    again does it again.
    """
    if isolation not in ISOLATIONS:
        raise ValueError(f"isolation {isolation!r}: allowed are {', '.join(filter(None, ISOLATIONS))}")
    return Transaction(_tried(bus.sql.begin, connection, bus.sql.Options(read_only, ISOLATIONS[isolation])))


class Cursor:
    """Iterates over rows as dicts. At the end of the `with`, the rest is not read."""

    def __init__(self, inner, batch: int):
        self._inner = inner
        self._batch = batch
        self.columns = inner.columns()

    def __iter__(self):
        while rows := _tried(self._inner.next, self._batch):
            yield from (_row(self.columns, row) for row in rows)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self._inner.__exit__(None, None, None)


class Transaction:
    """Within `with sql.transaction(…)`."""

    def __init__(self, inner):
        self._inner = inner

    def query(self, statement: str, *parameters) -> Rows:
        rows = _tried(self._inner.query, statement, [to_bus(each) for each in parameters])
        return Rows(rows.columns, rows.rows)

    def execute(self, statement: str, *parameters) -> int:
        return _tried(self._inner.execute, statement, [to_bus(each) for each in parameters])

    def __enter__(self):
        return self

    def __exit__(self, kind, *raised):
        try:
            if kind is None:
                _tried(self._inner.commit)
        finally:
            # What was not committed is rolled back.
            self._inner.__exit__(None, None, None)


def _row(columns, values) -> dict:
    return {column.name: of_bus(value) for column, value in zip(columns, values, strict=True)}


def _read(row: dict, of):
    if of is None:
        return row
    if not is_dataclass(of):
        raise TypeError(f"rows are read as dataclasses, not as {of}")
    try:
        return of(**{field.name: row[field.name] for field in fields(of) if field.name in row})
    except TypeError as error:
        raise Fail(f"the row is no {of.__name__}: {error}; its columns are {', '.join(row)}") from None


def _tried(function, *arguments):
    try:
        return function(*arguments)
    except Err as error:
        raise received(error.value) from None
