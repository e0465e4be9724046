"""Opens the database of feedback: makes and migrates its tables, lets nobody change a row, waits for other writers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc

Store = str | Path
T = TypeVar("T")
FORMAT = 2  # 1 lacked the conversation before a question, imported prompts and the record of exports
_WAIT_S = 30.0  # for another writer; each write takes milliseconds
# What format 2 added to the table of format 1.
_ADDED = ("history", "prompt")
_FORMATS = sa.Table("feedback_format", sa.MetaData(), sa.Column("version", sa.Integer, nullable=False))
_POSTGRES_LOCK = 728_341  # any number that nobody else takes: makers of the tables wait for one another


def write(store: Store, tables: sa.MetaData, work: Callable[[sa.Connection], T]) -> T:
    """Does `work` in one transaction, again when another writer was in the way.

    SQLite does not wait for the change to WAL nor for the last reader's clean-up, whatever the timeout; a write
    that failed left nothing behind, so that the whole of it can be tried again.
    """
    url = url_of(store)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + _WAIT_S
    while True:
        try:
            with _open(url) as connection:
                _prepare(connection, tables)
                with _begun(connection, "BEGIN IMMEDIATE"):
                    return work(connection)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise
            time.sleep(random.uniform(0.01, 0.05))


def read(store: Store, table: str, work: Callable[[sa.Connection], T]) -> T | None:
    """What `work` finds; None where there is no store, or no such table in it, yet."""
    url = url_of(store)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return None
    with _open(url) as connection, _begun(connection, "BEGIN"):
        if not sa.inspect(connection).has_table(table):
            return None
        _refuse_later(_version(connection))
        return work(connection)


def url_of(store: Store) -> sa.URL:
    """A path as the URL of an SQLite file; a URL as it is. Raises ValueError."""
    if "://" not in str(store):
        # The whole path: an engine that is kept would go on with the folder in which it was made.
        return sa.URL.create("sqlite", database=str(Path(store).absolute()))
    try:
        url = sa.make_url(str(store))
    except (exc.ArgumentError, ValueError):
        raise ValueError(
            "The feedback store is no database URL; give a file, or one such as postgresql+psycopg://user@host/name."
        ) from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError(f"{url} keeps nothing; name a file: sqlite:///build/feedback.sqlite3.")
    if url.get_backend_name() == "sqlite":
        return url.set(database=str(Path(str(url.database)).absolute()))
    return url


@lru_cache(maxsize=8)
def _engine(url: sa.URL) -> sa.Engine:
    """Connections are closed after use: a forked process must not share one, a file must not stay open."""
    sqlite = url.get_backend_name() == "sqlite"
    # Autocommit in the driver: the event below begins, so that a writer takes its lock at BEGIN and not half-way.
    options: dict[str, Any] = {"timeout": _WAIT_S, "isolation_level": None} if sqlite else {}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
    except exc.NoSuchModuleError:
        raise ValueError(
            f"No database is called {url.drivername!r}; choose sqlite, postgresql+psycopg, mysql+pymysql, ..."
        ) from None
    except ModuleNotFoundError as error:
        raise ImportError(f"{url.drivername} needs {error.name}: pip install {error.name}") from error
    if sqlite:
        event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def _begun(connection: sa.Connection, statement: str) -> Iterator[None]:
    """A transaction that SQLite begins with `statement`; other databases have one way to begin."""
    with connection.execution_options(begin=statement).begin():
        yield


def _begin(connection: sa.Connection) -> None:
    if statement := connection.get_execution_options().get("begin"):
        connection.exec_driver_sql(statement)


@contextmanager
def _open(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection whose errors are one line; the URL is named without its password."""
    name = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    try:
        with _engine(url).connect() as connection:
            yield connection
    except exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        if not isinstance(error, (exc.OperationalError, exc.InterfaceError)):
            raise ValueError(f"{name} is no feedback file ({reason}); move it away and try again.") from error
        if "locked" in reason or "busy" in reason:
            raise BlockingIOError(f"{name} is being written by others ({reason}); try again.") from error
        hint = "is the folder writable?" if url.get_backend_name() == "sqlite" else "is the server running?"
        raise OSError(f"Feedback could not be kept in {name}: {reason}; {hint}") from error


def _prepare(connection: sa.Connection, tables: sa.MetaData) -> None:
    """Makes or migrates the tables once; a store of a later version is refused rather than half understood."""
    with _begun(connection, "BEGIN"):
        version = _version(connection)
    _refuse_later(version)
    if version == FORMAT:
        return
    if connection.dialect.name == "sqlite":
        with _begun(connection, ""):  # a transaction cannot change this
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
    with _begun(connection, "BEGIN IMMEDIATE"):  # another writer may have been first: all may be done twice
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
        tables.create_all(connection)
        _migrate(connection)
        for statement in append_only(connection.dialect.name, list(tables.tables)):
            connection.exec_driver_sql(statement)
        _set_version(connection)


def _migrate(connection: sa.Connection) -> None:
    there = {column["name"] for column in sa.inspect(connection).get_columns("feedback")}
    for name in _ADDED:
        if name not in there:
            connection.exec_driver_sql(f"ALTER TABLE feedback ADD COLUMN {name} TEXT NOT NULL DEFAULT '[]'")


def append_only(dialect: str, tables: Sequence[str]) -> list[str]:
    """Statements after which the database itself refuses to change or delete a row.

    SQLite and PostgreSQL 14 or later; elsewhere only this program keeps to it. That of PostgreSQL was never run.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{act.lower()} BEFORE {act} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'feedback is append-only'); END"
            for table in tables
            for act in ("UPDATE", "DELETE")
        ]
    if dialect == "postgresql":
        return [
            "CREATE OR REPLACE FUNCTION feedback_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'feedback is append-only'; END $$",
            *(
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION feedback_append_only()"
                for table in tables
            ),
        ]
    return []


def _version(connection: sa.Connection) -> int:
    """The format of the store; 0 where nothing was made yet."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if not sa.inspect(connection).has_table(_FORMATS.name):
        return 0
    return int(connection.execute(sa.select(sa.func.max(_FORMATS.c.version))).scalar() or 0)


def _set_version(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version={FORMAT}")
        return
    _FORMATS.create(connection, checkfirst=True)
    if _version(connection) < FORMAT:
        connection.execute(_FORMATS.insert().values(version=FORMAT))


def _refuse_later(version: int) -> None:
    if version > FORMAT:
        raise ValueError(
            f"The feedback store has format {version}, this program reads and writes {FORMAT}; update the program."
        )
