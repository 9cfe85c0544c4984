"""How a program starts, stops, directs and asks the embedded AWS. It knows nothing of this provider."""
