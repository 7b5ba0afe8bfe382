"""The queue of all work: one statement over everything that waits, filtered, in order, paged by place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.urls import NoReverseMatch, reverse

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.spec import Domain
from mdm.work import COLUMNS, WorkKind, kinds
from stewardship.asked import AGES, BANDS, ME, NOBODY, QUESTIONS, Filters
from stewardship.models import Allowance
from stewardship.requests import person
from stewardship.work.places import CONCERNED

PAGE = 50
# Reasons that tell how colleagues' opinions of a question stand.
SAID = frozenset({"differ", "asked", "agree", "given"})
# A clock stops while work is put off; it is late again by its first moment when it comes back.
_WORK = """
work AS (
    SELECT i.*, a.assignee_id,
           CASE WHEN greatest(i.parked_until, a.parked_until) > now()
                THEN greatest(i.parked_until, a.parked_until) END AS away,
           coalesce(i.until, i.since + i.hours * interval '1 hour') AS due,
           CASE {bands} ELSE '' END AS band,
           coalesce(a.assignee_id = %(me)s, false) OR i.holder = %(my_name)s
               OR (i.kind IN {questions} AND i.key IN (SELECT candidate_id::text FROM stewardship_opinion
                   WHERE person_id = %(me)s AND given_at IS NULL AND withdrawn_at IS NULL)) AS mine
    FROM item i LEFT JOIN stewardship_arrangement a ON a.kind = i.kind AND a.key = i.key
)
""".replace(
    "{bands}",
    " ".join(f"WHEN score >= {low} AND score < {below} THEN '{name}'" for name, (_, low, below) in BANDS.items()),
).replace("{questions}", str(QUESTIONS))
AGE = "CASE {} END".format(
    " ".join(
        f"WHEN since > now() - interval '{below} days' THEN '{name}'" for name, (_, _, below) in list(AGES.items())
    )
)
CLOCK = """CASE WHEN due <= now() THEN 'late' WHEN due - now() < (due - since) / 4 THEN 'soon' ELSE 'fine' END"""
# The numbers questions are drawn by, as stewardship.queue draws them.
_LOT = "mod(key::bigint * 2654435761, 4294967296) / 4294967296.0::float8"
_PLACE = "mod(key::bigint * 1597334677, 4294967296) / 4294967296.0::float8"
RANKS: Mapping[str, str] = {
    "surest": "CASE WHEN kind = 'misfits' THEN score - 1 ELSE -score END",  # of those the one that fits least
    "due": "extract(epoch FROM coalesce(away, due))::float8",
    "oldest": "extract(epoch FROM since)::float8",
    "newest": "-extract(epoch FROM since)::float8",
    "teaches": f"-(CASE WHEN {_LOT} < 0.1 THEN {_PLACE} WHEN {_LOT} < 0.3 THEN score ELSE 1 - abs(2 * score - 1) END)",
}


# Shorter keys first, so that numbers come in their order, as they do where one question follows another.
_ORDER = "not_mine, rank, kind, length(key), key"
_SHOWN = "kind, key, domain, since, due, away, score, band, reason, holder, assignee_id, mine"
_NAMED = """coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, '') AS assignee,
       (SELECT count(*) FROM stewardship_comment c WHERE c.kind = found.kind AND c.key = found.key) AS comments"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One piece of work as the list shows it. ``away`` is until when it is put off, ``clock`` how its time stands."""

    kind: WorkKind
    key: str
    domain: str
    since: datetime
    due: datetime
    away: datetime | None
    clock: str
    score: float | None
    band: str
    reason: str
    holder: str
    assignee_id: int | None
    assignee: str
    mine: bool
    comments: int
    place: str
    titles: Sequence[str] = ()
    codes: Sequence[str] = ()
    why: str = ""
    address: str = ""

    @property
    def sampled(self) -> bool:
        """Whether it is asked in order to measure."""
        return self.reason == "sampled"

    @property
    def brought(self) -> str:
        """That a person brought it who does not decide such work, in words; "" for all other work."""
        return {"reported": "Reported", "suggested": "Suggested"}.get(self.reason, "")

    @property
    def opinions(self) -> str:
        """How the opinions of colleagues stand, in words; "" where nobody gave or was asked one."""
        return (self.kind.reasons or {}).get(self.reason, "") if self.reason in SAID else ""

    @property
    def name(self) -> str:
        """What forms call it."""
        return f"{self.kind.name}:{self.key}"

    @property
    def declared(self) -> Domain | None:
        """The domain it belongs to, if it belongs to one."""
        return BY_NAME.get(self.domain)


@dataclass(frozen=True)
class Page:
    """Work in the order asked for, and the place after the last one, "" at the end."""

    rows: Sequence[Work]
    next: str


@dataclass
class Statement:
    """The common table expressions of everything that fits what is not counted, with their parameters."""

    with_: str
    where: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def narrowed(self) -> str:
        """All conditions as one."""
        return " AND ".join(self.where) or "true"

    def keys(self) -> tuple[str, list[Any]]:
        """A statement that selects the numbers of what fits, with its parameters in order."""
        asked: list[Any] = []

        def place(found: re.Match[str]) -> str:
            asked.append(self.given[found[1]])
            return "%s"

        sql = re.sub(r"%\((\w+)\)s", place, f"WITH {self.with_} SELECT key::bigint FROM work WHERE {self.narrowed}")
        return sql, asked


def allowed_hours() -> dict[str, int]:
    """{kind: hours its work may wait}. One query."""
    return {kind.name: kind.hours for kind in kinds().values()} | dict(Allowance.objects.values_list("kind", "hours"))


def statement(filters: Filters, user: User, *, hours: Mapping[str, int] | None = None) -> Statement:
    """Everything that waits, as ``work``; only facility and source are conditions yet. One query for the hours."""
    allowed = hours or allowed_hours()
    asked = [kind for kind in kinds().values() if filters.kind in ("", kind.name)]
    if filters.order == "teaches":
        asked = [kind for kind in asked if kind.name in QUESTIONS] or [kinds()[QUESTIONS[0]]]
    items = " UNION ALL ".join(
        f"SELECT '{kind.name}'::text AS kind, {allowed[kind.name]} AS hours, {', '.join(COLUMNS)} FROM ({kind.rows}) x"
        for kind in asked
    )
    made = Statement(f"item AS ({items}), {_WORK}", given={"me": user.pk, "my_name": person(user).name})
    for number, codes in enumerate(code for code in (filters.legal, filters.facility) if code):
        text = CONCERNED.replace("%(places)s", f"%(places{number})s")
        made.with_ = f"concerned{number} AS ({text}), {made.with_}"
        made.given[f"places{number}"] = [codes.upper()]
        made.where.append(_about(asked, f"SELECT record_id FROM concerned{number}"))
    if filters.source:
        held = (
            "SELECT l.record_id FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id "
            "JOIN mdm_sourcesystem y ON y.id = s.system_id WHERE l.ended_at IS NULL AND y.code = %(source)s"
        )
        made.given["source"] = filters.source
        own = "system_id IN (SELECT id FROM mdm_sourcesystem WHERE code = %(source)s)"
        made.where.append(f"({own} OR {_about(asked, held)})")
    return made


def _about(asked: Sequence[WorkKind], records: str) -> str:
    """A condition: the work is about one of these records, by itself or by its members."""
    many = [
        f"(kind = '{kind.name}' AND key IN (SELECT key FROM ({kind.members}) m WHERE m.record_id IN ({records})))"
        for kind in asked
        if kind.members
    ]
    return f"({' OR '.join([f'record_id IN ({records})', *many])})"


def chosen(filters: Filters, user: User, *, hours: Mapping[str, int] | None = None) -> Statement:
    """Everything that fits all filters, as ``work`` under the conditions in ``where``."""
    made = statement(filters, user, hours=hours)
    made.where.append("away IS NOT NULL" if filters.parked else "away IS NULL")
    for column, value in (("domain", filters.domain), ("band", filters.band), ("reason", filters.reason)):
        if value:
            made.where.append(f"{column} = %({column})s")
            made.given[column] = value
    for condition, value in ((AGE, filters.age), (CLOCK, filters.due)):
        if value:
            made.where.append(f"{condition} = '{value}'")
    if filters.mine:
        made.where.append("mine")
    if filters.assignee == NOBODY:
        made.where.append("assignee_id IS NULL")
    elif filters.assignee:
        made.where.append("assignee_id = (SELECT id FROM auth_user WHERE username = %(assignee)s)")
        made.given["assignee"] = user.get_username() if filters.assignee == ME else filters.assignee
    if filters.order == "teaches":
        made.where.append("score IS NOT NULL")
    return made


def page(filters: Filters, user: User, *, after: str = "", limit: int = PAGE) -> Page:
    """Work in the order asked for, one's own first, from the place ``after``; three queries whatever the size."""
    made = chosen(filters, user)
    order = filters.order or ("surest" if filters.of_questions else "due")
    if after:
        made.given |= dict(zip(("at_mine", "at_rank", "at_kind", "at_key"), _read_place(after), strict=True))
        made.where.append(
            "(not_mine, rank, kind, length(key), key) > "
            "(%(at_mine)s, %(at_rank)s, %(at_kind)s, length(%(at_key)s), %(at_key)s)"
        )
    sql = f"""
WITH {made.with_}, ranked AS (SELECT *, {CLOCK} AS clock, (NOT mine)::int AS not_mine, {RANKS[order]} AS rank FROM work)
SELECT {_SHOWN}, clock, not_mine, rank, {_NAMED}
FROM (SELECT * FROM ranked WHERE {made.narrowed} ORDER BY {_ORDER} LIMIT {limit + 1}) found
LEFT JOIN auth_user u ON u.id = assignee_id ORDER BY {_ORDER}
"""
    with connection.cursor() as cursor:
        cursor.execute(sql, made.given)
        found = _rows(cursor)
    rows = detailed([_work(row) for row in found[:limit]])
    return Page(rows, rows[-1].place if len(found) > limit else "")


def one(kind: str, key: str, user: User) -> Work | None:
    """One piece of work that waits, put off or not; None where it does not wait."""
    made = statement(Filters(kind=kind), user)
    sql = f"""
WITH {made.with_} SELECT {_SHOWN}, {CLOCK} AS clock, 0 AS not_mine, 0 AS rank, {_NAMED}
FROM work found LEFT JOIN auth_user u ON u.id = assignee_id WHERE key = %(key)s
"""
    with connection.cursor() as cursor:
        cursor.execute(sql, made.given | {"key": key})
        found = [_work(row) for row in _rows(cursor)]
    return detailed(found)[0] if found else None


def names_of(filters: Filters, user: User, *, most: int) -> list[tuple[str, str]]:
    """(kind, key) of everything that fits, at most so many and one more."""
    made = chosen(filters, user)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {made.with_} SELECT kind, key FROM work WHERE {made.narrowed} LIMIT {most + 1}", made.given
        )
        return [(kind, key) for kind, key in cursor.fetchall()]


def _rows(cursor: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _work(row: Mapping[str, Any]) -> Work:
    place = f"{row['not_mine']}_{float(row['rank'])!r}_{row['kind']}_{row['key']}"
    kept = {name: row[name] for name in Work.__dataclass_fields__ if name in row and name not in ("kind", "holder")}
    return Work(**kept, kind=kinds()[row["kind"]], holder=row["holder"] or "", place=place)


def detailed(rows: Sequence[Work]) -> list[Work]:
    """The same with what people read of them and the address of their pages. One query, none for an empty list."""
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row.kind.name, []).append(row.key)
    if not keys:
        return []
    given = {f"keys_{name}": found for name, found in keys.items()}
    sql = " UNION ALL ".join(
        f"SELECT '{name}', d.key, d.titles, d.codes, d.why, d.place, d.query FROM "
        f"({kinds()[name].details.replace('%(keys)s', f'%(keys_{name})s')}) d"
        for name in keys
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = {(kind, key): rest for kind, key, *rest in cursor.fetchall()}
    return [_told(row, found.get((row.kind.name, row.key))) for row in rows]


def _told(row: Work, found: Sequence[Any] | None) -> Work:
    if found is None:
        return row
    titles, codes, why, place, query = found
    try:
        address = reverse(row.kind.page, args=[_typed(one) for one in place]) + (f"?{query}" if query else "")
    except NoReverseMatch:
        address = ""
    told = {"titles": [title or "" for title in titles or ()], "codes": codes or (), "why": why or ""}
    return Work(**{name: getattr(row, name) for name in Work.__dataclass_fields__} | told | {"address": address})


def _typed(text: str) -> Any:
    try:
        return UUID(text) if len(text) == 36 else text
    except ValueError:
        return text


def _read_place(place: str) -> tuple[int, float, str, str]:
    mine, rank, kind, key = (*place.split("_", 3), "", "", "", "")[:4]
    try:
        if kind not in kinds() or "\x00" in key:
            raise ValueError
        return int(mine), float(rank), kind, key
    except ValueError:
        raise Invalid("This place in the queue is not one of ours.", "Start at the top.") from None
