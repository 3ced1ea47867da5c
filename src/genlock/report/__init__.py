"""The page that a person opens: one HTML file in which picture, sound and words play in step."""

from genlock.media.preview import Preview, PreviewOptions, make_preview
from genlock.report.build import write_report
from genlock.report.content import OutputFile, ReportContent
from genlock.report.envelope import Envelope
from genlock.report.seen_faces import FaceRows, SeenFaces
from genlock.report.sync_plot import plot_ending, sync_picture, sync_svg, write_sync_plot

__all__ = [
    "Envelope",
    "FaceRows",
    "OutputFile",
    "Preview",
    "PreviewOptions",
    "ReportContent",
    "SeenFaces",
    "make_preview",
    "plot_ending",
    "sync_picture",
    "sync_svg",
    "write_report",
    "write_sync_plot",
]
