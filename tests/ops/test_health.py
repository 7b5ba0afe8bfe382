"""GET /healthz says what is awaited, and 200 only when nothing is."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings


@pytest.mark.django_db
@override_settings(DEMO=False)
def test_an_installation_without_demo_is_ready_once_migrated(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "any.name.at.all"})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["state"], said["checks"]) == ("ready", {"database": True, "migrated": True, "demo": False})


@pytest.mark.django_db
def test_it_says_which_programs_live_and_is_ready_without_them(client: Client, settings: Any) -> None:
    settings.DEMO = False
    with connection.cursor() as cursor:
        for name, age in (("sequencer@a:1", "1 second"), ("publisher@a:2", "1 minute")):
            cursor.execute(
                "INSERT INTO mdm_heartbeat VALUES (%s, '{}', now(), clock_timestamp() - %s::interval)", [name, age]
            )
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["programs"] == {"sequencer": True, "publisher": False, "worker": False, "beat": False}


@pytest.mark.django_db
@override_settings(DEMO=True)
def test_the_demo_is_awaited_until_it_is_noted(client: Client) -> None:
    assert client.get("/healthz").json()["state"] == "loading"
    assert client.get("/healthz").status_code == 503
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA launcher")
        cursor.execute("CREATE TABLE launcher.note (name text PRIMARY KEY)")
        cursor.execute("INSERT INTO launcher.note VALUES ('demo')")
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_the_product_may_write_rows_but_not_change_the_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = 'assay_app' AND pg_has_role(current_user, oid, 'member')"
        )
        if not cursor.fetchone():
            pytest.skip("this server's role may not step down to assay_app")
        cursor.execute("SET LOCAL ROLE assay_app")
        cursor.execute("INSERT INTO auth_group (name) VALUES ('night shift')")
        cursor.execute("SELECT has_table_privilege('auth_group', 'TRUNCATE'), has_schema_privilege('public', 'CREATE')")
        assert cursor.fetchone() == (False, False)
