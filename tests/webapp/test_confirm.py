"""What asks first does so without JavaScript as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.models.access import User
from tests.webapp.conftest import PASSWORD, ParsingClient, parse

TEMPLATES = Path(__file__).parents[2] / "templates"
SignIn = Callable[[str], ParsingClient]


def forms(text: str) -> dict[str, dict[str, str]]:
    """What each form with a button sends, by its address."""
    found = parse(text).iter("form")
    return {
        form.get("action", ""): {field.get("name", ""): field.get("value", "") for field in form.iter("input")}
        for form in found
    }


def test_nothing_asks_by_javascript_alone() -> None:
    asking = re.compile(r"hx-confirm|data-confirm|onclick|onsubmit")
    assert [path.name for path in TEMPLATES.rglob("*.html") if asking.search(path.read_text())] == []


def test_without_javascript_a_page_asks_and_nothing_happens_before_its_answer(
    sign_in: SignIn, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        user = users.create(session, name="ada", password=PASSWORD, role="VIEWER")
        tokens.create(session, user=user, name="ERP")
    admin, page = sign_in("ADMIN"), f"/settings/users/{user.id}"
    sign_in("VIEWER")
    buttons = forms(admin.get(page).text)
    assert {address.rpartition("/")[2] for address, fields in buttons.items() if "question" in fields} == {
        "link",
        "disable",
        "lock-out",
        "revoke",
    }
    asked = admin.post(
        f"{page}/disable", data=buttons[f"{page}/disable"], headers={"Referer": f"http://localhost{page}"}
    )
    assert asked.status_code == 200 and "<h1>Disable ada?</h1>" in asked.text and f'href="{page}"' in asked.text
    assert is_active(sessions, user)
    (answer,) = (fields for address, fields in forms(asked.text).items() if not address)
    admin.post(f"{page}/disable", data=answer)
    assert not is_active(sessions, user)


def test_what_a_form_said_beside_its_question_is_kept_and_the_way_back_stays_here(sign_in: SignIn) -> None:
    said = {"question": "Move it? For good.", "status": ["<A>", "B"]}
    asked = sign_in("OPERATOR").post("/orders/none/status", data=said, headers={"Referer": "http://elsewhere.example/"})
    assert re.findall(r'name="status" value="([^"]*)"', asked.text) == ["&lt;A&gt;", "B"]
    assert "elsewhere" not in asked.text


def test_nobody_is_asked_about_what_he_may_not_do(sign_in: SignIn) -> None:
    assert sign_in("VIEWER").post("/settings/users/1/disable", data={"question": "Disable ada?"}).status_code == 403


def is_active(sessions: sessionmaker[Session], user: User) -> bool:
    with sessions() as session:
        return session.get_one(User, user.id).active
