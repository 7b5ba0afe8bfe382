"""The first page anybody sees, in a real browser."""

import re

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from mdm.people import STEWARD
from tests.browser.conftest import PHONE

SIGN_IN = re.compile("/sign-in/")

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stranger_is_led_to_the_sign_in_page_and_in_from_there(page: Page) -> None:
    ada = User.objects.create_user("ada", password="a long pass phrase")
    ada.groups.add(Group.objects.get_or_create(name=STEWARD)[0])
    page.goto("/")
    expect(page).to_have_url(SIGN_IN)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("a long pass phrase")
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(SIGN_IN)


def test_the_sign_in_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto("/sign-in/")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
