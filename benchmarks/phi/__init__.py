"""Can Φ be gamed, is it true, and what does it cost?"""
