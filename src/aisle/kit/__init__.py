"""Pure functions on arrays and bytes. Knows nothing of shops, storage or HTTP."""
