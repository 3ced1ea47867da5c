"""A prepared dataset in the forms that other tools read, one file each; ``genlock export``."""

from genlock.data.export.base import EXPORTERS, Exported, Exporter, ExportOptions, Job, export_dataset

__all__ = ["EXPORTERS", "ExportOptions", "Exported", "Exporter", "Job", "export_dataset"]
