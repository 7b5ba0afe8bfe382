"""Why a value won and the others did not, in words. Pure: reads what ``mdm.queries.why`` answers."""

from collections.abc import Mapping
from datetime import date

from mdm.queries import Claim, PinShown, Why
from mdm.spec import Rule
from mdm.survivorship import STEWARDED

RULES: Mapping[str, str] = {
    STEWARDED: "A person decided it, and a colleague approved: that stands above all sources.",
    Rule.SOURCE_ORDER: "The best trusted source that gives a value counts.",
    Rule.NEWEST: "The newest value counts.",
    Rule.LONGEST: "The longest value counts.",
    Rule.MOST_FREQUENT: "What most sources say counts.",
}
BLOCK = "These attributes belong together and come from one source: of those that fill most, the best trusted."


def rule_words(rule: str) -> str:
    """What a rule of survivorship does, for people."""
    return BLOCK if rule.startswith("block ") else RULES.get(rule, rule)


def claim_words(why: Why, claim: Claim) -> str:
    """Why this claim survived, or did not."""
    rule = why.value.provenance.rule if why.value.provenance else ""
    winner = next((one for one in why.claims if one.wins), None)
    if claim.wins:
        return "This value counts."
    if claim.agrees:
        return "Says the same."
    if winner is None:
        return "Contradicts a better trusted date of another source, so neither it nor another counts here."
    if winner.edit:
        return "A person decided otherwise."
    if rule == Rule.NEWEST and claim.as_of < winner.as_of:
        return f"Older: as of {_day(claim.as_of)}, not {_day(winner.as_of)}."
    if rule == Rule.LONGEST and len(str(claim.value)) < len(str(winner.value)):
        return "Shorter."
    if rule == Rule.MOST_FREQUENT and _voices(why, claim) < _voices(why, winner):
        return f"Said by {_voices(why, claim)} of {len(why.claims)}, the other by {_voices(why, winner)}."
    if claim.rank != winner.rank:
        return f"Trusted less: rank {claim.rank}, not {winner.rank}."
    if claim.as_of != winner.as_of:
        return f"As much trusted, and older: as of {_day(claim.as_of)}."
    return "Equal in trust and date; the smaller key goes first, so that it always ends alike."


def _voices(why: Why, claim: Claim) -> int:
    return sum(str(one.value) == str(claim.value) for one in why.claims)


def _day(moment: date) -> str:
    return f"{moment:%d %b %Y}"


def pin_words(pin: PinShown) -> str:
    """How long a pin holds, or why it no longer does."""
    if pin.ended_at is not None:
        by = f" by {pin.ended_by}" if pin.ended_by else ""
        return f"Ended {_day(pin.ended_at)}{by}{f': {pin.end_reason}' if pin.end_reason else ''}."
    if pin.rests:
        return "Rests: the source it stands against is elsewhere, or has spoken where it was silent."
    if pin.until_source is not None:
        who = pin.until_source or "any source"
        return f"Holds until {who} says something {'else' if pin.until_source else 'here'}."
    if pin.valid_until is not None:
        return f"Holds until {_day(pin.valid_until)}."
    return "Holds for good."
