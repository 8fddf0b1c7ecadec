"""Customer users of the sample catalogue: who buys for its accounts. Some have a password, which is slow to hash."""

from __future__ import annotations

from sandbox.catalogue.parties import ACCOUNTS
from sandbox.catalogue.sheet import Cells, Note, Row, Sheet, insert, pick

USER, EMAIL, MAIN = "Customer User External Id", "Customer User Email", "Customer User Main Organisation Id"
OF_ACCOUNTS, GROUPS, ORGANISATIONS = (
    "Customer User Account Ids",
    "Customer User Groups",
    "Customer User Organisation Ids",
)
GIVEN_WORD = "Customer User Password"
FIRST_NAMES = ("Astrid", "Benoît", "Chiamaka", "Dörte", "Émile", "Freya", "Gonzalo", "Hélène", "Ingvar", "Jolanda")
LAST_NAMES = ("Lindqvist", "O'Malley", "Ölschläger", "d'Arcy", "Nuñez", "van der Berg", "Brosse")


def users() -> Sheet:
    header = (
        USER,
        "Customer User Civility",
        "Customer User First Name",
        "Customer User Last Name",
        EMAIL,
        "Customer User Phone",
        GROUPS,
        OF_ACCOUNTS,
        ORGANISATIONS,
        MAIN,
        GIVEN_WORD,
        "Customer User Inactive",
        "Store External Ids",
    )
    good = [Row(cells, warning=_warning(cells)) for cells in map(_user, range(3 * len(ACCOUNTS)))]
    new = good[1].cells | {EMAIL: "new@toolyard.example.com"}
    wrong = {
        4: [Row(new | {USER: "Zoé Bois"}, Note("malformed", "customerUserExternalId"))],
        9: [Row(new | {USER: "ty-user-901", EMAIL: "new at toolyard"}, Note("malformed", "customerUserEmail"))],
        14: [
            Row(
                new | {USER: "ty-user-902", EMAIL: good[2].cells[EMAIL].upper()},
                Note("not_unique", "customerUserEmail"),
            )
        ],
        19: [
            Row(
                new | {USER: "ty-user-903", OF_ACCOUNTS: "TY-NOBODY"},
                Note("unknown_reference", "customerUserAccountIds"),
            )
        ],
        24: [Row(new | {USER: "ty-user-904", GIVEN_WORD: "letmein"}, Note("malformed", "customerUserPassword"))],
        29: [
            Row(
                new | {USER: "ty-user-905", ORGANISATIONS: "EAST||WEST", MAIN: "NORTH"},
                Note("malformed", "customerUserMainOrganisationId"),
            )
        ],
        31: [Row(new | {USER: "ty-user-906", GROUPS: "FOC_Root"}, Note("malformed", "customerUserGroups"))],
    }
    return Sheet("CUSTOMER_USER", "customer_users.csv", header, list(insert(good, wrong)), ";")


def _warning(cells: Cells) -> Note | None:
    return None if cells[GIVEN_WORD] else Note("no_password", "customerUserPassword")


def _user(number: int) -> Cells:
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number % len(LAST_NAMES)]
    account, name = ACCOUNTS[number // 3][:2]
    other = ACCOUNTS[(number + 5) % len(ACCOUNTS)][0]
    organised = number % 4 == 1
    return {
        USER: f"ty-user-{number + 1:03}",
        "Customer User Civility": ("MRS", "MR", "mr", "Miss")[number % 4],
        "Customer User First Name": first,
        "Customer User Last Name": last,
        EMAIL: f"User{number + 1:03}@{account[3:].lower()}.example.com",
        "Customer User Phone": f"+44 1632 9601{number:02}",
        GROUPS: ("FOC_Admin||FOC_User", "FOC_User", "foc_webmaster")[number % 3],
        OF_ACCOUNTS: f"{account}||{other}" if number % 7 == 0 else account,
        ORGANISATIONS: "EAST||WEST" if organised else "",
        MAIN: "WEST" if organised else "",
        GIVEN_WORD: f"Anvil-{number + 1}-{pick(('oak', 'ash', 'elm'), name, number)}" if number % 6 == 1 else "",
        "Customer User Inactive": "TRUE" if account == "TY-CLOSED" else "",
        "Store External Ids": pick(("", "default_store", "default_store||counter"), first, number),
    }
