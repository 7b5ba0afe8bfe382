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
from mdm.compiled import prepared
from mdm.spec import Domain, Matching

LONGEST, MOST = 40, 24
SHORTEST_BEGINNING = 3
# A name is only one of several thousand alike where more records than this bear its word.
COMMON = 1000
READ = 250  # records read to find those with the fewest words
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
    of them that more records bear than are worth reading, as far as PostgreSQL knows. One query.
    """
    rows = _known(domain, asked)
    usual = {known: count for word, known, count in rows if count}
    near: dict[str, dict[str, None]] = {word: {word: None} if word in usual else {} for word in asked}
    pairs = [(word, known) for word in asked if word not in usual for known in usual]
    pairs += [(word, known) for word, known, _ in rows if word]
    shares = text_shares([word for word, _ in pairs], [known for _, known in pairs]).tolist()
    alike = [one for one in zip(shares, pairs, strict=True) if one[0] >= ALIKE]
    for _, (word, known) in sorted(alike, key=lambda one: (-one[0], one[1])):
        if len(near[word]) < TRIED:
            near[word][known] = None
    for word, known, _ in sorted((row for row in rows if row[0]), key=lambda row: (len(row[1]), row[1])):
        begun = SHORTEST_BEGINNING <= len(word) < len(known) and known.startswith(word)
        if begun and len(near[word]) < 2 * TRIED:
            near[word][known] = None
    told = {word: tuple(others) for word, others in near.items() if others}
    return told, {word for word, count in usual.items() if count > COMMON}


def _known(domain: Domain, asked: Sequence[str]) -> list[tuple[str, str, float]]:
    """("", word, about how many records bear it) of the most usual words; (asked word, known word, 0) of those that
    share 3-grams with an unusual one, likest first, and of those that begin with it, shortest first.
    """
    begun = [word for word in asked if len(word) >= SHORTEST_BEGINNING]
    with prepared() as cursor:
        cursor.execute(
            _KNOWN,
            {
                "asked": list(asked), "begun": begun, "domain": domain.name, "spelled": SPELLED, "near": 4 * TRIED,
                "tried": TRIED, "last": _LAST,
            },
        )  # fmt: skip
        return list(cursor.fetchall())


_LAST = "\U0010ffff"  # comes behind every letter


# OFFSET 0 keeps the index of the domains out of it: PostgreSQL takes comparing 3-grams for as cheap as any other
# comparison, and would compare with every word. Beginnings are a range, which a plan made once serves as well.
_KNOWN = """
WITH usual (word, records) AS MATERIALIZED (
  SELECT told.word, told.share * held.reltuples FROM pg_stats AS known
  JOIN pg_class AS held ON held.oid = 'matching_prepared'::regclass,
  unnest(known.most_common_elems::text::text[], known.most_common_elem_freqs) AS told (word, share)
  WHERE known.schemaname = current_schema() AND known.tablename = 'matching_prepared' AND known.attname = 'words'
    AND told.word IS NOT NULL AND told.share * held.reltuples > 0
)
SELECT '', word, records FROM usual
UNION ALL
(SELECT asked.word, near.word, 0 FROM (
   SELECT word FROM unnest(%(asked)s::text[]) AS given (word) WHERE word NOT IN (SELECT word FROM usual)
   ORDER BY length(word) DESC, word LIMIT %(spelled)s
 ) asked CROSS JOIN LATERAL (
  SELECT alike.word FROM (SELECT domain, word FROM matching_nameword WHERE word %% asked.word OFFSET 0) alike
  WHERE alike.domain = %(domain)s ORDER BY similarity(alike.word, asked.word) DESC, alike.word LIMIT %(near)s
) near)
UNION ALL
(SELECT begun.word, longer.word, 0 FROM unnest(%(begun)s::text[]) AS begun (word) CROSS JOIN LATERAL (
  SELECT word FROM matching_nameword
  WHERE domain = %(domain)s AND word ~>=~ begun.word AND word ~<~ (begun.word || %(last)s)
  ORDER BY length(word), word LIMIT %(tried)s
) longer)
"""


@contextmanager
def hurried(milliseconds: int) -> Iterator[None]:
    """Reads that give up after so long, that use the indexes made for them, and leave the connection as it was."""
    inside = connection.in_atomic_block
    with transaction.atomic():
        with prepared() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'off', true),"
                " set_config('pg_trgm.similarity_threshold', %s, true)",
                [str(milliseconds), str(LIKENESS)],
            )
        yield
        # What was set is unset with the transaction; to roll one back would forget all prepared statements.
        transaction.set_rollback(inside)


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
    with prepared() as cursor:
        cursor.execute(" UNION ALL ".join(asked), parameters)
        return list(dict.fromkeys(pk for _, _, pk in sorted(cursor.fetchall())))
