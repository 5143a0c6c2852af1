"""Image data sets: where they come from, and how they lie on disk and in memory.

`preparation.prepare` turns the published archives of a set in `registry.DATASETS` into one file
per split; `storage.load` reads one. The modules are imported one by one: a training needs no
downloader.
"""
