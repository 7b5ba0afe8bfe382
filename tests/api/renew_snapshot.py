"""`python -m tests.api.renew_snapshot`: write the interface document as it is now; look at the difference first."""

import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    django.setup()
    from api.views.documentation import interface_document
    from tests.api.test_document import SNAPSHOT, as_text

    SNAPSHOT.write_text(as_text(interface_document()))
