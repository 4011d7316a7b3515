"""Every take ever made: a database and a folder for each track."""
