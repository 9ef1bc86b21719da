"""`algorithm=sequence`: a network that learns interest from the order of events; trained with torch, served with numpy."""
