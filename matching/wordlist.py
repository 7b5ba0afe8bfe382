"""Words of names: what a record is found by where no key is equal, because a word is misspelt or only half typed.

Which words mean much is PostgreSQL's own knowledge: its statistics name those that many records bear.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from django.db import connection, transaction

from matching.comparisons import text_shares
from matching.features import Features
from mdm.spec import Domain, Matching

LONGEST, MOST = 40, 24
SHORTEST_BEGINNING = 3
# A name is only one of several thousand alike where more records than this bear its word.
COMMON = 1000
READ = 500  # records read to find those with the fewest words
# Of words spelled alike: how many letters in order they share, and how many of them are tried.
ALIKE, TRIED = 0.72, 6
# How many words are taken for misspelt at once, and the 3-grams two words share at least to be looked at.
SPELLED, LIKENESS = 4, 0.4
_NAMING = ("name", "words")  # measures that compare names word by word


def naming(domain: Domain, matching: Matching) -> tuple[str, ...]:
    """The features that hold names: compared word by word, and read from what the search box looks through."""
    searchable = {a.name for a in domain.attributes if a.searchable} | {
        f"{part.name}.{a.name}" for part in domain.parts for a in part.attributes if a.searchable
    }
    compared = {c.feature for c in matching.comparisons if c.measure in _NAMING}
    return tuple(f.name for f in matching.features if f.name in compared and searchable & set(f.attributes))


def words_of(names: Sequence[str], features: Features) -> list[str]:
    """The distinct words of a record's names (the features ``naming`` tells), sorted; of very many the first ones."""
    texts = chain.from_iterable(features.get(name, ()) for name in names)
    words = dict.fromkeys(word[:LONGEST] for text in texts for word in text.split())
    return sorted(list(words)[:MOST])


def learn(domain: Domain, words: Iterable[str]) -> None:
    """Keep the words not known yet. In one order, so that two who learn at once never wait for each other in turn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO matching_nameword (domain, word) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
            [domain.name, sorted(set(words))],
        )


def meant(domain: Domain, asked: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """Asked word -> the known words it may mean: itself, those spelled alike, those it is the beginning of. And those
    of them that more records bear than are worth reading, as far as PostgreSQL knows. Three queries.
    """
    usual = _usual()
    near: dict[str, dict[str, None]] = {word: {word: None} if word in usual else {} for word in asked}
    strange = sorted((word for word in asked if word not in usual), key=lambda word: (-len(word), word))[:SPELLED]
    rows = [(word, known) for word in strange for known in usual] + _spelled_alike(domain, strange)
    shares = text_shares([word for word, _ in rows], [known for _, known in rows]).tolist()
    for share, (word, known) in sorted(zip(shares, rows, strict=True), key=lambda one: (-one[0], one[1])):
        if share >= ALIKE and len(near[word]) < TRIED:
            near[word][known] = None
    for word, known in _begun(domain, [word for word in asked if len(word) >= SHORTEST_BEGINNING]):
        near[word][known] = None
    told = {word: tuple(others) for word, others in near.items() if others}
    return told, {word for word, count in usual.items() if count > COMMON}


def _usual() -> dict[str, float]:
    """The words most records bear, and about how many, as PostgreSQL last counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT told.word, told.share * held.reltuples FROM pg_stats AS known
            JOIN pg_class AS held ON held.oid = 'matching_prepared'::regclass,
            unnest(known.most_common_elems::text::text[], known.most_common_elem_freqs) AS told (word, share)
            WHERE known.schemaname = current_schema() AND known.tablename = 'matching_prepared'
              AND known.attname = 'words' AND told.word IS NOT NULL
            """
        )
        return dict(cursor.fetchall())


def _spelled_alike(domain: Domain, asked: Sequence[str]) -> list[tuple[str, str]]:
    """(asked word, known word) that share 3-grams, at most so many of each, likest first.

    OFFSET 0 keeps the index of the domains out of it: PostgreSQL takes comparing 3-grams for as cheap as any other
    comparison, and would compare with every word.
    """
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.word, near.word FROM unnest(%s::text[]) AS asked (word) CROSS JOIN LATERAL (
              SELECT alike.word FROM (
                SELECT domain, word FROM matching_nameword WHERE word %% asked.word OFFSET 0
              ) alike WHERE alike.domain = %s ORDER BY similarity(alike.word, asked.word) DESC, alike.word LIMIT %s
            ) near
            """,
            [list(asked), domain.name, 4 * TRIED],
        )
        return list(cursor.fetchall())


def _begun(domain: Domain, asked: Sequence[str]) -> list[tuple[str, str]]:
    """(asked word, known word that begins with it), the shortest ones of each."""
    one = (
        "(SELECT %s, word FROM matching_nameword WHERE domain = %s AND word LIKE %s ORDER BY length(word), word"
        " LIMIT %s)"
    )
    if not asked:
        return []
    parameters = [value for word in asked for value in (word, domain.name, f"{_escaped(word)}%", TRIED)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(asked)), parameters)
        return list(cursor.fetchall())


@contextmanager
def hurried(milliseconds: int) -> Iterator[None]:
    """Reads that give up after so long, that use the indexes made for them, and leave the connection as it was."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'off', true),"
                " set_config('pg_trgm.similarity_threshold', %s, true)",
                [str(milliseconds), str(LIKENESS)],
            )
        yield
        transaction.set_rollback(True)  # nothing was written, and what was set is unset


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def bearing(domain: Domain, groups: Mapping[str, tuple[str, ...]], frequent: set[str], most: int) -> list[int]:
    """Source records that bear all of the words; where these are few, also all but one, and a telling one; each at
    most ``most``, those with the fewest words of their own first.

    ``groups``: asked word -> what it may mean. By ``frequent`` words alone nobody is found, but where nothing else was
    asked.
    """
    whole = list(groups.values())
    found = _bearing(domain, [whole] if whole else [], most)
    if len(found) >= most or len(whole) < 2:
        return found
    tiers = []
    if len(whole) > 2:
        left = ([group for place, group in enumerate(whole) if place != out] for out in range(len(whole)))
        tiers += [tier for tier in left if any(not frequent & set(group) for group in tier)]
    telling = (tuple(word for word in group if word not in frequent) for group in whole)
    tiers += [[group] for group in telling if group]
    return list(dict.fromkeys(found + _bearing(domain, tiers, most)))


def _bearing(domain: Domain, tiers: Sequence[Sequence[tuple[str, ...]]], most: int) -> list[int]:
    """Those that bear a word of each group of a tier, tier by tier. One query."""
    asked: list[str] = []
    parameters: list[Any] = []
    for place, tier in enumerate(tiers):
        terms = " AND ".join(["words && %s::text[]"] * len(tier))
        asked.append(
            f"(SELECT {place} AS place, fewest, source_record_id FROM (SELECT cardinality(words) AS fewest,"  # noqa: S608
            f" source_record_id FROM (SELECT domain, words, source_record_id FROM matching_prepared WHERE {terms}"
            f" OFFSET 0) bear WHERE domain = %s LIMIT {READ}) read ORDER BY fewest, source_record_id LIMIT %s)"
        )
        parameters += [*(list(group) for group in tier), domain.name, most]
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), parameters)
        return list(dict.fromkeys(pk for _, _, pk in sorted(cursor.fetchall())))
