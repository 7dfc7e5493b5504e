"""Child processes of this server, and the ports that they listen on."""
