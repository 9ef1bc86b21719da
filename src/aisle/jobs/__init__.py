"""Work that outlives a request (train, import, erase): a durable queue in the database, and the process that works it off."""
