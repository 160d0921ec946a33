"""What everything is made of: plain data, the ports, the errors."""
