"""The page of a receiver: what it holds, what it was told, and its switch."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from demo.receivers.receiver import MODES, Receiver

FOLDER = Path(__file__).parent
SHORT = {"up": "Up", "slow": "Slow", "rejecting": "Rejecting", "doubting": "Doubting", "down": "Down"}


@cache
def _template() -> Template:
    return Template((FOLDER / "page.html").read_text())


@cache
def _style() -> str:
    return (FOLDER / "page.css").read_text()


def page(receiver: Receiver, query: Mapping[str, str]) -> str:
    """The whole page as HTML; every value from outside is escaped."""
    search, domain = query.get("q", ""), query.get("domain", "")
    mode = receiver.ledger.mode()
    return _template().substitute(
        name=escape(receiver.character.name),
        line=escape(receiver.character.line),
        colour=receiver.character.colour,
        style=_style(),
        mode=mode,
        means=MODES[mode],
        search=escape(search),
        domain=escape(domain),
        switches="".join(_switch(one, mode) for one in MODES),
        figures=_figures(receiver),
        domains=_domains(receiver, search, domain),
        records=_records(receiver, search, domain),
        calls=_calls(receiver),
    )


def _switch(mode: str, current: str) -> str:
    pressed = "true" if mode == current else "false"
    return f'<button name="mode" value="{mode}" aria-pressed="{pressed}" title="{MODES[mode]}">{SHORT[mode]}</button>'


def _figures(receiver: Receiver) -> str:
    totals = receiver.ledger.totals()
    held = sum(receiver.ledger.counts().values())
    pairs = (("Records held", held), ("Redirects", totals["redirects"]), ("Messages taken", totals["messages"]),
             ("Calls refused", totals["refused"]))  # fmt: skip
    return "".join(f"<div><dt>{label}</dt><dd>{value:,}</dd></div>" for label, value in pairs)


def _domains(receiver: Receiver, search: str, current: str) -> str:
    counts = receiver.ledger.counts()
    choices = [("", "All", sum(counts.values()))] + [(name, _label(name), count) for name, count in counts.items()]
    return "".join(
        f'<a href="/?{escape(urlencode({"q": search, "domain": name}))}"'
        f"{' aria-current=true' if name == current else ''}>{escape(label)} <b>{count:,}</b></a>"
        for name, label, count in choices
    )


def _records(receiver: Receiver, search: str, domain: str) -> str:
    rows = receiver.ledger.newest(search, domain)
    if not rows:
        return (
            '<tr><td colspan="6" class="empty">Nothing here yet. Records appear the moment Assay sends them.</td></tr>'
        )
    return "".join(
        f'<tr class="{escape(row["state"])}">'
        f'<td><a href="/records/{escape(row["id"])}" class="local">{escape(row["local_id"])}</a></td>'
        f"<td>{_subject(row)}</td><td>{escape(_label(row['domain']))}</td><td>{escape(row['code'])}</td>"
        f'<td class="number">{row["version"]}</td><td>{_time(row["changed_at"])}</td></tr>'
        for row in rows
    )


def _subject(row: sqlite3.Row) -> str:
    title = f"<strong>{escape(row['title'] or row['code'])}</strong>"
    if row["state"] == "merged":
        into = row["into_title"] or row["merged_into"]
        local = f"{row['into_id']} " if row["into_id"] else ""
        return f'{title}<span class="redirect">&rarr; {escape(local)}{escape(into)}</span>'
    if row["state"] in ("retired", "pending"):
        return f'{title} <span class="mark">{"retired" if row["state"] == "retired" else "withdrawn"}</span>'
    return title


def _calls(receiver: Receiver) -> str:
    rows = receiver.ledger.calls()
    if not rows:
        return '<li class="empty">No call yet.</li>'
    return "".join(
        f'<li><span class="code c{row["code"] // 100}">{row["code"]}</span>'
        f'<span class="call"><strong>{escape(row["subject"] or row["what"])}</strong> {escape(row["note"])}'
        f"<small>{escape(row['verified'] or 'not verified')} · {escape(row['what'])}</small></span>"
        f"{_time(row['at'])}</li>"
        for row in rows
    )


def _label(domain: str) -> str:
    return domain.replace("_", " ").capitalize()


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return f'<time datetime="{escape(text)}" title="{moment:%Y-%m-%d %H:%M:%S} UTC">{moment:%H:%M:%S}</time>'
