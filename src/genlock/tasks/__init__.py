"""One function for each command. The command line and the studio call these and know no algorithm."""

from genlock.lipsync.repair import Repair
from genlock.tasks.align_video import Alignment, AlignOptions, align_video
from genlock.tasks.animate_sound import ANIMATE_ENDINGS, AnimateOptions, AnimateResult, animate_sound
from genlock.tasks.demo import run_demo
from genlock.tasks.extract_features import FeatureOptions, FeatureResult, extract_features
from genlock.tasks.files import expand_files, folder_beside, result_folder, result_folders
from genlock.tasks.find_words import WORD_FORMS, WordOptions, WordResult, find_words
from genlock.tasks.mend_sound import Mended, MendOptions, mend_sound
from genlock.tasks.prepare_dataset import (
    ExportOptions,
    PrepareOptions,
    export_dataset,
    prepare_dataset,
    require_clips,
)
from genlock.tasks.prepare_timeline import TimelineClip, open_timeline, prepare_timeline
from genlock.tasks.probe_file import probe_file
from genlock.tasks.realign_words import Realigned, RealignOptions, realign_words
from genlock.tasks.result import Result
from genlock.tasks.sound_video import SOUND_ENDINGS, SoundOptions, SoundResult, require_one_film, sound_video
from genlock.tasks.sync_live import LiveLine, LiveOptions, LiveResult, sync_live
from genlock.tasks.sync_video import (
    SyncOptions,
    SyncResult,
    SyncRow,
    repair_refusal,
    sync_options_of_each,
    sync_video,
)
from genlock.tasks.timeline_lanes import LaneOptions, Lanes, find_lanes, write_lane

__all__ = [
    "ANIMATE_ENDINGS",
    "SOUND_ENDINGS",
    "WORD_FORMS",
    "AlignOptions",
    "Alignment",
    "AnimateOptions",
    "AnimateResult",
    "ExportOptions",
    "FeatureOptions",
    "FeatureResult",
    "LaneOptions",
    "Lanes",
    "LiveLine",
    "LiveOptions",
    "LiveResult",
    "MendOptions",
    "Mended",
    "PrepareOptions",
    "RealignOptions",
    "Realigned",
    "Repair",
    "Result",
    "SoundOptions",
    "SoundResult",
    "SyncOptions",
    "SyncResult",
    "SyncRow",
    "TimelineClip",
    "WordOptions",
    "WordResult",
    "align_video",
    "animate_sound",
    "expand_files",
    "export_dataset",
    "extract_features",
    "find_lanes",
    "find_words",
    "folder_beside",
    "mend_sound",
    "open_timeline",
    "prepare_dataset",
    "prepare_timeline",
    "probe_file",
    "realign_words",
    "repair_refusal",
    "require_clips",
    "require_one_film",
    "result_folder",
    "result_folders",
    "run_demo",
    "sound_video",
    "sync_live",
    "sync_options_of_each",
    "sync_video",
    "write_lane",
]
