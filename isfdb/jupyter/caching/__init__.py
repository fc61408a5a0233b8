"""``%%isfdb cache KEY``: runs the cell where its value is not stored, or would come out different now; else loads the value."""
