"""Options as typed keywords, for type checkers and editors: tools/write_keywords.py writes this file."""

from __future__ import annotations

import os
from typing import Literal, TypedDict

from genlock.core.time import Exact
from genlock.speech.whisper.options import ComputeType, Device, Task
from genlock.tasks.on_frames import Snap

__all__ = [
    "AlignKeywords",
    "AnimateKeywords",
    "ExportKeywords",
    "PrepareKeywords",
    "ReadingKeywords",
    "SamplingKeywords",
    "SoundKeywords",
    "SyncKeywords",
    "WordKeywords",
]


class ReadingKeywords(TypedDict, total=False):
    """Which part of a file is read."""

    start: Exact | None
    """Seconds on the media clock, or 1:30 and 1:02:03.5; sound from the first sample at or after it, frames whose cell
    reaches past it. None: from the beginning."""
    end: Exact | None
    """The same; sound before it, frames that begin before it. None: to the end."""
    audio_stream: int | None
    """Number among the sound streams, from 0; None: the default one."""
    audio_channel: int | None
    """Number among the channels of the sound, from 0, that is heard alone, as one side of a call; None: all of them."""
    video_stream: int | None
    """Number among the video streams, from 0, covers not counted; None: the default one."""
    upright: bool
    """Turn frames as the file says that they are to be seen (phones film sideways)."""
    threads: int
    """Threads that decode the picture, 1...64. One is the fastest on two cores that have other work."""
    max_gap_seconds: Exact
    """How many seconds of silence may be filled into gaps of the sound in all, and how long a frame may be
    shown; a longer jump of the time stamps is not followed."""


class WordKeywords(ReadingKeywords, total=False):
    """Keywords of :func:`genlock.words`."""

    encoding: str | None
    """Encoding of the transcript, such as windows-1251. None: Unicode where it is that, else the likeliest."""
    profile: str
    """Rules that subtitles made of words keep to: plain, netflix-en or bbc. Given subtitles stay as they are."""
    language: str
    """Language of the speech, ISO 639-1. ``auto``: told by the transcript, or heard by a Whisper model of many
    languages, and said in the result; English where nothing tells."""
    recognizer: str
    """What recognises speech: ``whisper``, ``pocketsphinx``, ``hf-ctc`` (with a model), or ``auto``, the best
    one present. ``avsr:FOLDER`` hears and reads lips, by the folder of ``genlock train avsr``."""
    aligner: str
    """What puts words on the clock: ``pocketsphinx``, ``ctc`` (with a model, or the language's own),
    ``ctc:FOLDER-OR-NAME``, ``avsr:FOLDER``, or ``auto``, the best one present; what ``avsr:FOLDER`` recognises it
    aligns itself."""
    model: str | None
    """What recognises: a Whisper model by name (``tiny`` ... ``large-v3``, ``turbo``, ``distil-large-v3``, ``small.en``
    ...), folder or hub name; or a CTC checkpoint (wav2vec 2.0, HuBERT, WavLM), which aligns as well. Names are looked
    up in the hub's cache on this machine; ``genlock models fetch NAME`` puts them there."""
    task: Task
    """With Whisper: ``translate`` writes English words, whatever is spoken."""
    beam_size: int
    """With Whisper: hypotheses that its search keeps."""
    initial_prompt: str | None
    """With Whisper: a text that is taken to come before what is said (names, spelling, style)."""
    hotwords: str | None
    """With Whisper: words that are likely to be said."""
    vad: bool
    """With Whisper: a detector of voices decides what is heard at all."""
    device: Device
    """With Whisper: where it is computed; ``auto``: on a GPU if there is one."""
    compute_type: ComputeType
    """With Whisper: what its weights are computed in; ``auto``: int8 on the CPU, float16 on a GPU."""
    beam: int
    """With a CTC checkpoint: prefixes that the beam search keeps; 0 takes the likeliest symbol of each frame."""
    language_model: str | os.PathLike[str] | None
    """With a beam: a KenLM n-gram file (.arpa or .bin)."""
    resume: str | os.PathLike[str] | None
    """With a CTC checkpoint: a file to keep its emissions in, so that an interrupted run goes on where it was."""
    karaoke: bool
    """Subtitles have the time of each word inside: ``<00:00:01.000>`` in WebVTT, ``\\k`` in ASS."""
    least_matched: float
    """With a transcript: the share of its words, 0...1, that must be heard. Below it the text is not what is said:
    words that are not heard get no times, and the exit status is 3. 0 takes the text as it is, without listening."""
    snap: Snap
    """Move the borders of subtitles to those of ``frames``, or those within half a second of a change of shot to that
    (``shots``), as the profile has it. It takes a picture."""
    diarize: bool
    """Say who speaks, by whose mouth moves with the sound: each word has a ``speaker``, ``face0`` and so on, as the
    faces of ``genlock sync`` are numbered; none where nobody who is seen says it. It takes a picture."""


class AlignKeywords(WordKeywords, total=False):
    """Keywords of :func:`genlock.align`."""

    feature: str
    """Features of sound, picture and faces to put on the video's frames, separated by commas, as ``genlock features``
    takes them (on their own grid without a picture). With any of faces comes ``mouth:aperture``, a lane of the
    report."""
    how: Literal["mean", "sample", "nearest"]
    """How values pass to the frames: ``mean`` of what a frame spans, ``sample`` at its middle, or ``nearest``."""
    sync: bool
    """Measure the offset of sound against picture; it takes looking at every frame."""


class SyncKeywords(ReadingKeywords, total=False):
    """Keywords of :func:`genlock.sync`."""

    by: float | None
    """With --fix: move the sound by so many milliseconds, as somebody has heard that it must (positive: later),
    whatever is measured; the report's page says how many."""
    all_sound: bool
    """Move every sound of the file in the repaired copy, not only the one that was measured."""
    each_sound: bool
    """Measure every sound of the file by itself, tell the offset of each, and move each by its own in the repaired
    copy. A pass over the file for each of them."""
    against: str | os.PathLike[str] | None
    """Another recording of the same event: the sound is then compared with its sound, and not with the picture."""
    plot: str | os.PathLike[str] | None
    """Picture of the measurement to write: .svg or .png (for several files, a folder)."""
    markers: str | None
    """File to write markers to, for editing programs, one on each stretch with the offset of its sound: .otio, .fcpxml,
    .edl or .csv (for several files, a folder of .csv)."""
    least_probability: float
    """How sure the measurement must be for a repair: probability of an error of at most 40 ms, 0...1."""
    estimators: str
    """The estimators that measure, in this order: names and commas. The first that sees something answers."""
    thorough: bool
    """Read all of a long film. Else windows spread over it are read, and more of them where they disagree; the report
    says which."""


class AnimateKeywords(ReadingKeywords, total=False):
    """Keywords of :func:`genlock.animate`."""

    identity: str | os.PathLike[str]
    """Whose face it is: a picture or a film of a person, or ``neutral``: a face that is drawn."""
    face: str
    """Which face is drawn without an identity: toon, ink, robot, bust, or one that another package registers."""
    model: str
    """Who moves the face: a talker by its name, its folder or file, or ``audio2face:FOLDER``, a copy of NVIDIA's
    Audio2Face-3D of your own."""
    speaker: str | None
    """In whose manner it speaks, of those that the model knows by name. None: nobody's."""
    format: Literal["film", "json", "npz", "csv", "arkit", "visemes"] | None
    """What is written: a film, or the motion for other programs. None: what the ending of -o says."""
    rate: Exact | None
    """Frames per second. None: those of the film that is the identity, else 25."""
    frames_of: str | os.PathLike[str] | None
    """A film whose frames, of whatever rate, the frames are to be; over and over where the sound is longer."""
    side: int
    """Width and height of a drawn face in pixels, an even number in 64...4096."""
    gain: float
    """How much more the face moves than the model says, 0...4."""
    hold: bool
    """Play the film of an identity once and hold its last frame; else it runs back and forth."""
    no_blinks: bool
    """Do not blink and look about."""
    no_head: bool
    """Do not move the head."""
    words: bool
    """Recognise the words, write them into the picture, and as .srt beside it."""
    transcript: str | os.PathLike[str] | None
    """With words: a text or subtitle file with what is said, instead of recognising it."""
    language: str
    """With words: the language, ISO 639-1."""
    sheet: str | os.PathLike[str] | None
    """Picture of still frames over the waveform to write, .png."""
    pipe_rate: int
    """Samples per second of bare samples on standard input (SOUND is ``-``); WAV says its own."""
    seed: int
    """Of blinks, head and the character that is drawn; not below 0."""


class SamplingKeywords(ReadingKeywords, total=False):
    """How codes are drawn."""

    temperature: float
    """Below 1: the likely ones more often; 0: always the likeliest. At least 0."""
    top_k: int
    """Only so many of the likeliest are drawn; 0: all."""
    top_p: float
    """Only the likeliest that together have this probability are drawn; above 0, at most 1."""
    guidance: float
    """How much more the picture counts than the sound so far: 1 as learnt; above 1 takes a second pass without the
    picture in each column. At least 0."""


class SoundKeywords(SamplingKeywords, total=False):
    """Keywords of :func:`genlock.sound`."""

    library: str | os.PathLike[str] | None
    """Folder of one-shots of your own, which are placed on what strikes in the picture. Sub-folders are materials."""
    retime: str | os.PathLike[str] | None
    """A sound that was made elsewhere, to be moved onto what strikes in the picture."""
    model: str
    """Who makes sound without a library: a model, ``modal`` (struck bodies, nothing learnt), or ``auto``: the shipped
    model if it is here, else ``modal``."""
    class_name: str
    """Kind of sound, of a model that has learnt classes (``genlock train writer --classes``). Empty: whatever fits."""
    prime: str | os.PathLike[str] | None
    """A sound that stands at the beginning of the film, and that such a model goes on with."""
    finder: str
    """Who finds what strikes: ``contacts`` (has learnt from motion alone), ``learned`` (the same, and materials by what
    the picture shows there), ``motion`` (nothing learnt), or ``auto``: the first of ``learned``, ``contacts`` and
    ``motion`` whose models are here."""
    finder_model: str | None
    """Model of the finder (``genlock train contacts`` or ``touches``): a name or a file. None: its own."""
    materials_model: str | None
    """Model that ``learned`` reads materials with (``genlock train materials``): a name or a file. None: its own."""
    least_probability: float | None
    """Events that are less likely are left out, 0...1. None: what the finder advises."""
    frame_instant: Exact
    """Where in the time over which a frame is shown its picture was taken, 0...1."""
    material: str | None
    """Material of events of which it is not known, or which the library does not have: one of its classes."""
    same_as: tuple[str, ...]
    """Materials and the class of the library that stands for each, such as stone=tiles."""
    retime_by: Literal["cut", "stretch"]
    """How a sound is moved: cut between its onsets, or stretched between its attacks."""
    takes: int
    """How many takes are made, each with its own seed, 1...32; the one whose onsets fit the picture best is kept."""
    seed: int
    """Of what is drawn at random, not below 0."""
    keep_sound: bool
    """Mix under the sound that is there, instead of replacing it."""
    gain_db: float | None
    """Level of the new sound, -60...24 dB. None: 0, and -6 under a sound that is kept."""
    width: float
    """Width of the stereo picture, 0 (all in the middle) ... 1."""
    sound_rate: int
    """Samples per second of what is made, 8000...192000."""
    wav: str | os.PathLike[str] | None
    """File to write the new sound to, alone, .wav."""
    events: tuple[str, ...]
    """Files to write the events to: .csv (a table), .otio (markers for editing programs)."""
    events_from: str | os.PathLike[str] | None
    """Table of events to sound, .csv as --events writes it, perhaps corrected by hand. None: they are looked for."""
    plot: str | os.PathLike[str] | None
    """Picture to write, .svg or .png: the sound's spectrogram and onsets over the motion and the events."""
    attention: str | os.PathLike[str] | None
    """Picture to write, .svg or .png: what a model that writes listened to of what it had written, in the
    first 20 s."""


class PrepareKeywords(TypedDict, total=False):
    """Keywords of :func:`genlock.prepare`."""

    recipe: str | None
    """What kind of corpus the source is: face, folder, grid, lrs3, sound, speech, voxceleb2, or one that another
    package registers; default: the dataset's, and of a new one folder."""
    outputs: str | None
    """Outputs of each clip, separated by commas, such as sound@16000,mel:specvqgan,frames@21.5/340x256,mouth/96: any
    feature as genlock features takes it (ssl:MODEL#LAYER, rgb:regnet:FILE), video@25/96, offset, words; default: the
    recipe's. Those that the dataset has stay."""
    clip_seconds: Exact | None
    """Length of a clip in seconds; "whole": each source is one clip; default: the dataset's, and of a new one the
    recipe's."""
    keep_tails: bool
    """Keep what is left at the end of a source, marked as a tail."""
    split: str | None
    """Shares of train, valid and test; default: the dataset's, and of a new one 0.8/0.1/0.1."""
    group: Literal["auto", "speaker", "source"] | None
    """What is never in two splits: a speaker or a source; auto: the speaker where the corpus names at least three;
    default: the dataset's, and of a new one auto."""
    seed: int | None
    """Seed of the splits; default: the dataset's, and of a new one 0."""
    layer: int | str | None
    """Layer of every ssl that names none: a number or conv; default: the last (ssl:MODEL#LAYER names its own)."""
    labels: str | None
    """Labels of every frame, separated by commas: kmeans:FEATURE:CLUSTERS, such as kmeans:mfcc:kaldi39:100; found
    on the training split, with the seed of the splits. Those that the dataset has stay."""
    workers: int
    """Sources at a time, at least 1."""
    engine: Literal["local", "ray"]
    """Processes of this machine, or a Ray cluster."""
    address: str | None
    """Address of the Ray cluster; default: Ray on this machine."""
    limit_seconds: float
    """Longest time for one source; what takes longer is quarantined."""
    retry: bool
    """Try again what is in quarantine."""
    replace: bool
    """Make the dataset exactly what is asked for now: other outputs, labels, clips and sources leave it."""
    status: bool
    """Only say how far the dataset is."""


class ExportKeywords(TypedDict, total=False):
    """Keywords of :func:`genlock.export`."""

    to: str
    """webdataset (tar shards), huggingface (Parquet for datasets.load_dataset), lhotse (manifests), avhubert (.tsv,
    .wrd, .km and mouth films), regnet (folders and lists of RegNet, SpecVQGAN and PerceptAlign), or one that another
    package registers."""
    kinds: str | None
    """Outputs to take, as the folders are called, separated by commas; default: all."""
    tails: bool
    """Take tails too."""
    shard_megabytes: int
    """Size of a shard in millions of bytes, at least 1 (webdataset, huggingface)."""
    name: str
    """Name of the dataset in names of files (lhotse, regnet)."""
    seed: int
    """Seed of the order of samples (webdataset)."""
