"""One environment: the packages that were installed, and which of them are other here, where the server runs."""

from __future__ import annotations

from isfdb.reporting.environments import Environments
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    digest = visit.asked("digest")
    environments = Environments(visit.db.root._storage, visit.to)
    environments.of("", {"environment": digest})
    body = "".join(environments.sections()) or "<p>There is no such environment.</p>"
    return frame.page(visit, "Environment", f"<h1>Environment</h1>{body}", here_is="environments", status=200 if digest.isalnum() else 404)
