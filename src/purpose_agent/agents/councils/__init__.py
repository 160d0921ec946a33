"""Council and Quorum: several opinions, one decision. See README.md."""
