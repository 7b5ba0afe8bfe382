"""Search before create: which golden records a record that does not exist yet looks like. Writes nothing.

Candidates come from the blocking keys, as for a record that arrives, and by the words of its names, which may be
misspelt or half typed. However common its values, the rows read and the pairs scored are bounded.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import OperationalError

from matching import lookup, wordlist
from matching.blocking import key_of, keys, single_passes
from matching.comparisons import sorted_word_shares
from matching.features import Features, make_features
from matching.known import Known, Scored, agreed
from matching.rules import in_force
from matching.scoring import Score, Shared, sentence, shares
from matching.why import band
from mdm.compiled import prepared
from mdm.masking import MASK, restricted_names
from mdm.spec import Domain, Matching

MOST_SHOWN = 50
_NEW = 0  # the id of the record that does not exist yet
_BY_KEY, _BY_WORD, _SCORED, _MEMBERS = 80, 50, 90, 300  # the rows read and the pairs scored, at most
_MOST_WORDS = 8
_ALIKE = 0.6  # names less alike than this, sharing no key, are no answer
_MILLISECONDS = 250  # for each step of finding by words; without it the answer is what the keys found

Place = tuple[str, str]  # pointer to what was given, or "", and a plain sentence


@dataclass(frozen=True, slots=True)
class Alike:
    """A golden record the values may mean. ``score`` is its closest source record's, vetoes as the whole record bears
    them out; ``band`` is what matching would do: auto, review or new."""

    record: UUID
    code: str
    title: str
    state: str
    version: int
    source_record: int
    system: str
    key: str
    score: Score
    band: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Searched:
    """Who was found, likest first; ``band`` is what would become of a record like this if it arrived now.

    ``compared`` source records were looked at; ``left_out`` says what could not be looked for, and why; ``domain`` has
    the rules in force they were compared by.
    """

    found: tuple[Alike, ...]
    band: str
    compared: int
    left_out: tuple[Place, ...]
    domain: Domain

    @property
    def likely(self) -> tuple[Alike, ...]:
        """Those a person should look at before making another."""
        return tuple(one for one in self.found if one.band != "new")


def search(
    domain: Domain, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]], limit: int = 10
) -> Searched:
    """The golden records these standardised values may mean, likest first; a name alone, even half of it, is enough."""
    domain = in_force(domain)
    matching = domain.matching
    features = features_of(matching, values, parts)
    if not features:
        return nothing_given(domain)
    sharing = sharing_of(domain, features, held([key for _, key in keys(domain, features)], matching.block_cap))
    by_word, said = _by_words(domain, features)
    left_out = [*sharing.left_out, *said]
    known = lookup.load({*sharing.records, *by_word})
    waiting = sum(one.golden is None for one in known.values())
    if waiting:
        waits = "1 record that arrived a moment ago waits" if waiting == 1 else f"{waiting} that arrived just now wait"
        left_out.append(("", f"{waits} to be matched."))
    known = {pk: one for pk, one in known.items() if one.golden}
    likeness = _likeness(wordlist.naming(domain, matching), features, known)
    chosen = _likeliest(known, sharing.records, likeness)
    scored = Scored(
        matching, with_new(chosen, features), commonness(domain, features, sharing, counted(sharing.crowded))
    )
    named = {one.golden for pk, one in known.items() if likeness.get(pk, 0.0) >= _ALIKE}
    near = nearest(scored, min(limit, MOST_SHOWN))
    found = told(scored, linked(near, _MEMBERS))
    found = [one for one in found if one.band != "new" or one.record in named]
    return Searched(tuple(found), what_becomes(matching, found), len(known), tuple(dict.fromkeys(left_out)), domain)


def features_of(
    matching: Matching, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Features:
    """What matching compares of a record that does not exist yet."""
    return make_features(matching, values, parts, lambda reference: reference.get("record"))


def nothing_given(domain: Domain) -> Searched:
    """The answer where nothing that was given is compared."""
    nothing = ("", "Nothing that was given is compared. Give a name or an identifier.")
    return Searched((), "new", 0, (nothing,), domain)


def with_new(known: Mapping[int, Known], features: Features) -> dict[int, Known]:
    """These records and the one that does not exist yet."""
    return {_NEW: Known(_NEW, _NEW, features), **known}


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who shares keys with what is asked: source records, those that share most first; and for each key how many of
    each source hold it, ``crowded`` ones up to the cap."""

    records: list[int]
    holders: dict[int, Counter[int]]
    crowded: set[int]
    left_out: list[Place]


Held = Mapping[int, Sequence[tuple[int, int]]]


def held(asked: Sequence[int], cap: int) -> Held:
    """{key: (source record, source)} of those that hold these keys, of each key one more than ``cap``. One query."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    with prepared(len(asked)) as cursor:
        cursor.execute(_HELD, [list(asked), cap + 1])
        for key, pk, source in cursor.fetchall():
            found[key].append((pk, source))
    return found


def sharing_of(domain: Domain, features: Features, by_key: Held) -> Sharing:
    """The source records that share a blocking key; of a key too many hold, the first ones."""
    cap = domain.matching.block_cap
    shared: Counter[int] = Counter()
    holders: dict[int, Counter[int]] = {}
    crowded: dict[int, int] = {}
    for number, key in keys(domain, features):
        if key in holders or key not in by_key:
            continue
        if len(by_key[key]) > cap:
            crowded[key] = number
        shared.update(pk for pk, _ in by_key[key][:cap])
        holders[key] = Counter(source for _, source in by_key[key][:cap])
    numbers = dict.fromkeys(crowded.values())
    said = [("", f"More than {cap} records share {_named(domain, n)}; {cap} of them were compared.") for n in numbers]
    return Sharing([pk for pk, _ in shared.most_common(_BY_KEY)], holders, set(crowded), said)


# As a range in order, as in ``matching.lookup``: asked for one key, all its holders may be read first.
_HELD = """
SELECT asked.key, held.source_record_id, held.source FROM unnest(%s::bigint[]) AS asked (key)
CROSS JOIN LATERAL (
  SELECT source_record_id, source FROM matching_matchkey
  WHERE key BETWEEN asked.key AND asked.key ORDER BY key LIMIT %s
) held
"""


def _named(domain: Domain, number: int) -> str:
    """The values a pass is made of, as people call them: its state and postcode."""
    labels = {c.feature: c.label for c in domain.matching.comparisons}
    names = dict.fromkeys(labels.get(name, "beginning of the name") for name in domain.matching.blocking[number])
    return "its " + " and ".join(name if name.isupper() else name[:1].lower() + name[1:] for name in names)


def _by_words(domain: Domain, features: Features) -> tuple[list[int], list[Place]]:
    """Source records that bear the words of the names, or words spelled alike; nobody where that takes too long."""
    asked = wordlist.words_of(wordlist.naming(domain, domain.matching), features)[:_MOST_WORDS]
    if not asked:
        return [], []
    try:
        with wordlist.hurried(_MILLISECONDS):
            groups, frequent = wordlist.meant(domain, asked)
            found = wordlist.bearing(domain, groups, frequent, _BY_WORD)
    except OperationalError:
        return [], [("", "Looking for names spelled alike took too long; only equal values were looked for.")]
    if len(groups) == 1 and frequent & set(asked):
        (word,) = groups
        return found, [("", f"Very many names hold “{word}”; some of them were compared. Give more of the name.")]
    return found, []


def _likeliest(known: Mapping[int, Known], by_key: Sequence[int], likeness: Mapping[int, float]) -> dict[int, Known]:
    """As many as are scored: those that share a key, and of those found by words alone the ones most alike by name."""
    keyed = [pk for pk in by_key if pk in known]
    rest = [pk for pk in known if likeness.get(pk, 0.0) >= _ALIKE and pk not in set(keyed)]
    worded = sorted(rest, key=lambda pk: (-likeness[pk], pk))
    half = _SCORED // 2
    order = [*keyed[:half], *worded[:half], *keyed[half:], *worded[half:]]
    return {pk: known[pk] for pk in order[:_SCORED]}


def _likeness(names: Sequence[str], features: Features, known: Mapping[int, Known]) -> dict[int, float]:
    """How alike the names of each are to those asked for, 0..1; a name that only goes on counts as alike."""
    asked = [text for name in names for text in features.get(name, ())][:4]
    pairs = [
        (pk, ours, theirs)
        for pk, one in known.items()
        for name in names
        for theirs in one.features.get(name, ())[:4]
        for ours in asked
    ]
    told = sorted_word_shares([ours for _, ours, _ in pairs], [theirs for _, _, theirs in pairs])
    best: dict[int, float] = {}
    for (pk, ours, theirs), share in zip(pairs, told.tolist(), strict=True):
        begun = 0.8 if theirs.startswith(ours) or set(ours.split()) <= set(theirs.split()) else 0.0
        best[pk] = max(best.get(pk, 0.0), share, begun)
    return best


def counted(crowded: Collection[int]) -> dict[int, int]:
    """{key: how many records of one source hold it, up to a limit}, of keys held by too many. One query, or none."""
    if not crowded:
        return {}
    with prepared(len(crowded)) as cursor:
        cursor.execute(lookup.COUNTED_FEW, [list(crowded), lookup.COUNTED])
        return dict(cursor.fetchall())


def commonness(domain: Domain, features: Features, sharing: Sharing, counts: Mapping[int, int]) -> Shared:
    """How many records of one source share each text; ``counts`` says it of the crowded keys."""
    weighed = {c.feature for c in domain.matching.comparisons if c.rarity}
    asked = {
        key_of(domain.name, number, (text,)): (name, text)
        for name, number in single_passes(domain.matching).items()
        if name in weighed
        for text in features.get(name, ())
    }
    found = {key: max(held.values()) for key, held in sharing.holders.items() if key in asked}
    found |= {key: counts[key] for key in sharing.crowded & asked.keys() & counts.keys()}
    return shares({asked[key]: count for key, count in found.items()})


def nearest(scored: Scored, limit: int) -> list[UUID]:
    """The golden records of the likest source records."""
    best: dict[UUID, float] = {}
    for golden, members in scored.members().items():
        best[golden] = max(scored.score(_NEW, pk).bits for pk in members)
    return sorted(best, key=lambda golden: (-best[golden], golden))[:limit]


def linked(golden: Sequence[UUID], most: int) -> "dict[UUID, list[Member]]":
    """The source records of these golden records, at most so many in all. One query, or none."""
    found: dict[UUID, list[Member]] = defaultdict(list)
    if golden:
        with prepared(len(golden)) as cursor:
            cursor.execute(_LINKED, [list(golden), most])
            for row in cursor.fetchall():
                found[row[6]].append(Member(*row))
    return found


def told(scored: Scored, members: "Mapping[UUID, Sequence[Member]]") -> list[Alike]:
    """Each golden record with all its source records: another one may bear out what the closest one contradicts."""
    by_id = {one.pk: one for listed in members.values() for one in listed}
    whole = {pk: one.known() for pk, one in by_id.items()}
    scored = Scored(scored.matching, with_new(whole, scored.known[_NEW].features), scored.shared)
    found = [_alike(scored, ids, by_id) for ids in scored.members().values()]
    return sorted(found, key=lambda one: (-one.score.bits, one.code))


class Member(NamedTuple):
    """A linked source record and the golden record it belongs to."""

    pk: int
    system_id: int
    stub: bool
    features: str
    key: str
    system: str
    record: UUID
    code: str
    title: str
    state: str
    version: int

    def known(self) -> Known:
        features = {name: tuple(texts) for name, texts in orjson.loads(self.features).items()}
        return Known(self.pk, self.system_id, features, self.record, self.stub)


_LINKED = """
SELECT s.id, s.system_id, s.stub, p.features, s.key, system.code, g.id, g.code, g.title, g.state, g.version
FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id AND s.part = '' AND s.state <> 'retired'
JOIN matching_prepared p ON p.source_record_id = s.id
JOIN mdm_sourcesystem system ON system.id = s.system_id
JOIN mdm_goldenrecord g ON g.id = l.record_id
WHERE l.record_id = ANY(%s::uuid[]) AND l.ended_at IS NULL ORDER BY g.id, s.id LIMIT %s
"""


def _alike(scored: Scored, ids: Sequence[int], members: Mapping[int, Member]) -> Alike:
    scores = {pk: scored.score(_NEW, pk) for pk in ids}
    pk = max(scores, key=lambda one: (scores[one].bits, -one))
    contradicted = {label for score in scores.values() for label in score.vetoes} - agreed(scores.values())
    score = replace(scores[pk], vetoes=tuple(sorted(contradicted)))
    one = members[pk]
    return Alike(
        record=one.record, code=one.code, title=one.title or one.code, state=one.state, version=one.version,
        source_record=pk, system=one.system, key=one.key,
        score=score, band=band(scored.matching, score), sentence=sentence(score),
    )  # fmt: skip


def what_becomes(matching: Matching, found: Sequence[Alike]) -> str:
    """auto where one record is beyond doubt and no rival is near; review where a person would be asked; else new."""
    best = next(iter(found), None)
    if best is None or best.band != "auto":
        return "review" if any(one.band != "new" for one in found) else "new"
    rivals = (one for one in found[1:] if not one.score.vetoes)
    near = any(best.score.bits - one.score.bits < matching.margin for one in rivals)
    return "review" if near else "auto"


def evidence(domain: Domain, score: Score) -> list[dict[str, Any]]:
    """The comparisons as JSON, heaviest first; what was made of restricted values is shown as dots."""
    restricted = set(restricted_names(domain))
    hidden = {f.name for f in domain.matching.features if restricted & {f"{domain.name}.{a}" for a in f.attributes}}
    return [{**one, "left": MASK, "right": MASK} if one["feature"] in hidden else one for one in score.explanation()]
