"""What has been learned, and the one door in."""
