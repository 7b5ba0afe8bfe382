"""Matching of many records at once: columns of texts, candidate pairs, evidence in numpy batches, weights, groups.

Pure: no database, no Django. What a domain is compared on is declared in ``matching.engine.domains``.
"""
