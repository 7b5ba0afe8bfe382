"""Three systems that listen to Assay: an ERP that is pushed to, procurement and billing that take signed webhooks.

They show what any receiver should do: verify, take each message once, never let an older version overwrite a newer
one, answer with an own id, and follow a merged record to where it went. Standard library and a verifier only.
"""
