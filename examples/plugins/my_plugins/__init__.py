"""One plug-in of each kind. `pip install examples/plugins` installs them all."""
