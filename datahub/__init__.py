"""The domain of Data Hub: no web framework, no HTML, no request lives here."""

VERSION = "0.1.0"
