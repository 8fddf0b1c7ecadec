"""A form that holds a question is asked it before it counts: by app.js in a dialog, without JavaScript by a page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, render_template, request, url_for

from webapp.auth.identity import is_api_request

FIELD, NO = "question", "question_no"


def init_app(app: Flask) -> None:
    app.before_request(_ask)


def _ask() -> str | None:
    """app.js leaves the question out once it is answered; so does the form of this page. It is a text of ours: the
    CSRF token of the form was looked at."""
    if request.method != "POST" or is_api_request() or FIELD not in request.form or request.endpoint is None:
        return None
    title, mark, text = request.form[FIELD].partition("? ")
    ours = (FIELD, NO, "csrf_token")
    answers = [(name, value) for name, value in request.form.items(multi=True) if name not in ours]
    said = {"title": title + mark.strip(), "text": text, "no": request.form.get(NO, "Cancel")}
    return render_template("confirm.html", **said, answers=answers, back=_came_from())


def _came_from() -> str:
    came = urlsplit(request.referrer or "")
    return came._replace(scheme="", netloc="").geturl() if came.netloc == request.host else url_for("dashboard.index")
