"""Facts are carried out: endpoints, lanes, deliveries."""
