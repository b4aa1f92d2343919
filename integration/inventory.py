# SPDX-License-Identifier: Apache-2.0
"""What an engine has in its state directory: what is in no place of its own, or is named by nobody, or is missing,
however it came to be so."""
import contextlib
import hashlib
import os
import re
import sqlite3

# What lies directly below the state directory, of any engine.
KNOWN = re.compile(r"lock|images\.lock|cleat\.db(-wal|-shm)?|containers|layers|events|tmp|base|spare|blobs|build-cache|"
                   r"contents|volumes|rootfs|empty|network\.lock")
LAYER = {frozenset({"tar", "size", "index"}), frozenset({"fs", "size"})}


def query(engine, sql):
    with contextlib.closing(sqlite3.connect(f"file:{engine.state}/cleat.db?mode=ro", uri=True, timeout=30)) as db:
        return db.execute(sql).fetchall()


def column(engine, sql):
    return {row[0] for row in query(engine, sql)}


def names(folder):
    """Of a directory that may be removed meanwhile."""
    try:
        return set(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return set()


def parts(engine):
    """What pulls that failed have left for the next ones: bytes by digest. It may become less meanwhile."""
    folder, found = engine.state / "tmp/partial", {}
    for name in names(folder):
        with contextlib.suppress(FileNotFoundError):
            found[name] = (folder / name).stat().st_size
    return found


def faults(engine):
    """What is wrong, a sentence each; parts of blobs that pulls have left are not."""
    wrong = [f"{name} is in no place" for name in names(engine.state) if not KNOWN.fullmatch(name)]
    wrong += [f"rootfs/{name} is on the mount point of the roots" for name in names(engine.state / "rootfs")]
    wrong += [f"empty/{name} is in images without layers" for name in names(engine.state / "empty")]
    wrong += [f"tmp/{name} is left over" for name in names(engine.state / "tmp") - {"partial"}]
    for table in ("images", "build_cache"):
        wrong += [f"{table} has {row[0]} of a build" for row in query(engine, f"SELECT * FROM {table} WHERE lease <> ''")]
    wrong += [f"container {row[0]} is half made" for row in query(engine, "SELECT id FROM containers WHERE intent <> ''")]
    wrong += compare("layer", names(engine.state / "layers"), digits(column(
        engine, "SELECT diff_id FROM image_layers UNION SELECT diff_id FROM build_cache WHERE diff_id <> ''")))
    wrong += [f"layer {p.name} is not whole" for p in (engine.state / "layers").iterdir() if names(p) not in LAYER]
    wrong += compare("blob", names(engine.state / "blobs/sha256"), digits(column(engine, "SELECT digest FROM blobs")))
    wrong += [f"row of blob {d} that nobody needs" for d in column(
        engine, "SELECT digest FROM blobs WHERE digest NOT IN (SELECT digest FROM image_blobs) AND (diff_id = '' OR "
        "diff_id NOT IN (SELECT diff_id FROM build_cache))")]
    wrong += [f"part {d} of a blob that is here" for d in parts(engine).keys() & names(engine.state / "blobs/sha256")]
    wrong += compare("container", names(engine.state / "containers"), column(engine, "SELECT id FROM containers"))
    wrong += compare("volume", names(engine.state / "volumes") - {".boot", ".lock"},
                     column(engine, "SELECT name FROM volumes"))
    left = [text for text in engine.leftovers() if not text.startswith("file ")]
    if query(engine, "SELECT 1 FROM containers"):
        left = [text for text in left if not text.endswith(" cleat-shim")]
    return wrong + left


def digits(digests):
    return {d.removeprefix("sha256:") for d in digests}


def compare(what, files, rows):
    return [f"{what} {n} without a row" for n in files - rows] + [f"row of {what} {n} without files" for n in rows - files]


def damage(engine):
    """Blobs, layers and contents of contexts whose bytes are not those of their names."""
    files = [(p, p.name) for p in (engine.state / "blobs/sha256").glob("*")]
    files += [(p, p.parent.name) for p in (engine.state / "layers").glob("*/tar")]
    files += [(p, p.parent.name + p.name) for p in (engine.state / "contents").glob("*/*")]

    def is_damaged(path, name):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            return hashlib.sha256(path.read_bytes()).hexdigest() != name
        return False

    return [str(p) for p, name in files if is_damaged(p, name)]


def content(engine):
    """Images, steps of the build cache and blobs as what they are made of, not when they were made."""
    found = set()
    for image_id, in query(engine, "SELECT id FROM images"):
        parts_of = [tuple(r[0] for r in query(engine, sql.format(image_id))) for sql in (
            "SELECT name FROM tags WHERE image_id = '{}' ORDER BY 1",
            "SELECT diff_id FROM image_layers WHERE image_id = '{}' ORDER BY position",
            "SELECT digest FROM image_blobs WHERE image_id = '{}' ORDER BY 1",
            "SELECT repository || '@' || digest FROM repo_digests WHERE image_id = '{}' ORDER BY 1")]
        found.add(("image", *parts_of))
    found |= {("step", *row) for row in query(engine, "SELECT key, diff_id FROM build_cache")}
    found |= {("blob", *row) for row in query(engine, "SELECT digest, size_bytes, diff_id FROM blobs")}
    return found
