"""What every form that is sent carries; this library is loaded into every template (``builtins`` in the settings)."""

from secrets import token_urlsafe

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from stewardship.once import FIELD

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Context) -> SafeString | str:
    """Django's token against forged requests, and a token of the form's own, by which it is carried out once."""
    proof = context.get("csrf_token")
    if not proof or proof == "NOTPROVIDED":
        return ""
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><input type="hidden" name="{}" value="{}">',
        proof,
        FIELD,
        token_urlsafe(16),
    )
