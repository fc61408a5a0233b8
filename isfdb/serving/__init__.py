"""Pages about databases, served live to the browsers of one user. Read only, without script, on this computer only."""
