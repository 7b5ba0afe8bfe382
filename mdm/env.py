"""Typed readers of environment variables: every setting comes in through one of these."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


class WrongSetting(Exception):
    """An environment variable is missing or unreadable; the message names it and the way out."""


def text(name: str, default: str = "") -> str:
    """The variable's value without outer blanks, or the default where it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Yes or no: 1/true/yes/on and 0/false/no/off. Raises WrongSetting for any other word."""
    word = text(name, "1" if default else "0").lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise WrongSetting(f"{name} is {word!r}: write 1 or 0")


def integer(name: str, default: int) -> int:
    """A whole number. Raises WrongSetting where the text is none."""
    word = text(name, str(default))
    try:
        return int(word)
    except ValueError as error:
        raise WrongSetting(f"{name} is {word!r}: write a whole number") from error


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without blanks and empty places."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str, *, fallback: Path | None = None, optional: bool = False) -> str:
    """A secret from the variable, else from the file `<name>_FILE` names, else from `fallback`.

    Guarantees a non-empty text, unless it is `optional`. Raises WrongSetting where none of the three gives one.
    """
    if value := text(name):
        return value
    file = Path(text(f"{name}_FILE")) if text(f"{name}_FILE") else fallback
    if file is not None and file.is_file() and (value := file.read_text().strip()):
        return value
    if optional:
        return ""
    raise WrongSetting(
        f"{name} is not set: give it as {name}, as a file named by {name}_FILE, "
        f"or start through `make run` or `manage.py`, which make one"
    )


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a `postgresql://` URL; `?host=` may name a socket folder.

    Further query parameters go to libpq as they are. Raises WrongSetting for another scheme or no name.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise WrongSetting("DATABASE_URL must begin with postgresql://")
    options = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise WrongSetting("DATABASE_URL names no database: write postgresql://user:password@host:5432/assay")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": options.pop("port", None) or (str(parts.port) if parts.port else ""),
        "OPTIONS": options,
    }


def email(url: str, folder: Path) -> dict[str, Any]:
    """Django's EMAIL_ settings for `smtp://user:password@host:port`; `smtps://` and `smtp+tls://` encrypt.

    Without an address mails are files in the folder. Raises WrongSetting for anything else.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder)}
    ports = {"smtp": 25, "smtps": 465, "smtp+tls": 587}
    parts = urlsplit(url)
    if parts.scheme not in ports or not parts.hostname:
        raise WrongSetting("ASSAY_EMAIL_URL is written smtp://, smtps:// or smtp+tls://user:password@host:port")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }
