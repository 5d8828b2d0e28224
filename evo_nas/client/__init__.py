"""`Client`: a service (`evo-nas serve`) from Python."""
