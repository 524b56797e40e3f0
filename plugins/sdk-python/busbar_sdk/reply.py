"""A typed output with a status and headers of its own."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Output = TypeVar("Output")


@dataclass
class Reply(Generic[Output]):
    """`-> Reply[Order]`, and in the function `return Reply(order, status=201, headers={"location": "/orders/1"})`."""

    output: Output
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
