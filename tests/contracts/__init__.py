"""What every installed plug-in must do, whoever wrote it."""
