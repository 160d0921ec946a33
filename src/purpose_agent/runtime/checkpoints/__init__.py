"""Where runs are kept: adapters of `runtime/checkpoint.py`, imported one by one."""
