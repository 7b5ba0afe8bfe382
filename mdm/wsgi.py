"""The WSGI application the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
# Many threads, most of them waiting for the feed, share few connections; other programs keep one each.
os.environ.setdefault("ASSAY_DATABASE_POOL", "12")

application = get_wsgi_application()
