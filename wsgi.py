"""The WSGI entry point: gunicorn wsgi:app."""

import os

from datahub.settings import Settings
from webapp import create_app

app = create_app(Settings.from_env(os.environ))
