"""What people touch: the command line, the application, the service; the one place where the packages meet."""
