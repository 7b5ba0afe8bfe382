"""From a target's field and word back to the hub's attribute and value, where only one way leads back."""

from dataclasses import dataclass
from typing import Any

from mdm.domains import BY_NAME
from mdm.masking import MASK
from mdm.models import CodeTranslation, ExtensionAttribute
from mdm.spec import Attribute, Exposure, Kind
from publishing import mapping
from publishing.models import Difference, DifferenceKind, Endpoint


class NotAdoptable(Exception):
    """The target's value cannot become the hub's by itself; the message says why, and what to do instead."""


@dataclass(frozen=True)
class Meant:
    """An attribute of the hub and the value the target has for it; None blanks it."""

    attribute: str
    value: Any


def meant_by(difference: Difference) -> Meant:
    """What adopting the difference would set. Raises NotAdoptable."""
    record = difference.record
    if record is None or difference.kind != DifferenceKind.ALTERED or not difference.field:
        raise NotAdoptable("Only a field with another value can be adopted.")
    if difference.theirs == MASK or difference.ours == MASK:
        raise NotAdoptable("Restricted values are not adopted from a list: propose the change on the record's page.")
    if record.domain in difference.endpoint.mapping:
        return _mapped(difference.endpoint, record.domain, difference.field, difference.theirs, difference.ours)
    return _canonical(record.domain, difference.field, difference.theirs)


def _canonical(domain: str, field: str, theirs: Any) -> Meant:
    place, _, name = field.partition(".")
    name, _, leaf = name.partition(".")
    if place == "extension" and ExtensionAttribute.objects.filter(domain=domain, name=name).exists():
        return Meant(f"ext.{name}", _single(theirs))
    attribute = _attribute(domain, name) if place == "attributes" else None
    if attribute is None:
        raise NotAdoptable("Rows and identifying fields are not adopted: propose the change on the record's page.")
    return _value(attribute, leaf, theirs)


def _value(attribute: Attribute, leaf: str, theirs: Any) -> Meant:
    if attribute.exposure is Exposure.RESTRICTED:
        raise NotAdoptable("Restricted values are not adopted from a list: propose the change on the record's page.")
    if attribute.kind is Kind.REFERENCE:
        named = theirs.get("record") or theirs.get("code") if isinstance(theirs, dict) else theirs
        if leaf not in ("", "record", "code"):
            raise NotAdoptable(f"The {leaf} belongs to the record {attribute.label} points to: change it there.")
        return Meant(attribute.name, named or None)
    return Meant(attribute.name, _single(theirs))


def _single(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise NotAdoptable("The target gives a list here, and the attribute holds one value.")
    return None if value == "" else value


def _attribute(domain: str, name: str) -> Attribute | None:
    return next((one for one in BY_NAME[domain].attributes if one.name == name), None)


def _mapped(endpoint: Endpoint, domain: str, field: str, theirs: Any, ours: Any) -> Meant:
    one = next((one for one in mapping.parse(endpoint.mapping)[domain] if one.name == field), None)
    path = one.sources[0] if one is not None and len(one.sources) == 1 else None
    if one is None or path is None or path.root != "attributes" or path.attribute is None or path.of:
        raise NotAdoptable(f"{field} is made of more than one attribute, or of none: propose the change instead.")
    if one.date or one.case or (one.cut and len(str(ours or "")) == one.longest):
        raise NotAdoptable(f"{field} is written in a form of the target's own that does not lead back to one value.")
    value = _single(theirs)
    if value is not None and one.translate:
        value = _code(endpoint, one.translate, str(value))
    elif value is not None and one.words is not None:
        value = _one_of([key for key, word in one.words.items() if str(word) == str(value)], str(value))
    return _value(path.attribute, "", value)


def _code(endpoint: Endpoint, code_set: str, theirs: str) -> str:
    """Our code for the target's word."""
    rows = CodeTranslation.objects.filter(
        code_value__code_set__code=code_set, party=endpoint.code, theirs=theirs
    ).values_list("code_value__code", flat=True)
    return _one_of(list(rows[:2]), theirs)


def _one_of(codes: list[str], theirs: str) -> str:
    if len(codes) != 1:
        many = "more than one of our codes" if codes else "none of our codes"
        raise NotAdoptable(f"The target's word {theirs[:60]} stands for {many}.")
    return codes[0]
