"""What every stand-in has in common: HTTP, faults, control calls, the log of requests, the process."""
