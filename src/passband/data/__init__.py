"""Image data sets: sources, preparation and storage.

`preparation.prepare` turns the published archives of a data set in `registry.DATASETS` into one
file per split, which `storage.load` reads. Import the modules individually, so that a training does
not depend on the downloader.
"""
