"""Words of item descriptions: usual abbreviations spelled out, and what tells variants of one product apart."""

import re
from functools import lru_cache

from mdm.standardise.folding import fold

_ABBREVIATIONS = {
    "syr": "syringe", "syrng": "syringe", "syringes": "syringe", "ndl": "needle", "ndle": "needle", "needles": "needle",
    "cath": "catheter", "cathtr": "catheter", "catheters": "catheter", "drsg": "dressing", "dsg": "dressing",
    "dressings": "dressing", "bndg": "bandage", "bandages": "bandage", "glv": "glove", "gloves": "glove",
    "spng": "sponge", "sponges": "sponge", "elctrd": "electrode", "electrodes": "electrode", "tbg": "tubing",
    "tubes": "tube", "surg": "surgical", "ster": "sterile", "strl": "sterile", "stl": "sterile", "disp": "disposable",
    "adh": "adhesive", "adhsv": "adhesive", "transp": "transparent", "bld": "blood", "coll": "collection",
    "conn": "connector", "adpt": "adapter", "adptr": "adapter", "cann": "cannula", "trach": "tracheostomy",
    "ett": "endotracheal", "endotrach": "endotracheal", "inj": "injection", "soln": "solution", "sol": "solution",
    "tab": "tablet", "tabs": "tablet", "tablets": "tablet", "cap": "capsule", "caps": "capsule", "capsules": "capsule",
    "oint": "ointment", "crm": "cream", "susp": "suspension", "sut": "suture", "sutures": "suture", "scr": "screw",
    "screws": "screw", "blds": "blade", "blades": "blade", "pads": "pad", "sets": "set", "kits": "kit", "bags": "bag",
    "masks": "mask", "drapes": "drape", "gwn": "gown", "gowns": "gown", "ltx": "latex", "nitr": "nitrile",
    "ntrl": "nitrile", "ped": "pediatric", "peds": "pediatric", "paed": "pediatric", "paediatric": "pediatric",
    "adlt": "adult", "neo": "neonatal", "univ": "universal", "lt": "left", "rt": "right", "pwdr": "powder",
    "ti": "titanium", "titan": "titanium", "sil": "silicone", "silic": "silicone", "blk": "black", "bk": "black",
    "wht": "white", "slv": "silver", "slvr": "silver", "gry": "grey", "gray": "grey", "grn": "green", "blu": "blue",
    "brn": "brown", "yel": "yellow", "ylw": "yellow", "colour": "color", "hdd": "harddrive", "sm": "small",
    "lg": "large", "lrg": "large", "xlg": "xlarge", "xl": "xlarge", "xs": "xsmall", "xsm": "xsmall", "xxl": "xxlarge",
    "ll": "luer lock", "ls": "luer slip", "pf": "powder free", "ss": "stainless steel", "stnls": "stainless",
    "ns": "nonsterile", "nonster": "nonsterile", "unsterile": "nonsterile", "er": "extended release",
    "xr": "extended release", "fc": "film coated", "uncuf": "uncuffed", "cuf": "cuffed", "fenest": "fenestrated",
    "fenst": "fenestrated", "inch": "in", "inches": "in", "cc": "ml",
    "milliliter": "ml", "french": "fr", "feet": "ft", "foot": "ft", "gauge": "ga", "watt": "w", "watts": "w",
    "volt": "v", "volts": "v", "gigabyte": "gb", "terabyte": "tb", "megapixels": "megapixel", "mp": "megapixel",
    "pkg": "pack", "pk": "pack", "bx": "box", "cs": "case", "ea": "each",
}  # fmt: skip
_TWO = {
    "l l": "luer lock", "l s": "luer slip", "p f": "powder free", "n s": "nonsterile", "s s": "stainless steel",
    "x large": "xlarge", "extra large": "xlarge", "x small": "xsmall", "extra small": "xsmall", "xx large": "xxlarge",
    "non sterile": "nonsterile", "luer lok": "luer lock", "luerlok": "luer lock", "luerlock": "luer lock",
    "slip tip": "luer slip", "hard drive": "harddrive", "ext rel": "extended release", "pwdr free": "powder free",
    "not sterile": "nonsterile", "self tap": "self tapping", "selftapping": "self tapping", "earloop": "ear loop",
    "powderfree": "powder free", "f c": "film coated", "latex free": "latexfree", "alcohol free": "alcoholfree",
}  # fmt: skip
_TWO_FINDER = re.compile(rf"\b(?:{'|'.join(sorted(_TWO, key=len, reverse=True))})\b")

# Of one kind an item has one: two that name different ones are not the same item.
_KINDS = {
    "color": "black white silver grey red blue green yellow pink purple orange brown gold beige lavender clear copper "
    "bronze titanium platinum teal burgundy charcoal ivory cream plum violet magenta cyan",
    "size": "xsmall small medium large xlarge xxlarge",
    "side": "left right",
    "age": "adult pediatric neonatal infant youth",
    "sterility": "sterile nonsterile",
    "cuff": "cuffed uncuffed",
    "tip": "lock slip eccentric",
    "material": "latex nitrile vinyl neoprene silicone polyisoprene chloroprene polypropylene silk nylon steel",
    "form": "tablet capsule solution suspension cream ointment gel lotion patch injection suppository syrup powder",
    "release": "extended delayed sustained immediate",
    "powder": "powderfree powdered",
    "edition": "standard professional home premium ultimate enterprise academic student deluxe basic express",
    "licence": "upgrade full oem retail",
    "platform": "windows mac macintosh linux",
    "language": "english spanish french german italian",
}  # fmt: skip
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_NO_WHOLE = re.compile(r"(?<![\w.])\.(?=\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_KEPT = "zqz"  # letters that survive folding and no word holds
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


@lru_cache(maxsize=65536)
def item_words(text: str) -> tuple[str, ...]:
    """Folded words and numbers in order, abbreviations spelled out: ``SYR 10ML L/L`` -> syringe 10 ml luer lock."""
    plain = text.replace("%", " percent ").replace('"', " in ")
    pointed = _POINT.sub(_KEPT, _NO_WHOLE.sub("0.", _THOUSANDS.sub("", plain)))
    folded = fold(pointed).replace(_KEPT, ".")
    joined = _TWO_FINDER.sub(lambda found: _TWO[found[0]], " ".join(_WORD.findall(folded)))
    return tuple(word for one in joined.split() for word in _ABBREVIATIONS.get(one, one).split())


@lru_cache(maxsize=65536)
def variants(text: str) -> frozenset[str]:
    """What of color, size, side, material and the like a description names, as ``color:blue``."""
    words = " ".join(item_words(text)).replace("powder free", "powderfree").split()
    return frozenset(f"{_KIND_OF[word]}:{word}" for word in words if word in _KIND_OF)
