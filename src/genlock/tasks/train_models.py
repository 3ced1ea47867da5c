"""The recipes of ``genlock train``, and what starts them. torch is loaded only when one is started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genlock.core.progress import Progress, silent
from genlock.tasks.result import Result
from genlock.train.avhubert.options import AVHUBERT_LOOP, AVSR_LOOP, AVHubertTraining, AvsrTraining
from genlock.train.foley.contact_options import CONTACTS_LOOP, ContactTraining
from genlock.train.foley.material_options import MATERIALS_LOOP, MaterialTraining
from genlock.train.foley.options import CODEBOOK_LOOP, VOCODER_LOOP, CodebookTraining, VocoderTraining
from genlock.train.foley.touch_options import TOUCHES_LOOP, TouchTraining
from genlock.train.foley.writer_options import WRITER_LOOP, WriterTraining
from genlock.train.lipsync.linear import train_on
from genlock.train.lipsync.people_calibration import Calibrated, calibrate_people
from genlock.train.lipsync.trained import SyncTrained
from genlock.train.options import (
    TOWER_LOOP,
    CalibrationTraining,
    CtcTraining,
    LoopOptions,
    SyncTraining,
    TowerTraining,
    Wav2Vec2Training,
)
from genlock.train.registry import RecipeCommand
from genlock.train.speech.phone_options import PHONES_LOOP, PhonesTraining
from genlock.train.talker.options import TALKER_LOOP, TalkerTraining

__all__ = [
    "AVHUBERT",
    "AVSR",
    "CODEBOOK",
    "CONTACTS",
    "CTC",
    "MATERIALS",
    "PHONES",
    "SYNC",
    "TALKER",
    "TOUCHES",
    "VOCODER",
    "WAV2VEC2",
    "WRITER",
    "calibrate_sync",
    "train_avhubert",
    "train_avsr",
    "train_codebook",
    "train_contacts",
    "train_ctc",
    "train_materials",
    "train_phones",
    "train_sync",
    "train_talker",
    "train_touches",
    "train_tower",
    "train_vocoder",
    "train_wav2vec2",
    "train_writer",
]


def train_avhubert(
    videos: Sequence[str],
    folder: str,
    training: AVHubertTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Pretrain an AV-HuBERT, or distil one; see :func:`genlock.train.avhubert.runs.train_avhubert`."""
    from genlock.train.avhubert.runs import train_avhubert as run  # needs the optional torch

    return run(videos, folder, training, loop, progress)


def train_avsr(
    videos: Sequence[str], folder: str, training: AvsrTraining, loop: LoopOptions, progress: Progress = silent
) -> Result:
    """Train a recogniser of sound and lips; see :func:`genlock.train.avhubert.runs.train_avsr`."""
    from genlock.train.avhubert.runs import train_avsr as run  # needs the optional torch

    return run(videos, folder, training, loop, progress)


def train_codebook(
    sounds: Sequence[str],
    folder: str,
    training: CodebookTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a codec of sound; see :func:`genlock.train.foley.codebook.train_codebook`."""
    from genlock.train.foley.codebook import train_codebook as run  # needs the optional torch

    return run(sounds, folder, training, loop, progress)


def train_ctc(
    sounds: Sequence[str], folder: str, training: CtcTraining, loop: LoopOptions, progress: Progress = silent
) -> Result:
    """Train a CTC model; see :func:`genlock.train.speech.ctc.train_ctc`."""
    from genlock.train.speech.ctc import train_ctc as run  # needs the optional torch

    return run(sounds, folder, training, loop, progress)


def train_contacts(
    films: Sequence[str],
    folder: str,
    training: ContactTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a finder of contacts by motion; see :func:`genlock.train.foley.contacts.train_contacts`."""
    from genlock.train.foley.contacts import train_contacts as run  # needs the optional torch

    return run(films, folder, training, loop, progress)


def train_materials(
    films: Sequence[str],
    folder: str,
    training: MaterialTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a reader of what is struck; see :func:`genlock.train.foley.materials.train_materials`."""
    from genlock.train.foley.materials import train_materials as run  # needs the optional torch

    return run(films, folder, training, loop, progress)


def train_touches(
    films: Sequence[str], folder: str, training: TouchTraining, loop: LoopOptions, progress: Progress = silent
) -> Result:
    """Train a model that looks closely at what may touch; see :func:`genlock.train.foley.touches.train_touches`."""
    from genlock.train.foley.touches import train_touches as run  # needs the optional torch

    return run(films, folder, training, loop, progress)


def train_phones(
    sounds: Sequence[str],
    folder: str,
    training: PhonesTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a model of phones; see :func:`genlock.train.speech.phones.train_phones`."""
    from genlock.train.speech.phones import train_phones as run  # needs the optional torch

    return run(sounds, folder, training, loop, progress)


def train_sync(
    videos: Sequence[str], folder: str, training: SyncTraining, progress: Progress = silent
) -> SyncTrained:
    """Train the linear lips-sound model; see :func:`genlock.train.lipsync.linear.train_on`."""
    from genlock.train.lipsync.films import open_films  # needs the optional pyarrow

    films = open_films(videos, folder, progress, training.ordinary, training.without)
    return train_on(films.parts, folder, training, progress, films.notes)


def train_tower(
    videos: Sequence[str],
    folder: str,
    training: TowerTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> SyncTrained:
    """Train the towers of lips and speech; see :func:`genlock.train.lipsync.tower.train_tower_on`."""
    from genlock.train.lipsync.films import open_films  # needs the optional pyarrow
    from genlock.train.lipsync.tower import train_tower_on  # needs the optional torch

    films = open_films(videos, folder, progress, training.ordinary, training.without)
    return train_tower_on(films.parts, folder, training, loop, progress, films.notes, films.people)


def calibrate_sync(
    videos: Sequence[str], folder: str, training: CalibrationTraining, progress: Progress = silent
) -> Calibrated:
    """Fit what the lips-sound models may be sure of; see :func:`genlock.train.lipsync.people_calibration`."""
    from genlock.train.lipsync.films import open_people  # needs the optional pyarrow

    people, notes = open_people(videos, folder, progress)
    return calibrate_people(people, folder, training, progress, notes)


def train_talker(
    videos: Sequence[str],
    folder: str,
    training: TalkerTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a face that moves with a voice; see :func:`genlock.train.talker.recipe.train_talker`."""
    from genlock.train.talker.recipe import train_talker as run  # needs the optional torch

    return run(videos, folder, training, loop, progress)


def train_vocoder(
    sounds: Sequence[str],
    folder: str,
    training: VocoderTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a vocoder; see :func:`genlock.train.foley.vocoder.train_vocoder`."""
    from genlock.train.foley.vocoder import train_vocoder as run  # needs the optional torch

    return run(sounds, folder, training, loop, progress)


def train_wav2vec2(
    sounds: Sequence[str],
    folder: str,
    training: Wav2Vec2Training,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Pretrain a wav2vec 2.0 model; see :func:`genlock.train.speech.wav2vec2.pretrain`."""
    from genlock.train.speech.wav2vec2 import pretrain as run  # needs the optional torch

    return run(sounds, folder, training, loop, progress)


def train_writer(
    films: Sequence[str],
    folder: str,
    training: WriterTraining,
    loop: LoopOptions,
    progress: Progress = silent,
) -> Result:
    """Train a writer of sound for silent films; see :func:`genlock.train.foley.writer.train_writer`."""
    from genlock.train.foley.writer import train_writer as run  # needs the optional torch

    return run(films, folder, training, loop, progress)


_SOUNDS = (
    "Datasets of genlock prepare, or folders of sounds or videos (with transcripts.tsv where texts are needed), which "
    "are prepared first."
)
_FACES = (
    "Datasets of genlock prepare with sound and mouths, or videos of single talking faces that are believed to be in "
    "step, or folders of them, which are prepared first."
)

_MOUTHS = (
    "Datasets of genlock prepare with sound and mouths (recipes grid, lrs3, voxceleb2, face), or films of single "
    "talking faces in step, or folders of them, which are prepared first."
)

AVHUBERT = RecipeCommand(
    "avhubert",
    "an encoder of sound and lips without text: masked clusters, or distilled from a speech model",
    AVHubertTraining,
    train_avhubert,
    AVHUBERT_LOOP,
    _MOUTHS,
)
AVSR = RecipeCommand(
    "avsr",
    "a recogniser of sound and lips that finds by how much the two are out of step",
    AvsrTraining,
    train_avsr,
    AVSR_LOOP,
    _MOUTHS,
)
_ANY_SOUNDS = (
    "Datasets of genlock prepare with sound@24000, or sounds or films, or folders of them, prepared first."
)
CODEBOOK = RecipeCommand(
    "codebook",
    "a codec of sound: four tokens for 20 ms, for what writes sound for silent pictures",
    CodebookTraining,
    train_codebook,
    CODEBOOK_LOOP,
    _ANY_SOUNDS,
)
VOCODER = RecipeCommand(
    "vocoder",
    "sound from mel bands by spectra that a network says",
    VocoderTraining,
    train_vocoder,
    VOCODER_LOOP,
    _ANY_SOUNDS,
)
CTC = RecipeCommand(
    "ctc",
    "a recogniser and aligner from sound with text, from a pretrained model or from nothing",
    CtcTraining,
    train_ctc,
    sources=_SOUNDS,
)
WAV2VEC2 = RecipeCommand(
    "wav2vec2",
    "speech representations from sound without text: masked contrastive pretraining",
    Wav2Vec2Training,
    train_wav2vec2,
    sources=_SOUNDS,
)
TALKER = RecipeCommand(
    "talker",
    "a face that moves with a voice: from features of the sound to movements of the face mesh",
    TalkerTraining,
    train_talker,
    TALKER_LOOP,
    "Datasets of genlock prepare with landmarks and the features that are heard, or films of single talking faces in "
    "step, or folders of them, which are prepared first.",
)
_IMPACTS = "Datasets of genlock prepare --recipe impacts, or films of genlock synth impacts, which are prepared first."
CONTACTS = RecipeCommand(
    "contacts",
    "when something touches, by its motion alone: instants, impulses and places, at any frame rate",
    ContactTraining,
    train_contacts,
    CONTACTS_LOOP,
    _IMPACTS.replace("--recipe impacts", "--recipe impacts --outputs motion"),
)
PHONES = RecipeCommand(
    "phones",
    "words of any language on the clock, from sound with text",
    PhonesTraining,
    train_phones,
    PHONES_LOOP,
    _SOUNDS,
)
MATERIALS = RecipeCommand(
    "materials",
    "where in a picture something is struck, of what material and how large it is",
    MaterialTraining,
    train_materials,
    MATERIALS_LOOP,
    _IMPACTS,
)
TOUCHES = RecipeCommand(
    "touches",
    "whether and when something touches, looked at closely where motion says that it may",
    TouchTraining,
    train_touches,
    TOUCHES_LOOP,
    _IMPACTS.replace("--recipe impacts", "--recipe impacts --outputs motion"),
)
WRITER = RecipeCommand(
    "writer",
    "sound for silent films: codes written column by column, each told what its own instant shows",
    WriterTraining,
    train_writer,
    WRITER_LOOP,
    _IMPACTS,
)
_TOWER = RecipeCommand(
    "sync",
    "two small networks that measure offsets from lips and speech",
    TowerTraining,
    train_tower,
    TOWER_LOOP,
    _FACES,
    "sync-tower",
)
_LINEAR = RecipeCommand(
    "sync",
    "ridge regression and canonical correlation of lips and speech, in closed form",
    SyncTraining,
    train_sync,
    None,
    _FACES,
    "sync-linear",
)
_CALIBRATION = RecipeCommand(
    "sync",
    "what the models of lips and speech may be sure of, fitted on many people; the linear one is learnt anew on demand",
    CalibrationTraining,
    calibrate_sync,
    None,
    "Datasets of genlock prepare with sound@16000 and an output of the face, or folders of films, one for each person.",
    "sync-calibration",
)
SYNC = replace(
    _LINEAR,
    title="the offset of sound and picture from lips and speech; linear (seconds, no torch), towers or calibration",
    models={"linear": _LINEAR, "tower": _TOWER, "calibration": _CALIBRATION},
)
