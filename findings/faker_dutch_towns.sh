#!/usr/bin/env bash
# Some of Faker's Dutch towns are not written as the town is: a note that tells it from a namesake stands in the name.
#
# Faker 40.63.0, locale nl_NL. Of 2,424 cities six carry their province or municipality ("Bergen (NH)", "Spaarndam gem.
# Haarlem"), in capitals or not, and one of these is cut short ("Ursem gem. S"). A model of such a list learns brackets
# and "gem." as parts of names. Read the list before it is learned from or taken as the truth about towns.
#
# Seen: "2424 cities, with a note: Bergen (NH), Hengelo (Gld), Rijswijk (GLD), Rijswijk (NB), Spaarndam gem. Haarlem,
# Ursem gem. S".
# The script fails where the behaviour is no longer this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check faker==40.63.0
said=$("$folder/venv/bin/python" - <<'PY'
from faker.providers.address.nl_NL import Provider

noted = sorted(city for city in Provider.cities if "(" in city or " gem. " in city)
print(f"{len(Provider.cities)} cities, with a note: {', '.join(noted)}")
PY
)
echo "$said"
test "$said" = "2424 cities, with a note: Bergen (NH), Hengelo (Gld), Rijswijk (GLD), Rijswijk (NB), Spaarndam gem. Haarlem, Ursem gem. S"
