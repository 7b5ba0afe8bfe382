"""GET /healthz says what is awaited, and 200 only when nothing is."""

import pytest
from django.db import connection
from django.test import Client, override_settings


@pytest.mark.django_db
@override_settings(DEMO=False)
def test_an_installation_without_demo_is_ready_once_migrated(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "any.name.at.all"})
    assert answer.status_code == 200
    assert answer.json() == {"state": "ready", "checks": {"database": True, "migrated": True, "demo": False}}


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
