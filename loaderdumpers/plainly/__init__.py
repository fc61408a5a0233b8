"""How each format is read without isfdb: functions whose text goes into the ``load.py`` of a bundle.

Each reader takes ``(spec, folder, load)``: the loader spec, the folder of the files, and a function that reads a part from its spec and
folder. These functions stand alone: they import inside, and use nothing of their modules but each other. They believe the files; whoever
wants them checked reads with isfdb.
"""
