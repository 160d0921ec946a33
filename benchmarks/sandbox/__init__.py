"""Does the sandbox hold, how long does it take, does it leave anything behind?"""
