"""Corpora: where their files lie and what they say of them, one file each."""

from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile, Trouble, find_corpus

__all__ = ["Corpus", "CorpusFolder", "SourceFile", "Trouble", "find_corpus"]
