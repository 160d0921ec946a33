"""Doubles and contracts, public: for our own tests and for those who extend the package."""
