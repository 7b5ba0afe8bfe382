"""Names, streets and item texts made comparable."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.standardise.companies import company_name, split_legal_form
from mdm.standardise.folding import consonants, digits_only, expand_abbreviations, fold, name_tokens
from mdm.standardise.measures import form_words, measures, model_codes
from mdm.standardise.streets import Street, fold_street, parse_street, street_words

# A busy machine must not fail a test: nothing here is judged by time.
STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Johnson & Johnson", "johnson and johnson"),
        ("MEN'S  Wearhouse, Inc.", "mens wearhouse inc"),
        ("B\u00f8rge S\u00f8n A/S", "borge son a s"),
        ("Stra\u00dfe", "strasse"),
        ("St. Michael\u2019s", "st michaels"),
        ("  ", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@STEADY
@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())


@pytest.mark.parametrize(
    ("name", "core", "form"),
    [
        ("ELOXX PHARMACEUTICALS, INC.", "eloxx pharmaceuticals", "inc"),
        ("ABM INDUSTRIES INC /DE/", "abm industries", "inc"),
        ("ABM INDUSTRIES INCORPORATED", "abm industries", "inc"),
        ("KVH INDUSTRIES INC \\DE\\", "kvh industries", "inc"),
        ("KVH INDUSTRIES INC DE", "kvh industries", "inc"),
        ("VIRIDIAN THERAPEUTICS, INC.DE", "viridian therapeutics", "inc"),
        ("SIEMENS AG/NEW", "siemens", "ag"),
        ("NSTAR/MA", "nstar", ""),
        ("ASML HOLDING N.V.", "asml holding", "nv"),
        ("Novo Nordisk A/S", "novo nordisk", "as"),
        ("KKR & CO. L.P.", "kkr", "co lp"),
        ("Toyota Motor Co., Ltd.", "toyota motor", "co ltd"),
        ("ELI LILLY & CO", "eli lilly", "co"),
        ("The Coca Cola Co", "coca cola", "co"),
        ("MEN'S WEARHOUSE INC (THE)", "mens wearhouse", "inc"),
        ("U.S. PHYSICAL THERAPY INC /NV", "us physical therapy", "inc"),
        ("E. I. du Pont de Nemours and Company", "ei du pont de nemours", "co"),
        ("CHURCHILL CAPITAL CORP II", "churchill capital corp ii", ""),
        ("Vornado Realty Trust", "vornado realty trust", ""),
        ("Churchill Downs of KY", "churchill downs of ky", ""),
        ("CO", "co", ""),
        ("INC /DE/", "inc", ""),
    ],
)
def test_split_legal_form(name: str, core: str, form: str) -> None:
    assert split_legal_form(name) == (core, form)


def test_trading_and_former_names_are_kept_apart() -> None:
    found = company_name("Puracap Laboratories, LLC, dba Blu Pharmaceuticals")
    assert (found.core, found.legal_form, found.trading) == ("puracap laboratories", "llc", ("blu pharmaceuticals",))
    assert company_name("Acme Inc (formerly Bolt Corp)").former == ("bolt",)
    assert company_name("X Corp d/b/a Y f/k/a Z Ltd") == ("x", "corp", ("y",), ("z",))
    assert company_name("Dbase Systems Inc").trading == ()


@STEADY
@given(st.text(max_size=40))
def test_a_name_with_letters_always_has_a_core(name: str) -> None:
    core, _form = split_legal_form(name)
    assert bool(core) or not fold(name)


def test_words_of_names() -> None:
    assert name_tokens("St. Rose Hosp. & Med Ctr of the Mtns") == (
        "saint",
        "rose",
        "hospital",
        "medical",
        "center",
        "mtns",
    )
    assert name_tokens("The") == ("the",)
    assert expand_abbreviations(["intl", "mfg"]) == ("international", "manufacturing")


def test_skeleton_and_digits() -> None:
    assert consonants("Medtronic") == consonants("Medtronick"[:-1]) == "mdtrnc"
    assert consonants("Abbott") == consonants("Abot")
    assert consonants("") == ""
    assert digits_only("(925) 295-4000 \u0661") == "9252954000"


@pytest.mark.parametrize(
    ("lines", "street"),
    [
        (("950 WINTER STREET",), Street("950", "winter st")),
        (("335 S. E. 8TH",), Street("335", "se 8th")),
        (("335 Southeast Eighth",), Street("335", "se 8th")),
        (("216 14TH AVENUE S.W.",), Street("216", "14th ave sw")),
        (("ONE LIBERTY PLAZA", "7TH FLOOR"), Street("1", "liberty plz", "7th")),
        (("ONE TOWN CENTER RD", "THIRD FLOOR"), Street("1", "town ctr rd", "3rd")),
        (("235 WALNUT STREET, SUITE 6", ""), Street("235", "walnut st", "6")),
        (("120 CORPORATE BLVD STE 100",), Street("120", "corporate blvd", "100")),
        (("120 Corporate Blvd #100",), Street("120", "corporate blvd", "100")),
        (("#3 BETHESDA METRO CENTER", "SUITE 700"), Street("3", "bethesda metro ctr", "700")),
        (("4201 WOODLAND ROAD", "PO BOX 69"), Street("4201", "woodland rd", "", "69")),
        (("P.O. Box 1234",), Street("", "", "", "1234")),
        (("13 ZARCHIN STREET", "P.O.B. 690"), Street("13", "zarchin st", "", "690")),
        (("98-1079 MOANALUA ROAD",), Street("98-1079", "moanalua rd")),
        (("800-A BEATY STREET",), Street("800a", "beaty st")),
        (("800A Beaty St",), Street("800a", "beaty st")),
        (("C/O ABC INC, 5 MAIN ST",), Street("5", "main st")),
        (("75 WEST CENTER ST", "ATTN: GREGORY BELLISTON"), Street("75", "w ctr st")),
        (("SUITE 802, WEST TOWER", "88 SHANGKE ROAD"), Street("88", "shangke rd", "802")),
        (("KEIZERSGRACHT 281",), Street("", "keizersgracht 281")),
        ((), Street()),
    ],
)
def test_parse_street(lines: tuple[str, ...], street: Street) -> None:
    assert parse_street(*lines) == street


def test_one_street_has_one_spelling() -> None:
    assert fold_street("North Sixth Street") == fold_street("N. 6th St.") == "n 6th st"
    assert fold_street("State Highway 12 NW") == fold_street("state hwy 12 northwest")
    assert street_words("n 6th st") == ("6th",)
    assert street_words("w st") == ("w", "st")


@STEADY
@given(st.lists(st.text(max_size=30), max_size=2))
def test_any_lines_can_be_taken_apart(lines: list[str]) -> None:
    found = parse_street(*lines)
    assert fold_street(found.street) == found.street


@pytest.mark.parametrize(
    ("text", "amounts", "packs"),
    [
        ("TAMSULOSIN 0.4 MG CAPSULE", {"0.4mg"}, set()),
        ("tamsulosin 400mcg", {"0.4mg"}, set()),
        ("RIFAMPIN 1 GRAM", {"1000mg"}, set()),
        ("SUSP 250 MG/5 ML", {"250mg", "5ml"}, set()),
        ("SCREW LOCKING 3.5 X 14MM", {"3.5mm", "14mm"}, set()),
        ("CATHETER 4.5MM X 1.5CM", {"4.5mm", "15mm"}, set()),
        ("24X89ML GEL", {"89ml"}, {24}),
        ("TUBE VENT BX/5", set(), {5}),
        ("SPLINT SMALL 1/8 IN 3/PK", {"8in"}, {3}),
        ("PREGABALIN 100UD", set(), {100}),
        ("SHEATH 7 FR BOX/5", {"7fr"}, {5}),
        ("DEXTROSE (D50W) 50 %", {"50%"}, set()),
        ("nothing in it", set(), set()),
    ],
)
def test_measures(text: str, amounts: set[str], packs: set[int]) -> None:
    found = measures(text)
    assert set(found.amounts) == amounts
    assert set(found.packs) == packs


def test_model_codes_and_forms() -> None:
    assert model_codes("SCREW 3.5 X 14MM AR-8835L-14 BX/5") == {"AR8835L14"}
    assert model_codes("PLATE 0MM 58140000") == {"58140000"}
    assert form_words("CAMPHOR GEL,TOP") == {"gel", "topical"}
    assert form_words("AMOXICILLIN TABS") == form_words("amoxicillin tablet") == {"tablet"}


@STEADY
@given(st.text(max_size=60) | st.text(alphabet="0123456789 xX/.,mgMLBOpk%", max_size=40))
def test_any_description_can_be_measured(text: str) -> None:
    found = measures(text)
    assert all(count >= 0 for count in found.packs)
    assert all(amount[0].isdigit() for amount in found.amounts)
    model_codes(text)
    form_words(text)
