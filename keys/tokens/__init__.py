"""Browser tokens: short-lived credentials that a backend with an App key gives to a web page."""
