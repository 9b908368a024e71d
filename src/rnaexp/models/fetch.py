"""Weights from where they are published: the first source that answers, checked, and locked to what was first seen."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnaexp.data.download import cache_folder, fetch_file
from rnaexp.data.kept import kept_files, kept_folder, key_of
from rnaexp.errors import InputError, UnavailableError
from rnaexp.models import bundle, fetch_hub
from rnaexp.models.fetch_drive import fetch_drive
from rnaexp.models.fetch_record import fetch_record
from rnaexp.models.lock import FILE, Locked, advice, check, facts_of, lock, locked
from rnaexp.models.source import Source
from rnaexp.models.spec import ModelSpec
from rnaexp.models.unpack import is_archive, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file, or a folder, of weights; the files by their names in one folder; the hub's commit; the source."""

    path: Path
    files: Mapping[str, Path]
    revision: str | None
    source: Source
    beside: Mapping[str, Mapping[str, Any]] | None = None


def fetch_weights(spec: ModelSpec, wanted: str = "") -> Fetched:
    """A model's published weights from the first source that answers, or from the bundle of RNAEXP_MODELS.

    What was fetched first is written to `models.lock`; from then on only that source and those bytes will do. `wanted`:
    a kind of source, a layout or an address, instead of the first.

    Raises: UnavailableError: no source, no network, or not the bytes that were locked. InputError: a damaged or
    dangerous file from the only source.
    """
    held = locked(spec.name)
    packed = bundle.find(spec.name)
    if packed is not None and not wanted:
        path, files, recorded = packed
        if held is not None:
            check(spec.name, files, held)
        return Fetched(path=path, files=files, revision=recorded.revision, source=_recorded(spec, recorded))
    got = _first_that_answers(spec, _candidates(spec, held, wanted), held)
    if held is not None:
        check(spec.name, got.files, held)
    elif got.source.kind != "folder" and not _pinned(got.source):
        _lock_and_report(spec, got)
    return got


def _first_that_answers(spec: ModelSpec, sources: Sequence[Source], held: Locked | None) -> Fetched:
    failures = list[str]()
    for at, source in enumerate(sources):
        try:
            return _fetch(spec, source, held)
        except (UnavailableError, InputError) as error:
            if len(sources) == 1 and isinstance(error, InputError):
                raise
            failures.append(str(error))
            if at + 1 < len(sources):
                _say(f"{spec.name}: {error}; next: {sources[at + 1].address}")
    advice = (
        f"fetch it once where there is a network (rnaexp models fetch {spec.name}; for a machine without one: rnaexp "
        "models pack), or give --weights"
    )
    message = f"{spec.name}: {'; '.join(failures)}; {advice}"
    raise UnavailableError(message)


def weights_or_published(spec: ModelSpec, weights: Path | None) -> Path:
    """The caller's own weights, or else the published ones."""
    return fetch_weights(spec).path if weights is None else weights


def is_cached(spec: ModelSpec) -> bool | None:
    """Whether the weights lie on this machine; None if only a fetch could tell."""
    if not spec.sources:
        return False
    held = locked(spec.name)
    if held is None or not held.source.startswith("hf:"):
        return None
    return fetch_hub.cached(Source(address=held.source), held.files, held.revision)


def _candidates(spec: ModelSpec, held: Locked | None, wanted: str) -> Sequence[Source]:
    """The sources to try, in their order."""
    if not spec.sources:
        message = f"{spec.name}: {spec.unavailable or 'no published file is known; give --weights'}"
        raise UnavailableError(message)
    chosen = tuple(source for source in spec.sources if not wanted or source.is_called(wanted))
    if not chosen:
        known = ", ".join(f"{source.address} ({source.kind}, {source.layout})" for source in spec.sources)
        message = f"{spec.name}: --source {wanted!r} is none of its sources: {known}"
        raise InputError(message)
    if held is None:
        return chosen
    same = tuple(source for source in chosen if source.address == held.source)
    if not same:
        now = " or ".join(source.address for source in chosen)
        message = f"{spec.name}: {FILE} holds it from {held.source}, now it would come from {now}; {advice(spec.name)}"
        raise UnavailableError(message)
    if same[0].revision not in (None, held.revision):
        message = f"{spec.name}: {FILE} holds revision {held.revision}, not {same[0].revision} as wanted"
        raise UnavailableError(message)
    return same


def _fetch(spec: ModelSpec, source: Source, held: Locked | None) -> Fetched:
    if source.kind == "folder":
        return Fetched(path=Path(source.address), files={}, revision=spec.revision, source=source)
    _show_licence(spec, source, held)
    return _gathered(_from_hub(source, held) if source.kind == "hub" else _from_elsewhere(source), held)


def _pinned(source: Source) -> bool:
    """Whether the catalogue itself says which bytes it is."""
    return source.sha256 is not None and all(map(_pinned, source.beside))


def _from_hub(source: Source, held: Locked | None) -> Fetched:
    if held is None or held.revision is None:
        revision, names = fetch_hub.resolve(source)
    else:
        others = {name for each in (held.beside or {}).values() for name in each["files"]}
        revision, names = held.revision, [name for name in held.files if name not in others]
    paths = fetch_hub.download(source, names, revision)
    first = next(iter(paths))
    return Fetched(path=paths[first].parents[first.count("/")], files=paths, revision=revision, source=source)


def _from_elsewhere(source: Source) -> Fetched:
    """A file behind a URL, in a record or on a drive; what is packed is unpacked."""
    path = _link(source) if source.kind == "url" else _kept(source)
    if not is_archive(path):
        return Fetched(path=path, files={path.name: path}, revision=source.revision, source=source)
    place = _place(source)
    opened = kept_folder(
        place.with_name(f"{place.name}-{key_of(source.member)}"), lambda into: unpack(path, into, source.member)
    )
    files = kept_files(opened)
    return Fetched(path=bundle.root(opened, files), files=files, revision=source.revision, source=source)


def _link(source: Source) -> Path:
    return fetch_file(source.address, source.sha256)


def _kept(source: Source) -> Path:
    download = fetch_record if source.kind == "doi" else fetch_drive
    (path,) = kept_files(kept_folder(_place(source), lambda into: download(source, into))).values()
    return path


def _place(source: Source) -> Path:
    return cache_folder() / "weights" / key_of(source.address, source.file)


def _gathered(got: Fetched, held: Locked | None) -> Fetched:
    """With the files of its companion sources, in one folder of links."""
    if not got.source.beside:
        return got
    files, beside = dict[str, Path](), dict[str, Mapping[str, Any]]()
    for source in got.source.beside:
        if source.kind == "hub":
            known = (held.beside or {}).get(source.address) if held is not None else None
            revision, names = (
                fetch_hub.resolve(source, weights=False) if known is None else (known["revision"], known["files"])
            )
            names = [name for name in names if name not in got.files]  # what both have is that of the weights
            beside[source.address] = {"revision": revision, "files": names}
            files |= fetch_hub.download(source, names, revision)
        else:
            files |= _from_elsewhere(source).files
    files |= got.files
    named = {_plain_name(name, got.source): path for name, path in files.items()}
    place = cache_folder() / "weights" / key_of("links", *sorted(f"{name} {path}" for name, path in named.items()))
    folder = kept_folder(place, lambda into: _link_all(named, into))
    return Fetched(
        path=folder, files=kept_files(folder), revision=got.revision, source=got.source, beside=beside or None
    )


def _plain_name(name: str, source: Source) -> str:
    """A cached download carries part of its hash before its name; a loader looks for the name."""
    plain = name.partition("-")[2]
    addresses = (source.address, *(each.address for each in source.beside))
    return plain if plain and any(address.endswith(f"/{plain}") for address in addresses) else name


def _link_all(files: Mapping[str, Path], into: Path) -> None:
    for name, path in files.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).symlink_to(path.absolute())


def _recorded(spec: ModelSpec, held: Locked) -> Source:
    """The source that a lock names, as the catalogue knows it."""
    known = (source for source in spec.sources if source.address == held.source)
    return next(known, Source(address=held.source, licence=held.licence))


def _show_licence(spec: ModelSpec, source: Source, held: Locked | None) -> None:
    """Once, before the first download: this copy's licence where it is not the authors'."""
    if held is None and source.licence is not None and source.licence != spec.licence:
        _say(
            f"{spec.name}: the copy at {source.address} is licensed {source.licence}; its authors' weights: "
            f"{spec.licence or 'unknown'}"
        )


def _lock_and_report(spec: ModelSpec, got: Fetched) -> None:
    held = Locked(
        source=got.source.address,
        revision=got.revision,
        files=facts_of(got.files),
        layout=got.source.layout,
        licence=got.source.licence or spec.licence,
        beside=got.beside,
    )
    lock(spec.name, held)
    _say(f"{spec.name}: {held.source}{_summary(held)}; written to {FILE}")


def _summary(held: Locked) -> str:
    size = sum(facts["size"] for facts in held.files.values())
    at = f" at {held.revision}" if held.revision else ""
    only = next(iter(held.files.values()))
    of = f"sha256 {only['sha256']}" if len(held.files) == 1 else f"{len(held.files)} files"
    return f"{at}, {of}, {size / 1e6:.1f} MB"


def _say(line: str) -> None:
    sys.stderr.write(f"rnaexp: {line}\n")
