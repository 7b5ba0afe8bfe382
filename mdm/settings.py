"""Settings of Assay: like production everywhere; `ASSAY_DEBUG=1` is for developers.

The launcher (`ops/`) fills in what a bare machine lacks: database, broker, secret key, key ring.
"""

import os
import sys
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from mdm import env
from mdm.timetable import TIMETABLE as TIMETABLE

# Before numpy is loaded. Matching multiplies matrices of a few hundred columns: threads that wait for each other there
# take ten times the CPU seconds.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("ASSAY_DATA_DIR", str(BASE_DIR / "var"))).resolve()

DEBUG = env.flag("ASSAY_DEBUG", default=False)
HTTPS = env.flag("ASSAY_HTTPS", default=False)
DEMO = env.flag("ASSAY_DEMO", default=True)
SECRET_KEY = env.secret("SECRET_KEY", fallback=DATA_DIR / "secret_key")
# One `id:base64` key of 32 bytes a line, the first in use, the others for what was sealed before it.
KEYS_FILE = Path(env.text("ASSAY_KEYS_FILE", str(DATA_DIR / "keys")))
# The log's signed checkpoints: another mount or a write-once disk is a better place than the data folder.
CHECKPOINT_FILE = Path(env.text("ASSAY_CHECKPOINT_FILE", str(DATA_DIR / "checkpoints.jsonl")))
CHECKPOINT_KEY_FILE = Path(env.text("ASSAY_CHECKPOINT_KEY_FILE", str(DATA_DIR / "checkpoint.key")))
LOG_MARK_FILE = DATA_DIR / "log.mark"
FEED_RETENTION_DAYS = env.integer("ASSAY_FEED_RETENTION_DAYS", 400)
ALLOWED_HOSTS = env.words("ASSAY_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("ASSAY_TRUSTED_ORIGINS")
# Ports of the demo receivers erp, procurement and billing, on the loopback address.
RECEIVER_PORTS = [int(port) for port in env.words("ASSAY_RECEIVER_PORTS", "8801,8802,8803")]
# Private networks that may be called: targets inside the house live there. Never settable from a page.
ALLOWED_NETWORKS = env.words("ASSAY_ALLOWED_NETWORKS", "127.0.0.0/8" if DEMO else "")
# Folders below which scheduled files may be put. Never settable from a page.
FILE_FOLDERS = env.words("ASSAY_FILE_FOLDERS", str(DATA_DIR / "outbox"))
# What was put there is kept here as well, to be sent again with the same bytes and to be looked at.
FILE_ARCHIVE = DATA_DIR / "sent"
# Feeds may watch this folder and those inside it, and no other.
WATCH_FOLDER = Path(env.text("ASSAY_WATCH_FOLDER", str(DATA_DIR / "inbox"))).resolve()
# Where readers of messages find this hub: links to records and to the schemas of messages begin with it.
PUBLIC_URL = env.text("ASSAY_PUBLIC_URL", f"http://localhost:{env.integer('PORT', 8800)}").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_filters",
    "simple_history",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mdm",
    "matching",
    "stewardship",
    "publishing",
    "api",
]

MIDDLEWARE = [
    "mdm.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "stewardship.resume.SignedOutMiddleware",
    "stewardship.once.OnceMiddleware",
    "stewardship.errors.RefusalMiddleware",
]

ROOT_URLCONF = "mdm.urls"
WSGI_APPLICATION = "mdm.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["stewardship.templatetags.posting"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "stewardship.counts.navigation",
            ],
        },
    },
]

# ---- database ------------------------------------------------------------------------------------

# `assay_app` reads and writes; `assay_owner` owns the schema and only migrates (manage.py swaps the URL).
DATABASE_URL = env.text("DATABASE_URL", f"postgresql://assay_app@/assay?host={DATA_DIR / 'run'}")
DATABASE = env.database(DATABASE_URL)
# Connections a program's threads share; 0 gives each thread its own (only the web server has many threads).
if POOL := env.integer("ASSAY_DATABASE_POOL", 0):
    DATABASE["OPTIONS"]["pool"] = {"min_size": 1, "max_size": POOL, "timeout": 15}
DATABASES = {
    "default": {
        **DATABASE,
        "CONN_MAX_AGE": 0 if POOL else env.integer("ASSAY_DATABASE_SECONDS", 60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- people --------------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"

# ---- language and time ---------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# ---- static files and uploads --------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# Names with a hash need `collectstatic`, which the starter runs; tests and developers serve the sources.
HASHED_STATIC = env.flag("ASSAY_HASHED_STATIC", default=not DEBUG)
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if HASHED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = not HASHED_STATIC
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# A group of three hundred is decided in one form: id, version and tick of each, and the rows of its parts.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# ---- walls of the browser ------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "stewardship.views.resume.page_too_old"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# Only where a proxy in front really sets the header (and strips a visitor's own).
if env.flag("ASSAY_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ---- notices, retention, figures -----------------------------------------------------------------

# Mail to the owners of endpoints. Without a server mails are kept as files, so that none is lost unseen.
globals().update(env.email(env.secret("ASSAY_EMAIL_URL", optional=True), DATA_DIR / "mail"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("ASSAY_EMAIL_FROM", "assay@localhost")
# Told of every notice besides the owner: the operator's own channel. Signed where a secret (`whsec_...`) is given.
OPERATOR_WEBHOOK = env.text("ASSAY_OPERATOR_WEBHOOK")
OPERATOR_WEBHOOK_SECRET = env.secret("ASSAY_OPERATOR_WEBHOOK_SECRET", optional=True)
# Settled deliveries are kept this long; the log itself and what each target holds stay.
DELIVERY_DAYS = env.integer("ASSAY_DELIVERY_DAYS", 30)
# Attempts are dropped by whole weeks that ended longer ago than this, 30 days at least.
ATTEMPT_DAYS = env.integer("ASSAY_ATTEMPT_DAYS", 30)
# Who may read /metrics: whoever shows this token; without one, callers on this machine.
METRICS_TOKEN = env.secret("ASSAY_METRICS_TOKEN", optional=True)

# ---- history -------------------------------------------------------------------------------------

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_DATE_INDEX = "composite"
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False

# ---- API -----------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Assay",
    "DESCRIPTION": "Golden records of suppliers, items, cost centers, facilities and contracts.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# ---- background work -----------------------------------------------------------------------------

# PostgreSQL holds all job state; the broker is only a wake-up, so losing it loses no work.
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
BROKER_DIR = DATA_DIR / "broker"
HARD_LIMIT_SECONDS = 30 * 60
VISIBILITY_SECONDS = HARD_LIMIT_SECONDS + 10 * 60
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": VISIBILITY_SECONDS}
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "processed_folder": str(BROKER_DIR / "done"),
        "store_processed": False,
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # Without these a message taken by a killed worker comes back after minutes, not seconds.
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"unacked_restore_limit": 1000, "unacked_restore_interval": 10}
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_SECONDS
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_SECONDS}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = HARD_LIMIT_SECONDS
CELERY_TASK_SOFT_TIME_LIMIT = HARD_LIMIT_SECONDS - 5 * 60
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 5000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.integer("ASSAY_SOFT_SHUTDOWN_SECONDS", 30)
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"

# How long a publishing worker that says nothing keeps a lane. What was on its way is sent again after that.
LEASE_SECONDS = env.integer("ASSAY_LEASE_SECONDS", 90)

# Kinds of work that wait for people, in the order of the queue: each room declares its own.
WORK_KINDS = [
    f"stewardship.work.kinds.{name}" for name in ("DUPLICATES", "CONFLICTS", "MISFITS", "REQUESTS", "QUARANTINE")
]
WORK_KINDS += ["stewardship.work.kinds.QUALITY", "publishing.work.PARKED", "publishing.work.DRIFT"]
WORK_KINDS += ["stewardship.work.kinds.EXPIRING"]
# Who says which systems outside have the records that a merge takes away.
TARGETS_OF_MERGE = "publishing.queries.merges.targets_of"

# ---- log -----------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"health": {"()": "mdm.health.Unremarkable"}},
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.text("ASSAY_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "django.request": {"filters": ["health"]},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # Expired sweeps are dropped by design.
        "celery.worker.request": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
    },
}
