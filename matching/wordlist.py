"""Words of names: what a record is found by where no key is equal, because a word is misspelt or only half typed.

Which words mean much is PostgreSQL's own knowledge: its statistics name those that many records bear.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import connection

from matching.comparisons import text_shares
from matching.features import Features
from mdm.spec import Domain, Matching

LONGEST, MOST = 40, 24
SHORTEST_BEGINNING = 3
# A name is only one of several thousand alike where more records than this bear its word.
COMMON = 1000
# Of words spelled alike: how many letters in order they share, and how many of them are tried.
ALIKE, TRIED = 0.72, 6
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


def meant(domain: Domain, asked: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Asked word -> the known words it may mean: itself, those spelled alike, those it is the beginning of."""
    near: dict[str, dict[str, None]] = {word: {} for word in asked}
    begun = {f"{_escaped(word)}%": word for word in asked if len(word) >= SHORTEST_BEGINNING}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', '0.3', true)")
        cursor.execute(
            """
            SELECT asked.word, near.word FROM unnest(%(asked)s::text[]) AS asked (word) CROSS JOIN LATERAL (
              SELECT word FROM matching_nameword WHERE domain = %(domain)s AND word %% asked.word
              ORDER BY similarity(word, asked.word) DESC, word LIMIT %(tried)s
            ) near
            """,
            {"asked": list(asked), "domain": domain.name, "tried": 4 * TRIED},
        )
        spelled = cursor.fetchall()
        likeness = text_shares([a for a, _ in spelled], [b for _, b in spelled])
        ranked = sorted(zip(likeness.tolist(), spelled, strict=True), key=lambda one: -one[0])
        for share, (word, other) in ranked:
            if share >= ALIKE and len(near[word]) < TRIED:
                near[word][other] = None
        for beginning, word in begun.items():
            cursor.execute(
                "SELECT word FROM matching_nameword WHERE domain = %s AND word LIKE %s ORDER BY length(word), word"
                " LIMIT %s",
                [domain.name, beginning, TRIED],
            )
            near[word].update(dict.fromkeys(row[0] for row in cursor.fetchall()))
    return {word: tuple(others) for word, others in near.items() if others}


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def common(words: Collection[str]) -> set[str]:
    """Those of the words that more records bear than are worth reading, as far as PostgreSQL knows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT told.word FROM pg_stats AS known
            JOIN pg_class AS held ON held.oid = 'matching_prepared'::regclass,
            unnest(known.most_common_elems::text::text[], known.most_common_elem_freqs) AS told (word, share)
            WHERE known.schemaname = current_schema() AND known.tablename = 'matching_prepared'
              AND known.attname = 'words' AND told.word = ANY(%s) AND told.share * held.reltuples > %s
            """,
            [list(words), COMMON],
        )
        return {row[0] for row in cursor.fetchall()}


def bearing(domain: Domain, groups: Mapping[str, tuple[str, ...]], frequent: set[str], most: int) -> list[int]:
    """Source records that bear all of the words, then all but one, then a telling one; each at most ``most``.

    ``groups``: asked word -> what it may mean. Those with the fewest words of their own come first. By ``frequent``
    words alone nobody is found, but where nothing else was asked.
    """
    whole = list(groups.values())
    telling = [tuple(word for word in group if word not in frequent) for group in whole]
    tiers = [whole] if whole else []
    if len(whole) > 2:
        left = ([group for place, group in enumerate(whole) if place != out] for out in range(len(whole)))
        tiers += [tier for tier in left if any(not frequent & set(group) for group in tier)]
    if len(whole) > 1:
        tiers += [[group] for group in telling if group]
    asked: list[str] = []
    parameters: list[Any] = []
    for place, tier in enumerate(tiers):
        terms = " AND words && %s::text[]" * len(tier)
        asked.append(
            f"(SELECT {place} AS place, fewest, source_record_id FROM (SELECT cardinality(words) AS fewest,"  # noqa: S608
            f" source_record_id FROM matching_prepared WHERE domain = %s{terms} LIMIT {COMMON}) read"
            f" ORDER BY fewest, source_record_id LIMIT %s)"
        )
        parameters += [domain.name, *(list(group) for group in tier), most]
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), parameters)
        return list(dict.fromkeys(pk for _, _, pk in sorted(cursor.fetchall())))
