"""Checks the samples against the schema: those in samples/valid match it, those in samples/invalid do not.

`cargo test` checks that the library judges the same samples alike.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parent
schema = json.loads((FOLDER / "envelope-1.json").read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

wrong = []
for kind in ("valid", "invalid"):
    samples = sorted((FOLDER / "samples" / kind).glob("*.json"))
    if not samples:
        wrong.append(f"there are no samples in samples/{kind}")
    for sample in samples:
        errors = [error.message for error in validator.iter_errors(json.loads(sample.read_text()))]
        if bool(errors) == (kind == "valid"):
            wrong.append(f"samples/{kind}/{sample.name}: {errors or 'it matches the schema'}")
if wrong:
    sys.exit("\n".join(wrong))
