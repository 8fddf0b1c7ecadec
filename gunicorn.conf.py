"""What gunicorn reads by itself when it is started in this folder; addresses and numbers stand in its command."""

logger_class = "webapp.logs.HubLogger"
