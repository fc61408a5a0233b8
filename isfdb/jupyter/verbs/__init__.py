"""The verbs of ``%isfdb``, grouped by what people want: one module a group, one :class:`~isfdb.jupyter.verbs.verb.Verb` a verb."""

from __future__ import annotations

from typing import Final

from isfdb.jupyter.verbs import checking, explaining, handing_on, keeping, looking
from isfdb.jupyter.verbs.verb import Verb

#: In the order in which help shows them.
VERBS: Final[dict[str, Verb]] = {verb.name: verb for group in (looking, explaining, checking, handing_on, keeping) for verb in group.VERBS}
