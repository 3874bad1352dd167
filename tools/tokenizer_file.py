"""Opening a ``tokenizer.json`` that may be cut, damaged or another program's, for the models that run on this machine.

The library that reads it raises a bare ``Exception`` for what it does not understand, so its outline is checked first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def open_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer. Raises ``ValueError`` when the file is no JSON, or has no model with a vocabulary."""
    from tokenizers import Tokenizer

    definition = path.read_text(encoding="utf-8")
    outline = json.loads(definition)
    model = outline.get("model") if isinstance(outline, dict) else None
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict) or not all(isinstance(number, int) for number in vocabulary.values()):
        raise ValueError(f"{path.name} has no model with a vocabulary")
    return Tokenizer.from_str(definition)
