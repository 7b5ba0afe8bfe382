"""What a first visit is shown: feeds, source systems and three systems that listen."""
