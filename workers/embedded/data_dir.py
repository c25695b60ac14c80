"""The data folder: its access rights, its servers' user, its secrets and its `ken.env`."""

import fcntl
import hashlib
import os
import pwd
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from workers.errors import InputInvalid, ServerUnavailable

LONGEST_SOCKET = 107
"""The most bytes of a unix socket's path, `unix(7)`."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The operating-system user of a server. PostgreSQL refuses root; root uses `nobody`."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    """Goes before the command if root must look like `nobody` through a user namespace."""

    def command(self, *words: str | Path) -> list[str]:
        return [*self.prefix, *map(str, words)]

    def popen_arguments(self) -> dict[str, Any]:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        return self._succeeds("test", "-x", folder)

    def can_run(self, program: Path) -> bool:
        return self._succeeds(program, "--version")

    def _succeeds(self, *words: str | Path) -> bool:
        command = self.command(*words)
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, check=False, **self.popen_arguments()
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def system_user_for(data_dir: Path, program: Path) -> SystemUser:
    """Return the user to run `program` as. Raises ServerUnavailable if PostgreSQL accepts none.

    PostgreSQL refuses root, and a user without a name (as in `docker run --user 1234`). Root uses
    the user `nobody`. If that user cannot reach the folder (a clone under /root, mode 0700), or the
    user has no name, a user namespace makes us look like `nobody` without any additional right.
    """
    mapping = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    us = SystemUser(os.geteuid(), os.getegid())
    if us.uid != 0 and _has_name(us.uid):
        return us
    mapped = SystemUser(us.uid, us.gid, mapping)
    for system_user in (_nobody(), mapped) if us.uid == 0 else (mapped,):
        if system_user.can_enter(data_dir) and system_user.can_run(program):
            return system_user
    raise ServerUnavailable(
        f"PostgreSQL does not run as user {us.uid}, and the user nobody cannot reach {data_dir} and"
        f" {program}",
        remedy="Run Ken as an ordinary user of this machine, or move it and its data folder out of"
        " folders that are closed to others, such as /root.",
    )


def prepare_data_dir(data_dir: Path) -> None:
    """Create the data folder and the folders in it. Raises InputInvalid if that fails.

    Root's data folder may be entered but not listed (0711): its servers run as `nobody` and have
    folders of their own there. Secrets are in files of mode 0600, or in a folder of mode 0700.
    """
    entered = 0o711 if os.geteuid() == 0 else 0o700
    try:
        _make_folder(data_dir, entered)
        for name, mode in (("run", entered), ("logs", 0o700), ("secrets", 0o700)):
            _make_folder(data_dir / name, mode)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputInvalid(
            f"{error.filename} is not a folder", remedy="Name another data folder in KEN_HOME."
        ) from error
    except OSError as error:
        raise _unusable(data_dir, error) from error


@contextmanager
def locked(data_dir: Path, name: str) -> Iterator[None]:
    """Hold a lock that one process can have at a time; a crash releases it."""
    try:
        lock = (data_dir / "run" / f"{name}.lock").open("a")
    except OSError as error:
        raise _unusable(data_dir, error) from error
    with lock as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str, system_user: SystemUser | None = None) -> None:
    """Write a file of mode 0600, completely or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if system_user and system_user.uid != os.geteuid():
                os.fchown(descriptor, system_user.uid, system_user.gid)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def hand_over(folder: Path, system_user: SystemUser) -> None:
    """Create the folder with mode 0700, or give it to the user that uses it now."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == system_user.uid:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, system_user.uid, system_user.gid, follow_symlinks=False)


def generated_secret(data_dir: Path, name: str) -> str:
    """Return the data folder's secret of that name; it is generated at the first call."""
    path = data_dir / "secrets" / name
    with locked(data_dir, "secrets"):
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32) + "\n")
    return stored_secret(data_dir, name)


def stored_secret(data_dir: Path, name: str) -> str:
    """Return a secret that must exist. Raises ServerUnavailable if it does not."""
    try:
        return (data_dir / "secrets" / name).read_text().strip()
    except OSError as error:
        raise ServerUnavailable(
            f"{error.filename} has no password",
            remedy="Run `ken up`. If the servers ran before, restore that file from a backup.",
        ) from error


def write_env(data_dir: Path, values: Mapping[str, str]) -> None:
    """Add or change lines of `ken.env`, completely or not at all; all others stay as they are."""
    data_dir = data_dir.expanduser().resolve()
    prepare_data_dir(data_dir)
    with locked(data_dir, "env"):
        _write_env(data_dir / "ken.env", values)


def generated_env(data_dir: Path, names: list[str]) -> dict[str, str]:
    """Return those settings of `ken.env`; missing ones are generated and written first."""
    with locked(data_dir, "env"):
        found = read_env(data_dir)
        new = {name: secrets.token_urlsafe(32) for name in names if name not in found}
        if new:
            _write_env(data_dir / "ken.env", new)
    return {name: (found | new)[name] for name in names}


def read_env(data_dir: Path) -> dict[str, str]:
    """Return the settings of `ken.env`, without empty ones."""
    found = dotenv_values(data_dir / "ken.env", interpolate=False)
    return {name: value for name, value in found.items() if value}


def socket_folder(data_dir: Path) -> Path:
    """Return the folder of the sockets, with a short path. Once used, it stays the same."""
    name = "ken-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    try:
        used = Path((data_dir / "run" / "sockets").read_text().strip())
    except OSError:
        return Path(tempfile.gettempdir()) / name
    return used.parent / name  # another name means that the data folder was copied or moved


def make_socket_folder(data_dir: Path, system_user: SystemUser) -> Path:
    """Create the folder of the sockets; refuse one that another user may have made."""
    wanted = socket_folder(data_dir)
    for base in (wanted.parent, Path(tempfile.gettempdir()), Path("/tmp")):
        folder = base / wanted.name
        length = len(os.fsencode(folder / "pg" / ".s.PGSQL.5432"))
        if length <= LONGEST_SOCKET and os.access(base, os.W_OK) and system_user.can_enter(base):
            break
    else:
        raise ServerUnavailable(
            "the paths of all temporary folders are too long for a socket",
            remedy="Set TMPDIR to a folder of your own with a path of fewer than 60 characters.",
        )
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServerUnavailable(
            f"{folder} belongs to another user, so a socket in it would not be safe",
            remedy="Ask for it to be removed, or set TMPDIR to a folder of your own.",
        )
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    write_private(data_dir / "run" / "sockets", f"{folder}\n")
    return folder


def _make_folder(folder: Path, mode: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=mode)
        folder.chmod(mode)  # regardless of the umask
    if not folder.is_dir():
        raise FileExistsError(0, "not a folder", str(folder))
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise InputInvalid(
            f"{folder} belongs to user {found.st_uid}, and Ken runs as {os.geteuid()}",
            remedy="Run Ken as that user, or name another data folder in KEN_HOME.",
        )
    if found.st_mode & 0o022:
        folder.chmod(found.st_mode & 0o755)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(0, "it is not writable", str(folder))


def _unusable(data_dir: Path, error: OSError) -> InputInvalid:
    return InputInvalid(
        f"the data folder {data_dir} cannot be used: {error.strerror}",
        remedy="Name a folder that you may write to, in KEN_HOME, on a disk with space left.",
    )


def _write_env(path: Path, values: Mapping[str, str]) -> None:
    lines = path.read_text().splitlines() if path.exists() else ["# Holds secrets: mode 0600."]
    for name, value in values.items():
        line = f"{name}={_env_value(name, value)}"
        mentions = re.compile(rf"\s*(export\s+)?{name}\s*=").match
        places = [place for place, old in enumerate(lines) if mentions(old)]
        if places:
            lines[places[-1]] = line  # the last one counts
        else:
            lines.append(line)
    write_private(path, "\n".join(lines) + "\n")


def _env_value(name: str, value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise InputInvalid(f"{name!r} is not the name of a setting")
    if "${" in value or not value.isprintable():
        raise InputInvalid(f"{name}: a value in ken.env may not contain a line break or '${{'")
    if re.fullmatch(r"[\w./:@+%,-]*", value, re.ASCII):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def _nobody() -> SystemUser:
    """Return the system's user `nobody`, by its usual number if it has no entry."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return SystemUser(65534, 65534)
    return SystemUser(entry.pw_uid, entry.pw_gid)
