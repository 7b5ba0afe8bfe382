"""What an item is, whoever makes it and however it is packed: a text equivalent items share. For comparison only."""

from functools import lru_cache

from mdm.standardise.drugs import FORM_WORDS
from mdm.standardise.measures import UNITS, measures, without_packs
from mdm.standardise.wording import item_words

# Packs, containers and the salt most lists leave out; what every tablet and capsule is.
_ASIDE = frozenset({
    "box", "case", "each", "pack", "bag", "bottle", "vial", "ampule", "carton", "tube", "jar", "packet", "container",
    "unit", "dose", "ud", "count", "of", "in", "for", "and", "with", "the", "per", "x", "hydrochloride", "hcl", "usp",
    "udl", "single", "use", "new", "item", "percent",
})  # fmt: skip
_SWALLOWED = frozenset({"tablet", "capsule"})
_WRITTEN = {
    "po": "oral", "mouth": "oral", "ij": "injection", "iv": "intravenous", "va": "vaginal", "crea": "cream",
    "soln": "solution", "solp": "solution", "syrg": "syringe", "nebu": "nebulization", "recon": "reconstituted",
    "tbec": "delayed release tablet", "tb24": "extended release tablet", "cp24": "extended release capsule",
    "cpdr": "delayed release capsule",
}  # fmt: skip
_MEANT = _WRITTEN.keys() | FORM_WORDS.keys()
FEWEST = 2  # words and amounts, below which a text names no thing in particular


@lru_cache(maxsize=65536)
def thing(description: str) -> str:
    """Words, forms and amounts of a description in one spelling and order; empty where it says too little.

    ``TAMSULOSIN 0.4MG CAPS 100UD`` and ``tamsulosin hcl 400 mcg capsule`` are both ``0.4mg capsule tamsulosin``.
    """
    bare = without_packs(description)
    amounts = measures(bare).amounts
    words: set[str] = set()
    for word in item_words(bare):
        words.update((_WRITTEN.get(word) or FORM_WORDS.get(word) or word).split() if word in _MEANT else (word,))
    words -= _ASIDE
    if words & _SWALLOWED:
        words.discard("oral")
    told = {word for word in words if not word[0].isdigit() and word not in UNITS}
    numbers = {word for word in words if word[0].isdigit()} if not amounts else set()
    found = told | amounts | numbers
    return " ".join(sorted(found)) if told and len(found) >= FEWEST else ""
