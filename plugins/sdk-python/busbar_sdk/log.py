"""The log of the bus, which adds correlation id, plugin and service: `log.info("sent", order=id)`.

What the standard `logging` is given goes there too, and so do `print` and standard error.
"""

import logging

from .host import bus


def trace(message: str, **fields):
    _write("TRACE", message, fields)


def debug(message: str, **fields):
    _write("DEBUG", message, fields)


def info(message: str, **fields):
    _write("INFO", message, fields)


def warn(message: str, **fields):
    _write("WARN", message, fields)


def error(message: str, **fields):
    _write("ERROR", message, fields)


def _write(level: str, message: str, fields: dict):
    pairs = [(name, str(value)) for name, value in fields.items()]
    bus.log.write(getattr(bus.log.Level, level), message, pairs)


class _ToTheBus(logging.Handler):
    def emit(self, record: logging.LogRecord):
        known = ["ERROR", "WARN", "INFO", "DEBUG"]
        bounds = [logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG]
        level = next((name for name, bound in zip(known, bounds) if record.levelno >= bound), "TRACE")
        _write(level, self.format(record), {"logger": record.name})


logging.basicConfig(level=logging.INFO, handlers=[_ToTheBus()], format="%(message)s")
