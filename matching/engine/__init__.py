"""Matching of many records at once: columns of texts, candidate pairs, evidence in numpy batches, weights, groups.

Pure: no database, no Django, no file but the shipped weights; of the hub only how texts are standardised. What a domain
is compared on is declared in ``matching.engine.deduping``; files come and go by ``matching.filing``.
"""
