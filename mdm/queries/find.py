"""Finding golden records by any name, code, identifier or source key."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Length, Upper

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.filters import bears, compact, identifier_candidates, typeable, words_of
from mdm.filters.fields import uuid_or_none
from mdm.models import GoldenRecord, GoldenState, Link, SourceSystem
from mdm.queries.shapes import Hit, SearchResult
from mdm.queries.values import holders

MOST_HITS = 200


def search(text: str, domains: Sequence[str] | None = None, *, limit: int = 50) -> SearchResult:
    """Records of all (or these) domains that bear the text: exact codes and identifiers first, then names.

    Blind to case and punctuation. Merged records are found and say where they went. Where nothing bears the text,
    similar spellings are offered.
    """
    names, limit = _domain_names(domains), min(limit, MOST_HITS)
    text = typeable(text)
    if not compact(text):
        return SearchResult([], more=False, near=False)
    exact = [*_by_code_or_identifier(text, names), *_by_key(text, names)]
    seen = {hit.id for hit in exact}
    named = _records(names).filter(bears(text)).exclude(pk__in=seen)
    found = _named(_ranked(named, text)[: limit + 1], text)
    near = not exact and not found
    if near:
        found = _similar(_records(names), text, limit)
    hits = [*exact, *found]
    return SearchResult(_with_redirects(hits[:limit]), more=len(hits) > limit, near=near and bool(hits))


def lookup(
    *,
    system: str = "",
    key: str = "",
    identifier: str = "",
    domains: Sequence[str] | None = None,
    also: Callable[[str, str], Sequence[UUID]] | None = None,
) -> Sequence[Hit]:
    """Records by a source system's own key, or by an identifier (``scheme:value`` or the value alone).

    ``also`` names records known to a system by that key in another way (a target's own ids).
    Answers the record that holds the facts now, merges followed: ``redirect`` then differs from the record found.
    Empty when nothing is known; Invalid when neither or both ways are asked.
    """
    system, key, identifier = typeable(system), typeable(key), typeable(identifier)
    by_key, by_identifier = bool(system or key), bool(identifier)
    if by_key == by_identifier or (by_key and not (system and key)):
        raise Invalid(
            "It is not clear what to look up.", "Give a system and a key, or an identifier alone.",
            [("system", "A system goes with a key."), ("identifier", "An identifier stands alone.")],
        )  # fmt: skip
    names = _domain_names(domains)
    if by_key:
        links = _links(names, [key]).filter(source_record__system__code=system)
        hits = [_hit(link.record, "key", key) for link in links]
        if also is not None and (known := also(system, key)):
            hits += [_hit(record, "key", key) for record in _records(names).filter(pk__in=known).order_by("code")]
    else:
        candidates = identifier_candidates(identifier, [BY_NAME[name] for name in names])
        hits = _hits_by(Q(identifiers__overlap=candidates), names, identifier)
    return _with_redirects(hits)


def _domain_names(domains: Sequence[str] | None) -> list[str]:
    unknown = [name for name in domains or () if name not in BY_NAME]
    if unknown:
        known = ", ".join(BY_NAME)
        raise Invalid("There is no such domain.", problems=[("domain", f"{unknown[0]} is none of {known}.")])
    return list(domains or BY_NAME)


def _records(names: Sequence[str]) -> QuerySet[GoldenRecord]:
    return GoldenRecord.objects.filter(domain__in=names)


def _by_code_or_identifier(text: str, names: Sequence[str]) -> list[Hit]:
    candidates = identifier_candidates(text, [BY_NAME[name] for name in names])
    asked = Q(code=text.upper()) | Q(identifiers__overlap=candidates)
    if by_id := uuid_or_none(text):
        asked |= Q(pk=by_id)
    return _hits_by(asked, names, text)


def _hits_by(asked: Q, names: Sequence[str], text: str) -> list[Hit]:
    found = _records(names).filter(asked).order_by("state", "code")[:MOST_HITS]
    return [_hit(record, "code" if record.code == text.upper() else "identifier", text) for record in found]


def _by_key(text: str, names: Sequence[str]) -> list[Hit]:
    systems = list(SourceSystem.objects.values_list("pk", flat=True))
    links = _links(names, sorted({text, text.upper()})).filter(source_record__system__in=systems)
    return [_hit(link.record, "key", link.source_record.key) for link in links[:MOST_HITS]]


def _links(names: Sequence[str], keys: Sequence[str]) -> QuerySet[Link]:
    """Open links of whole source records by key; naming every leading column lets the unique index answer."""
    return (
        Link.objects.filter(
            ended_at__isnull=True,
            source_record__domain__in=names,
            source_record__part="",
            source_record__key__in=keys,
        )
        .select_related("record", "source_record")
        .order_by("record__code")
    )


def _ranked(found: QuerySet[GoldenRecord], text: str) -> QuerySet[GoldenRecord]:
    """Living before merged, titles that begin with the text first, then the shortest."""
    return found.annotate(
        rank=Case(
            When(state=GoldenState.MERGED, then=Value(2)),
            When(title__istartswith=text, then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        )
    ).order_by("rank", Length("title"), "code")


def _similar(records: QuerySet[GoldenRecord], text: str, limit: int) -> list[Hit]:
    """Records with a word spelled much like the text, likest first."""
    spelled = text.upper()
    likeness = TrigramWordSimilarity(spelled, Upper("search_text"))
    with transaction.atomic(), connection.cursor() as cursor:
        # Two swapped letters cost a name half of its trigrams; the usual threshold of 0.6 would lose it.
        cursor.execute("SET LOCAL pg_trgm.word_similarity_threshold = 0.4")
        found = records.alias(upper=Upper("search_text")).filter(upper__trigram_word_similar=spelled)
        return _named(found.order_by(likeness.desc(), "code")[:limit], text)


def _named(found: Iterable[GoldenRecord], text: str) -> list[Hit]:
    words = words_of(text)
    return [_hit(record, "name", _line_with(words, record)) for record in found]


def _line_with(words: Sequence[str], record: GoldenRecord) -> str:
    """The searched line that bears most of the words: why the record was found."""
    lines = record.search_text.splitlines() or [record.title]
    return max(lines, key=lambda line: sum(word in line for word in words))


def _hit(record: GoldenRecord, why: str, matched: str) -> Hit:
    return Hit(record.pk, record.code, record.domain, record.state, record.title, why, matched)


def _with_redirects(hits: Sequence[Hit]) -> list[Hit]:
    """Each record once, merged ones with the record that holds their facts now."""
    first: dict[object, Hit] = {}
    for hit in hits:
        first.setdefault(hit.id, hit)
    onward = holders(hit.id for hit in first.values() if hit.state == GoldenState.MERGED)
    return [
        Hit(hit.id, hit.code, hit.domain, hit.state, hit.title, hit.why, hit.matched, onward[hit.id])
        if hit.id in onward
        else hit
        for hit in first.values()
    ]
