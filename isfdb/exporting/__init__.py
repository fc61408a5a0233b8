"""Hands results to people and programs that have no isfdb: PROV-JSON, RO-Crate, and bundles that explain themselves."""
