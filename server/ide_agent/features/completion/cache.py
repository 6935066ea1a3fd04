"""Suggestions already made, found again while the user types through them, and never served when stale.

The rule that everything here keeps: the document after accepting what is served equals the document after
accepting what the model said, where and when it said it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ide_agent.features.completion.cursor import CursorContext

CAPACITY = 250
LOOK_BACK = 128
"""Typed characters after which a suggestion is no longer searched for."""
PREFIX_CHARS = 4096
"""How much text before the cursor must be the same."""
SUFFIX_LINES = 5
"""How many lines after the cursor must be the same, the rest of its own included."""
# Finds the candidates, which are compared in full afterwards. Short: a lookup hashes it for each step back.
_KEY_CHARS = 32

# How far away the closing bracket may be that the editor moved to a line of its own.
_BLOCK_CHARS = 120

_CLOSING = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`", "<": ">"}


@dataclass(frozen=True, slots=True)
class Hit:
    """What the cache knows for a position."""

    completion_id: str
    text: str
    """What remains of the suggestion. Empty while a stream has not got past what the user typed, and when the
    model had nothing to say at exactly this position (then `complete`)."""
    replace_after: int
    """Code points right of the cursor, on its line, that `text` replaces."""
    complete: bool
    """Nothing more will follow."""
    typed: int
    """Characters the user has typed since the model was asked."""


@dataclass(slots=True)
class _Entry:
    completion_id: str
    uri: str
    language: str
    key: str
    before: str
    """The text before the cursor, the last `PREFIX_CHARS` of it."""
    before_cut: bool
    """The document goes on above `before`."""
    after: str
    after_cut: bool
    """The document goes on below `after`."""
    text: str
    complete: bool
    replace_after: int

    def same_place(self, prefix: str, end: int, cut: bool) -> bool:
        """Whether ``prefix[:end]`` is the text before this entry; the windows may have scrolled."""
        known = min(end, PREFIX_CHARS, len(self.before))
        if known < PREFIX_CHARS and end != len(self.before):
            shorter_cut = cut if end < len(self.before) else self.before_cut
            if not shorter_cut:
                return False
        return self.before.endswith(prefix[end - known : end])

    def follows(self, suffix: str, start: int, skip: int) -> bool:
        """Whether ``suffix[start:]`` is the text after this entry without its first `skip` characters."""
        rest = self.after[skip:] if skip else self.after
        if not suffix.startswith(rest, start):
            return False
        return self.after_cut or len(suffix) - start == len(rest)


class SuggestionCache:
    """Least recently used go first. Not for use from several threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._places: dict[str, dict[str, list[_Entry]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self,
        context: CursorContext,
        completion_id: str,
        text: str = "",
        *,
        complete: bool = False,
        replace_after: int = 0,
        beside: bool = False,
    ) -> None:
        """Note what the model says at `context`, or that it has been asked (no text, not complete).

        Takes the place of an earlier entry with the same id, and of those for the same position. With
        `beside` it stands behind those: it is found where they no longer fit what was typed, or after
        `prefer`.
        """
        prefix = context.prefix
        entry = _Entry(
            completion_id,
            context.uri,
            context.language,
            prefix[-_KEY_CHARS:],
            prefix[-PREFIX_CHARS:],
            context.prefix_line > 0 or len(prefix) > PREFIX_CHARS,
            *_head(context.suffix),
            text,
            complete,
            replace_after,
        )
        self.discard(completion_id)
        known = self._places.get(entry.uri, {}).get(entry.key, ()) if not beside else ()
        for old in [e for e in known if (e.before, e.after) == (entry.before, entry.after)]:
            self._remove(old)
        bucket = self._places.setdefault(entry.uri, {}).setdefault(entry.key, [])
        bucket.insert(0 if beside else len(bucket), entry)
        self._entries[completion_id] = entry
        while len(self._entries) > self._capacity:
            self._remove(next(iter(self._entries.values())))

    def extend(self, completion_id: str, text: str, complete: bool, replace_after: int | None = None) -> None:
        """The stream has got to `text` (all of it, from the start). Unknown ids are ignored.

        When a stream ends early, either call it with `complete` or `discard` the entry.
        """
        entry = self._entries.get(completion_id)
        if entry is None:
            return
        entry.text = text
        entry.complete = complete
        if replace_after is not None:
            entry.replace_after = replace_after

    def prefer(self, completion_id: str) -> None:
        """The user sees this one: of several for one position it is the one that he types along."""
        entry = self._entries.get(completion_id)
        if entry is not None:
            bucket = self._places[entry.uri][entry.key]
            bucket.remove(entry)
            bucket.append(entry)

    def discard(self, completion_id: str) -> None:
        """Drop an entry: its generation failed or was cancelled, or the user dismissed it."""
        entry = self._entries.get(completion_id)
        if entry is not None:
            self._remove(entry)

    def forget(self, uri: str) -> None:
        """Drop all that was said in this document."""
        for bucket in self._places.pop(uri, {}).values():
            for entry in bucket:
                del self._entries[entry.completion_id]

    def clear(self) -> None:
        """Drop everything: another model, other settings."""
        self._entries.clear()
        self._places.clear()

    def lookup(self, context: CursorContext) -> Hit | None:
        """What was said here, or what remains of it after the user typed some of it himself.

        Suggestions with text go before those of which none has come yet, nearer ones before those that were
        asked for further back.
        """
        places = self._places.get(context.uri)
        if not places:
            return None
        prefix = context.prefix
        end = len(prefix)
        without_text: tuple[Hit, _Entry] | None = None
        bucket_of = places.get
        for typed in range(min(LOOK_BACK, end) + 1):
            at = end - typed
            bucket = bucket_of(prefix[max(0, at - _KEY_CHARS) : at])
            if bucket is None:
                continue
            for entry in reversed(bucket):
                hit = _match(entry, context, at)
                if hit is None:
                    continue
                if hit.text:
                    self._entries.move_to_end(hit.completion_id)
                    return hit
                without_text = without_text or (hit, entry)
        if without_text is None:
            return None
        self._entries.move_to_end(without_text[1].completion_id)
        return without_text[0]

    def _remove(self, entry: _Entry) -> None:
        del self._entries[entry.completion_id]
        buckets = self._places[entry.uri]
        bucket = buckets[entry.key]
        bucket.remove(entry)
        if not bucket:
            del buckets[entry.key]
        if not buckets:
            del self._places[entry.uri]


def _head(suffix: str) -> tuple[str, bool]:
    """The part of the text after the cursor that must be the same, and whether more follows it."""
    end = 0
    for _ in range(SUFFIX_LINES):
        end = suffix.find("\n", end) + 1
        if not end:
            return suffix, False
    return suffix[:end], True


def _match(entry: _Entry, context: CursorContext, at: int) -> Hit | None:
    """What `entry`, asked for at ``prefix[:at]``, has to offer at the cursor."""
    prefix = context.prefix
    typed = prefix[at:]
    if entry.text.startswith(typed):
        rest = entry.text[len(typed) :]
        if not rest and entry.complete and typed:
            return None
    elif not entry.complete and typed.startswith(entry.text):
        rest = ""
    else:
        return None
    if entry.language != context.language or not entry.same_place(prefix, at, context.prefix_line > 0):
        return None
    fitted = _fit(entry, context.suffix, typed, rest)
    if fitted is None:
        return None
    text, replace_after = fitted
    if not text and rest:
        return None
    return Hit(entry.completion_id, text, replace_after, entry.complete, len(typed))


def _fit(entry: _Entry, suffix: str, typed: str, rest: str) -> tuple[str, int] | None:
    """`rest` and how much it replaces, fitted to what stands after the cursor now; None when that is stale.

    After the cursor may stand: what stood there when the model was asked; less the first characters that the
    suggestion replaces, when the user typed over them; or the closing brackets that the editor put there
    for the opening ones the user typed, before it.
    """
    for overtyped in range(entry.replace_after + 1):
        if _is_subsequence(entry.after[:overtyped], typed) and entry.follows(suffix, 0, overtyped):
            return rest, entry.replace_after - overtyped
    closing = _unclosed(typed)
    for length in range(1, len(closing) + 1):
        if _is_subsequence(suffix[:length], closing) and entry.follows(suffix, length, 0):
            return rest, length + entry.replace_after
    if entry.complete and not entry.replace_after:
        return _fit_block(entry, suffix, closing, rest)
    return None


def _fit_block(entry: _Entry, suffix: str, closing: str, rest: str) -> tuple[str, int] | None:
    """The same for Enter between brackets, which puts the closing one on a line of its own.

    That is out of reach for a replacement, so what is there already is left out of what is served.
    """
    for length, character in enumerate(suffix[:_BLOCK_CHARS], 1):
        if character.isspace():
            continue
        inserted = suffix[:length]
        if not _is_subsequence("".join(inserted.split()), closing):
            return None
        if rest.endswith(inserted) and entry.follows(suffix, length, 0):
            return rest[:-length], 0
    return None


def _unclosed(typed: str) -> str:
    """The closing brackets and quotes that an editor may have added for `typed`, the innermost first."""
    stack: list[str] = []
    for character in typed:
        if stack and character == stack[-1]:
            stack.pop()
        elif character in _CLOSING:
            stack.append(_CLOSING[character])
    return "".join(reversed(stack))


def _is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)
